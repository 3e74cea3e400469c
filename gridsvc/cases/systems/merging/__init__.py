"""Merging: which reports are about one thing and share a case; joined and split by people."""
