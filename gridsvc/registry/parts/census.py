"""A made-up but plausible census of a district's parts, and marked as made up.

Made-up streets run along the borders of unit grids. The grids of a district share their edges, so
the edges between two grids are lines that no grid is cut by: where the grids' streets differ an
avenue, where their communities differ a street, else a lane. The edge of the district itself is
left out, so that nothing falls on a border.

Parts are along these streets: covers in the carriageway, lamps, trees and bins on both sides,
name signs at the crossings. What is where, how far apart, and whose it is, is in
``census.csv``:

========== =====================================================================================
side       middle (one row), left, right, both (two rows), crossing (two at each, see below)
offset     from the middle of the road, 1 being the kerb; above 1 is the pavement
*_m        metres from one to the next on an avenue, street or lane; empty for none there; at
           crossings, 0 where the widest road of the crossing is of that rank
========== =====================================================================================
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from gridsvc.errors import BadFile, NotFound
from gridsvc.registry.parts import repository
from gridsvc.registry.parts.placing import district_of
from gridsvc.registry.parts.repository import GridRows
from gridsvc.spatial.plane import MetricPlane
from gridsvc.tables import table

#: From wide to narrow, with half the width of the carriageway in metres.
RANKS = {"avenue": 12.0, "street": 6.0, "lane": 2.5}

_CROSSING_ROADS = 3
_LAYOUT = Path(__file__).with_name("census.csv")
_COLUMNS = [
    *("class_code", "side", "offset", *(f"{rank}_m" for rank in RANKS)),
    *("competent", "owner", "maintainer"),
]
_SIDES = {"middle": (1,), "left": (1,), "right": (-1,), "both": (1, -1), "crossing": (1, -1)}
_STATES = {"intact": 0.968, "damaged": 0.02, "missing": 0.006, "abandoned": 0.004, "removed": 0.002}
_FIRST_DAY = np.datetime64("2004-01-01")
#: More are laid out than are wanted, because some fall outside the district.
_SURPLUS = 1.02
_NAMES = ("和平安定永宁仁寿福德文华兴隆", "里井园门桥槐柳榆槽台", ("大街", "街", "胡同"))
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Crossing:
    """Places (metric plane, m x 2) where three or more roads meet, and the widest one's rank."""

    places: Floats
    ranks: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Streets:
    """The roads of a district in the metric plane.

    ``lines[rank]`` are its roads (object, k), each from crossing to crossing.
    """

    lines: dict[str, NDArray[np.object_]]
    crossings: Crossing
    plane: MetricPlane

    def length_m(self, rank: str) -> float:
        """The metres of all roads of a rank."""
        return float(shapely.length(self.lines[rank]).sum())


def draw_streets(grids: GridRows, plane: MetricPlane) -> Streets:
    """The made-up streets of a district's unit grids; the same grids give the same streets."""
    edges, first, second = _shared_edges(grids.geometries)
    rank = np.full(len(edges), 2, dtype=np.int8)
    rank[grids.community_codes[first] != grids.community_codes[second]] = 1
    rank[grids.street_codes[first] != grids.street_codes[second]] = 0
    lines: dict[str, NDArray[np.object_]] = {}
    for number, name in enumerate(RANKS):
        segments = plane.project(shapely.linestrings(edges[rank == number].reshape(-1, 2, 2)))
        merged = shapely.line_merge(shapely.multilinestrings(segments))
        parts = shapely.get_parts(merged)
        lines[name] = parts[np.lexsort(shapely.bounds(parts).T)]
    return Streets(lines, _crossings(edges, rank, plane), plane)


def _shared_edges(
    geometries: NDArray[np.object_],
) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Edges that two polygons share (e x 4: both ends, WGS84), and the two polygons."""
    rings, owner = shapely.get_rings(geometries, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[:-1] == ring[1:]
    edges = np.hstack([points[:-1][same], points[1:][same]])
    owners = owner[ring[:-1][same]]
    turned = (edges[:, 0] > edges[:, 2]) | (
        (edges[:, 0] == edges[:, 2]) & (edges[:, 1] > edges[:, 3])
    )
    edges[turned] = edges[turned][:, [2, 3, 0, 1]]
    unique, inverse, counts = np.unique(edges, axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(inverse.ravel(), kind="stable")
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    shared = counts == 2
    first = owners[order[starts[shared]]]
    second = owners[order[starts[shared] + 1]]
    return unique[shared], first, second


def _crossings(edges: Floats, rank: NDArray[np.int8], plane: MetricPlane) -> Crossing:
    ends = np.vstack([edges[:, :2], edges[:, 2:]])
    ranks = np.concatenate([rank, rank])
    places, inverse, counts = np.unique(ends, axis=0, return_inverse=True, return_counts=True)
    widest = np.full(len(places), 2, dtype=np.int8)
    np.minimum.at(widest, inverse.ravel(), ranks)
    crossing = counts >= _CROSSING_ROADS
    metric = shapely.get_coordinates(plane.project(shapely.points(places[crossing])))
    return Crossing(metric, widest[crossing])


@dataclass(frozen=True, slots=True)
class _Layout:
    """One line of census.csv."""

    class_code: str
    side: str
    offset: float
    spacing_m: dict[str, float]
    bodies: tuple[str, str, str]


def made_up_census(
    session: Session,
    plane: MetricPlane,
    *,
    now: dt.datetime,
    district: str = "110101",
    at_least: int = 160_000,
    seed: int = 2004,
) -> pd.DataFrame:
    """At least so many parts of a district, as a source for ``import_parts`` (WGS84).

    The layout's distances are stretched or shrunk together until the number fits. The same unit
    grids, borders (those at ``now``), number and seed give the same census. The column ``source``
    says that it is made up. Raises NotFound when the district has no unit grids.
    """
    grids = repository.grids_in(session, district)
    if not len(grids.codes):
        raise NotFound(
            f"District {district} has no unit grids along which streets could be drawn; build them"
            " with 'gridsvc grids build'."
        )
    home = district_of(session, district, now)
    streets = draw_streets(grids, plane)
    layouts = _read_layouts()
    stretch = _stretch(streets, layouts, at_least)
    while True:
        rng = np.random.default_rng(seed)
        tables = [_stand(layout, streets, stretch, district, rng) for layout in layouts]
        table = pd.concat(tables, ignore_index=True)
        table = table[home.holds(table["lon"].to_numpy(), table["lat"].to_numpy())]
        if len(table) >= at_least:
            break
        stretch *= 0.98
    table = table.reset_index(drop=True)
    count = len(table)
    return table.assign(
        state=rng.choice(list(_STATES), size=count, p=list(_STATES.values())),
        position_class=rng.choice(["A", "B"], size=count, p=[0.7, 0.3]),
        first_date=(_FIRST_DAY + rng.integers(0, 300, count)).astype(str),
        source=f"made-up census, seed {seed}",
    )


def _read_layouts(path: Path = _LAYOUT) -> list[_Layout]:
    """Read census.csv. Raises BadFile with the number of a line that does not fit."""
    layouts: list[_Layout] = []
    for row in table(path, _COLUMNS):
        try:
            if row["side"] not in _SIDES:
                raise ValueError(f"side is {row['side']!r}")
            spacing = {rank: row[f"{rank}_m"] for rank in RANKS}
            layouts.append(
                _Layout(
                    row["class_code"],
                    row["side"],
                    float(row["offset"]),
                    {rank: float(metres) for rank, metres in spacing.items() if metres},
                    (row["competent"], row["owner"], row["maintainer"]),
                )
            )
        except ValueError as error:
            raise BadFile(f"{row.where}: {error}; correct it.") from None
    return layouts


def _stretch(streets: Streets, layouts: list[_Layout], at_least: int) -> float:
    """What all distances are multiplied by, so that about ``at_least`` parts come out."""
    along = sum(
        len(_SIDES[layout.side]) * streets.length_m(rank) / metres
        for layout in layouts
        for rank, metres in layout.spacing_m.items()
        if layout.side != "crossing"
    )
    crossings = sum(
        2.0 * int(_has_signs(layout, streets).sum())
        for layout in layouts
        if layout.side == "crossing"
    )
    return (along + crossings) / (_SURPLUS * at_least)


def _stand(
    layout: _Layout, streets: Streets, stretch: float, district: str, rng: np.random.Generator
) -> pd.DataFrame:
    """The parts of one line of the layout: class, place in WGS84, bodies, note."""
    notes: NDArray[np.object_] | str = ""
    if layout.side == "crossing":
        places, notes = _at_crossings(layout, streets, stretch, rng)
    else:
        places = np.vstack(
            [
                _along(streets.lines[rank], stretch * metres, side * layout.offset * half, rng)
                for rank, half in RANKS.items()
                if (metres := layout.spacing_m.get(rank)) is not None
                for side in _SIDES[layout.side]
            ]
        )
    lon, lat = shapely.get_coordinates(streets.plane.unproject(shapely.points(places))).T
    competent, owner, maintainer = (body.format(district=district) for body in layout.bodies)
    return pd.DataFrame(
        {
            "class_code": layout.class_code,
            "lon": lon,
            "lat": lat,
            "competent_body": competent,
            "owner_body": owner,
            "maintainer_body": maintainer,
            "note": notes,
        }
    )


def _along(
    lines: NDArray[np.object_], spacing_m: float, offset_m: float, rng: np.random.Generator
) -> Floats:
    """Places (metric plane, n x 2) every ``spacing_m`` along the lines, laid end to end.

    Each stands ``offset_m`` to the left of its line's direction.
    """
    ends = np.cumsum(shapely.length(lines))
    stations = np.arange(rng.uniform(0.0, spacing_m), ends[-1] if len(ends) else 0.0, spacing_m)
    stations += rng.uniform(-0.05, 0.05, len(stations)) * spacing_m
    which = np.minimum(np.searchsorted(ends, stations, side="right"), len(lines) - 1)
    distance = stations - np.concatenate([[0.0], ends])[which]
    here = shapely.get_coordinates(shapely.line_interpolate_point(lines[which], distance))
    before, behind = (
        shapely.get_coordinates(
            shapely.line_interpolate_point(lines[which], np.maximum(distance + step, 0.0))
        )
        for step in (-0.5, 0.5)
    )
    direction = behind - before
    length = np.maximum(np.hypot(direction[:, 0], direction[:, 1]), 1e-9)
    normal = np.column_stack([-direction[:, 1], direction[:, 0]]) / length[:, None]
    return np.asarray(here + offset_m * normal, dtype=np.float64)


def _at_crossings(
    layout: _Layout, streets: Streets, stretch: float, rng: np.random.Generator
) -> tuple[Floats, NDArray[np.object_]]:
    """Two signs at each crossing, on opposite corners, with the made-up name that they bear."""
    every = max(1, round(stretch))
    signed = np.flatnonzero(_has_signs(layout, streets))[::every]
    places = streets.crossings.places[signed]
    ranks = streets.crossings.ranks[signed]
    reach = layout.offset * np.array(list(RANKS.values()))[ranks]
    step = np.column_stack([reach, reach]) / np.sqrt(2.0)
    first, second, kinds = _NAMES
    names = np.array(
        [
            f"made-up name: {first[a]}{first[b]}{second[c]}{kinds[rank]}"
            for a, b, c, rank in zip(
                rng.integers(0, len(first), len(ranks)),
                rng.integers(0, len(first), len(ranks)),
                rng.integers(0, len(second), len(ranks)),
                ranks.tolist(),
                strict=True,
            )
        ],
        dtype=object,
    )
    return np.vstack([places + step, places - step]), np.concatenate([names, names])


def _has_signs(layout: _Layout, streets: Streets) -> NDArray[np.bool_]:
    """Which crossings are on a road of a rank that the layout names."""
    named = [number for number, rank in enumerate(RANKS) if rank in layout.spacing_m]
    return np.isin(streets.crossings.ranks, named)
