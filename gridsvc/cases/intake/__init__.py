"""A report finds its place, its owner and its case."""
