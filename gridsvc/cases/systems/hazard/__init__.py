"""A hazard raised without a complaint (隐患吹哨): every body of the unit grid is told at once."""
