"""What there is: areas and their editions, unit grids, parts, bodies, duties, agreements."""
