"""A report within reach of a lane goes to its chief too (街巷长), on whichever side it lies."""
