"""Opinions: personas, reviews and their revisions, panel and scorecard."""
