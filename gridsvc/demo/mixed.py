"""Two thousand mixed reports over the gridded districts, by point, part and footprint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from shapely.geometry import MultiPolygon, Point, mapping

from gridsvc.callers import Role
from gridsvc.demo.playing import Playing
from gridsvc.spatial.crs import from_wgs84
from gridsvc.spatial.plane import surroundings

_SEED = 2018
_AT_ONCE = 4
_CHANNELS = ("12345", "app", "patrol", "web")
_CRS = ("wgs84", "wgs84", "gcj02", "bd09", "EPSG:4490")
_CLASSES = (
    "06001",
    "06010",
    "06011",
    "06012",
    "06013",
    "06017",
    "06025",
    "06028",
    "06036",
    "07001",
    "08001",
    "08004",
    "09001",
    "09009",
    "09011",
    "09012",
    "01001",
    "01037",
    "03005",
)
_PART_SHARE, _FOOTPRINT_SHARE = 0.2, 0.1


def send_mixed(
    playing: Playing,
    districts: Sequence[MultiPolygon],
    parts: Sequence[tuple[str, str]],
    count: int,
    advance: Callable[[], None],
) -> dict[str, int]:
    """File ``count`` reports; give how many joined a case, were asked back, called both sides.

    ``districts`` are in WGS84, ``parts`` pairs of district and code. Raises Unavailable.
    """
    # The hotline passes on what many citizens say; one of them would be slowed.
    client = playing.actor("hotline", Role.CITY)

    def send(number: int, report: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = client.post("/v1/reports", report, key=str(number))
        advance()
        return answer

    reports = list(_reports(districts, parts, count))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(send, range(count), reports))
    return {
        "joined": sum(answer["joined"] for answer in answers),
        "asked": sum(answer["needs_confirmation"] for answer in answers),
        "joint": len({a["joint_whistle_id"] for a in answers if a["joint_whistle_id"]}),
    }


def _reports(
    districts: Sequence[MultiPolygon], parts: Sequence[tuple[str, str]], count: int
) -> Iterator[dict[str, Any]]:
    rng = np.random.default_rng(_SEED)
    for _ in range(count):
        report: dict[str, Any] = {
            "channel": str(rng.choice(_CHANNELS)),
            "class": str(rng.choice(_CLASSES)),
            "description": "made-up report of the demonstration",
        }
        kind = rng.random()
        if kind < _PART_SHARE:
            district, code = parts[int(rng.integers(len(parts)))]
            yield {**report, "part": {"district": district, "code": code}}
            continue
        point = _inside(districts[int(rng.integers(len(districts)))], rng)
        if kind < _PART_SHARE + _FOOTPRINT_SHARE:
            outline = surroundings(point, float(rng.uniform(5, 25)))
            yield {**report, "footprint": mapping(outline)}
            continue
        crs = str(rng.choice(_CRS))
        x, y = from_wgs84(point.x, point.y, crs)
        accuracy_m = float(rng.choice([5, 10, 30]))
        yield {**report, "location": {"lon": x, "lat": y, "crs": crs, "accuracy_m": accuracy_m}}


def _inside(district: MultiPolygon, rng: np.random.Generator) -> Point:
    west, south, east, north = district.bounds
    while True:
        point = Point(rng.uniform(west, east), rng.uniform(south, north))
        if district.contains(point):
            return point
