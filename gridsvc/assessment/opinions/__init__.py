"""Opinions: what a street says of the year of a body that it called; a part of its score."""
