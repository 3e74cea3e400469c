"""Unit grids and national ids."""
