"""The catalog document: tools, plans, reviews and comparisons in and out as JSON."""
