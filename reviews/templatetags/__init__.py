"""Tags with which the desk's templates show verdicts."""
