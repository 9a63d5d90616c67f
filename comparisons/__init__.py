"""What readers come for: comparisons, the home page, and the catalog in and out."""
