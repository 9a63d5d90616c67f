"""What operators run on opinions."""
