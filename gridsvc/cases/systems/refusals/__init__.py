"""Refusals (退回): who may be named instead, by which clause, and when command decides."""
