"""Geometry only: arrays and shapes in, arrays and shapes out. No SQL, no HTTP."""
