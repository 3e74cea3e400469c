"""Spatial relations between two layers, or between a layer and what a user uploads."""
