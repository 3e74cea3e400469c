"""Renders one vector tile, or says that the one a map already has is still good."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

from sqlalchemy import Connection

from gridsvc.errors import BadInput
from gridsvc.maps.layers import AREA_LEVELS, TileLayer, tile_layer
from gridsvc.maps.repository import tiles as repository
from gridsvc.registry.placement.model import EditionRef
from gridsvc.registry.placement.repository import edition_stamp, editions_on

__all__ = ["MAX_ZOOM", "Tile", "render_tile"]

#: A tile of zoom 22 is some 7 m wide; nothing here is finer than that.
MAX_ZOOM = 22


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile: ``content`` is empty where nothing is, None where ``known`` is still good."""

    content: bytes | None
    etag: str
    max_age_s: int


def render_tile(
    connection: Connection,
    layer_name: str,
    z: int,
    x: int,
    y: int,
    *,
    moment: dt.datetime,
    known: str | None = None,
) -> Tile:
    """The tile of a layer from the editions in force at ``moment``.

    ``z``, ``x``, ``y`` count as web maps do (XYZ, y downwards). ``known`` is the ETag that the
    asker has. Raises NotFound for an unknown layer, BadInput for an address outside the world.
    """
    layer = tile_layer(layer_name)
    _check_address(z, x, y)
    editions: list[EditionRef] = []
    etag = ""
    if layer.follows_editions:
        editions = editions_on(connection, moment)
        etag = _stamp(connection, editions, moment, layer)
        if known == etag:
            return Tile(None, etag, layer.max_age_s)
    content = b""
    if z >= layer.min_zoom:
        content = _render(connection, layer, editions, moment, z, x, y)
    if not layer.follows_editions:
        etag = _quoted(hashlib.blake2b(content, digest_size=12).hexdigest())
    return Tile(None if known == etag else content, etag, layer.max_age_s)


def _render(
    connection: Connection,
    layer: TileLayer,
    editions: list[EditionRef],
    moment: dt.datetime,
    z: int,
    x: int,
    y: int,
) -> bytes:
    labelled = layer.label_zoom is not None and z >= layer.label_zoom
    if layer.name == "unit_grids":
        return repository.unit_grid_tile(connection, moment.date(), z, x, y, labelled=labelled)
    if layer.name == "parts":
        return repository.part_tile(connection, z, x, y)
    if layer.name == "whistles":
        return repository.whistle_tile(connection, z, x, y)
    if layer.name == "disputes":
        return repository.dispute_tile(connection, z, x, y)
    level = AREA_LEVELS[layer.name]
    edition = next((edition for edition in editions if edition.level == level), None)
    if edition is None:
        return b""
    return repository.area_tile(connection, layer.name, edition, z, x, y, labelled=labelled)


def _stamp(
    connection: Connection, editions: list[EditionRef], moment: dt.datetime, layer: TileLayer
) -> str:
    """Changes when an edition is loaded or retired, comes into force, or a grid's day comes."""
    parts = [edition_stamp(connection), *(edition.id for edition in editions)]
    if layer.name == "unit_grids":
        parts.append(moment.date().isoformat())
    return _quoted(hashlib.blake2b("|".join(parts).encode(), digest_size=12).hexdigest())


def _quoted(value: str) -> str:
    return f'"{value}"'


def _check_address(z: int, x: int, y: int) -> None:
    if not 0 <= z <= MAX_ZOOM:
        raise BadInput(f"zoom {z} is out of range: ask for 0 to {MAX_ZOOM}.", field="z")
    last = 2**z - 1
    for name, value in (("x", x), ("y", y)):
        if not 0 <= value <= last:
            raise BadInput(
                f"{name} {value} is out of range: at zoom {z} it runs from 0 to {last}.",
                field=name,
            )
