"""Lanes (街巷): segments with a chief and wardens, how far they are patrolled, since when."""
