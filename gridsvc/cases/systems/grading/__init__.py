"""Grades by hand: staff says how urgent a case is, and the limits follow."""
