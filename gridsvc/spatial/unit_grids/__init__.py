"""The steps by which one community becomes unit grids that follow the city."""
