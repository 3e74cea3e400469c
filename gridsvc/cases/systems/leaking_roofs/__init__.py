"""Leaking roofs: one office, data merged, dispatched and reported upward, revisited."""
