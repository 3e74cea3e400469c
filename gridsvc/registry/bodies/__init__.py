"""Bodies, their duties, and agreements between them."""
