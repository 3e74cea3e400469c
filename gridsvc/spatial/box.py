"""A box in degrees, as people write it in an address."""

from __future__ import annotations

import math

from gridsvc.errors import BadInput
from gridsvc.spatial.crs import check_lon_lat

#: West, south, east, north in degrees (WGS84).
Box = tuple[float, float, float, float]


def parse_bbox(value: str) -> Box:
    """West, south, east, north in degrees (WGS84) from ``west,south,east,north``.

    Raises BadInput for anything that is not four numbers in order, BadCoordinate for a corner
    that is not a place, saying so when longitude and latitude seem to be swapped.
    """
    pieces = value.split(",")
    try:
        numbers = [float(piece) for piece in pieces]
    except ValueError:
        numbers = []
    if len(numbers) != 4 or not all(math.isfinite(number) for number in numbers):
        raise BadInput(
            f"'bbox' is {value[:80]!r}; send four numbers, west,south,east,north in degrees.",
            field="bbox",
        )
    west, south = check_lon_lat(numbers[0], numbers[1], field="bbox")
    east, north = check_lon_lat(numbers[2], numbers[3], field="bbox")
    if west > east:
        raise BadInput(
            f"'bbox' begins east of where it ends ({west} > {east}); send the western edge first."
            " A box across 180° must be asked for in two halves.",
            field="bbox",
        )
    if south > north:
        raise BadInput(
            f"'bbox' begins north of where it ends ({south} > {north}); send"
            " west,south,east,north.",
            field="bbox",
        )
    return west, south, east, north
