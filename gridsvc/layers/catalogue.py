"""All layers of the service, in the order in which they are named."""

from __future__ import annotations

from collections.abc import Iterable

from gridsvc.callers import Caller
from gridsvc.errors import NotFound
from gridsvc.layers.alarms import ALARMS
from gridsvc.layers.boundaries import COMMUNITIES, DISTRICTS, STREETS
from gridsvc.layers.cases import DISPUTES, JOINT_CASES
from gridsvc.layers.lanes import LANES
from gridsvc.layers.model import Layer, Tiles
from gridsvc.layers.parts import PARTS
from gridsvc.layers.unit_grids import UNIT_GRIDS

__all__ = [
    "AREA_LAYERS",
    "DISTRICTS",
    "LAYERS",
    "STREETS",
    "UNIT_GRIDS",
    "exported_layer",
    "tile_layer",
]

LAYERS = (
    *(DISTRICTS, STREETS, COMMUNITIES, UNIT_GRIDS, PARTS),
    *(LANES, JOINT_CASES, DISPUTES, ALARMS),
)

#: The layer that shows each level of areas.
AREA_LAYERS = {layer.level: layer for layer in (DISTRICTS, STREETS, COMMUNITIES)}


def exported_layer(name: str, caller: Caller | None = None) -> Layer:
    """The layer of that name. Raises NotFound, naming those that the caller may see."""
    seen = {layer.name: layer for layer in LAYERS if layer.may_be_seen_by(caller)}
    if name not in seen:
        raise NotFound(
            f"There is no layer '{name}' to export; there are {_named(seen)}.", field="layer"
        )
    return seen[name]


def tile_layer(name: str, caller: Caller | None = None) -> tuple[Layer, Tiles]:
    """The layer whose tiles have that name, and how. Raises NotFound, naming those there are."""
    seen = {
        layer.tiles.name: (layer, layer.tiles)
        for layer in LAYERS
        if layer.tiles is not None and layer.may_be_seen_by(caller)
    }
    if name not in seen:
        raise NotFound(f"There is no tile layer '{name}'; there are {_named(seen)}.", field="layer")
    return seen[name]


def _named(names: Iterable[str]) -> str:
    return ", ".join(names)
