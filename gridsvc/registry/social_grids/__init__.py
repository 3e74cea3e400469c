"""Social grids (社会治理网格): the layer of households and grid workers, beside the unit grids."""
