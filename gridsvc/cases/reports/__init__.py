"""Reports: one person's message about one place."""
