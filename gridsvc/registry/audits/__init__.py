"""Audits of editions and of files: what is wrong with the areas, by code, and its summary."""
