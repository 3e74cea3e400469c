"""Placement: which areas and which unit grid a point is in, and how close the border is."""
