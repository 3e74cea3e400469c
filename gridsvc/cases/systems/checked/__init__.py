"""A citizen's report, checked on the spot before it is filed and before it is closed."""
