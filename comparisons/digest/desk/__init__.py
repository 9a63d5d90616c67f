"""The desk's room for the digest: editions, who gets them, and what became of each mail."""
