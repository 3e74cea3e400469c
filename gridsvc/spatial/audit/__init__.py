"""Faults of a set of areas: what is wrong, how large, how wide, between whom, and where to look."""
