"""Residents by age and unit grid, births, moves, and places that care for children: counts only."""
