"""Callbacks (回访): what citizens say once their case is closed."""
