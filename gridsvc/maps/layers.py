"""The layers that tiles and exports offer, by name."""

from __future__ import annotations

from dataclasses import dataclass

from gridsvc.errors import NotFound

__all__ = ["AREA_LEVELS", "EXPORT_LAYERS", "TILE_LAYERS", "TileLayer", "tile_layer"]

#: The layers whose rows are areas, and the level that each shows.
AREA_LEVELS = {"districts": "district", "streets": "street", "communities": "community"}

#: The layers that can be taken away whole.
EXPORT_LAYERS = (
    "districts",
    "streets",
    "communities",
    "unit_grids",
    "parts",
    "joint_cases",
    "disputes",
)


@dataclass(frozen=True, slots=True)
class TileLayer:
    """A layer of vector tiles.

    Below ``min_zoom`` its tiles are empty, below ``label_zoom`` they have no labels (None: at no
    zoom). ``max_age_s`` is how long a map may show a tile
    without asking again. ``follows_editions``: the content changes only with the editions in
    force, so that their stamp tells whether a tile is still good.
    """

    name: str
    min_zoom: int
    label_zoom: int | None
    max_age_s: int
    follows_editions: bool


TILE_LAYERS = {
    layer.name: layer
    for layer in (
        TileLayer("districts", 0, 0, 300, True),
        TileLayer("streets", 9, 10, 300, True),
        TileLayer("communities", 11, 13, 300, True),
        TileLayer("unit_grids", 13, 16, 300, True),
        TileLayer("parts", 14, None, 60, False),
        TileLayer("whistles", 8, None, 0, False),
        TileLayer("disputes", 9, None, 0, False),
    )
}


def tile_layer(name: str) -> TileLayer:
    """The layer of that name. Raises NotFound, naming those that exist."""
    layer = TILE_LAYERS.get(name)
    if layer is None:
        raise NotFound(
            f"There is no tile layer '{name}'; there are {', '.join(TILE_LAYERS)}.", field="layer"
        )
    return layer
