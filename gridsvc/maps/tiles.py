"""Renders one vector tile, or says that the one a map already has is still good."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

from sqlalchemy import Connection

from gridsvc.city import City
from gridsvc.errors import BadInput
from gridsvc.layers.catalogue import UNIT_GRIDS, tile_layer
from gridsvc.layers.model import Layer
from gridsvc.layers.vector_tiles import vector_tile
from gridsvc.registry.placement.repository import edition_stamp, editions_on

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
    city: City,
    layer_name: str,
    z: int,
    x: int,
    y: int,
    *,
    moment: dt.datetime,
    known: str | None = None,
) -> Tile:
    """The tile of a layer as it is in force at ``moment``.

    ``z``, ``x``, ``y`` count as web maps do (XYZ, y downwards). ``known`` is the ETag that the
    asker has. Raises NotFound for an unknown layer, BadInput for an address outside the world.
    """
    layer, tiles = tile_layer(layer_name)
    _check_address(z, x, y)
    etag = ""
    if tiles.follows_editions:
        etag = _stamp(connection, city, layer, moment)
        if known == etag:
            return Tile(None, etag, tiles.max_age_s)
    content = b""
    if z >= tiles.min_zoom:
        content = vector_tile(connection, layer, tiles, city, moment, z, x, y)
    if not tiles.follows_editions:
        etag = _quoted(hashlib.blake2b(content, digest_size=12).hexdigest())
    return Tile(None if known == etag else content, etag, tiles.max_age_s)


def _stamp(connection: Connection, city: City, layer: Layer, moment: dt.datetime) -> str:
    """Changes when an edition is loaded or retired, comes into force, or a grid's day comes."""
    editions = (edition.id for edition in editions_on(connection, moment))
    parts = [edition_stamp(connection), *editions]
    if layer is UNIT_GRIDS:
        parts.append(city.day(moment).isoformat())
    return _quoted(hashlib.blake2b("|".join(parts).encode(), digest_size=12).hexdigest())


def _quoted(value: str) -> str:
    return f'"{value}"'


def _check_address(z: int, x: int, y: int) -> None:
    if not 0 <= z <= MAX_ZOOM:
        raise BadInput(f"zoom {z} is out of range; ask for 0 to {MAX_ZOOM}.", field="z")
    last = 2**z - 1
    for name, value in (("x", x), ("y", y)):
        if not 0 <= value <= last:
            raise BadInput(
                f"{name} {value} is out of range; at zoom {z} it runs from 0 to {last}.",
                field=name,
            )
