"""A railway, river or road with a width, and the areas and unit grids along it in order."""
