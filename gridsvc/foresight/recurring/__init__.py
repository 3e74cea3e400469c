"""Recurring places: what was found by words is kept, to be looked at before each season."""
