"""Whole layers for analysts, as a stream of GeoJSON: memory stays bounded however much it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from gridsvc.city import City
from gridsvc.errors import BadCode, NotFound
from gridsvc.layers import repository
from gridsvc.layers.catalogue import DISTRICTS, exported_layer
from gridsvc.layers.model import Layer
from gridsvc.spatial.box import Box, parse_bbox


@dataclass(frozen=True, slots=True)
class Selection:
    """What an export holds: a layer at a moment, narrowed to a box (WGS84) or a district.

    ``of_day``: parts in the areas of the moment, not in those that they were registered in.
    ``whole``: with the columns that are for staff.
    """

    layer: Layer
    moment: dt.datetime
    bbox: Box | None
    district: str | None
    of_day: bool
    whole: bool


def select(
    connection: Connection,
    city: City,
    layer: str,
    *,
    moment: dt.datetime,
    bbox: str | None = None,
    district: str | None = None,
    of_day: bool = False,
    whole: bool = False,
) -> Selection:
    """Check what is asked for, before the first byte is sent.

    Raises NotFound for an unknown layer or district, BadCode for what is not a district's code,
    BadInput and BadCoordinate as :func:`parse_bbox` does.
    """
    chosen = exported_layer(layer)
    box = None if bbox is None else parse_bbox(bbox)
    if district is not None:
        if not (len(district) == 6 and district.isascii() and district.isdecimal()):
            raise BadCode(
                f"'district' is {district[:40]!r}; send the 6 digits of its code, such as 110102.",
                field="district",
            )
        if not repository.has_feature(connection, DISTRICTS, city, moment, district):
            raise NotFound(
                f"There is no district {district} in the edition in force; /v1/areas lists them.",
                field="district",
            )
    return Selection(chosen, moment, box, district, of_day, whole)


def feature_collection(connection: Connection, city: City, selection: Selection) -> Iterator[bytes]:
    """The pieces of one GeoJSON FeatureCollection (RFC 7946), one feature a line."""
    layer = selection.layer
    yield f'{{"type":"FeatureCollection","name":"{layer.name}","features":['.encode()
    separator = "\n"
    chunks = repository.feature_chunks(
        connection,
        layer,
        city,
        selection.moment,
        bbox=selection.bbox,
        district=selection.district,
        placed=selection.of_day,
        whole=selection.whole,
    )
    for chunk in chunks:
        yield (separator + ",\n".join(chunk)).encode()
        separator = ",\n"
    yield b"\n]}\n"
