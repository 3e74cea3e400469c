"""Looking a code up: the unit grid or part that bears it."""
