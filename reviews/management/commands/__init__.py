"""What operators run on opinions: one module a command."""
