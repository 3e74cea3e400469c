"""How a set of areas fits together, into the areas above them, and the list of names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import shapely

from gridsvc.codes import parent_of
from gridsvc.registry.areas.report import FaultKind, ImportFault
from gridsvc.spatial.coverage import faults
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.plane import MetricPlane

# Less than this of an area outside its parent is rounding.
_NOISE_M2 = 0.01
# "Such-and-such street office" and "such-and-such street" name one street.
_OFFICE = "办事处"


def place_of(geometry: Any) -> tuple[float | None, float | None]:
    """Longitude and latitude of a point inside a geometry; Nones when it is missing or empty."""
    if geometry is None or geometry.is_empty:
        return None, None
    point = shapely.point_on_surface(geometry)
    return float(point.x), float(point.y)


def area_faults(
    codes: Sequence[str], geometries: Sequence[Any], plane: MetricPlane
) -> list[ImportFault]:
    """Overlaps in pairs, gaps, slivers and areas drawn twice among sound areas (WGS84)."""
    found = faults(geometries, plane=plane)
    tree = shapely.STRtree(list(geometries))
    listed: list[ImportFault] = []
    for overlap in found.overlaps:
        pair = (codes[overlap.first], codes[overlap.second])
        words = f"{pair[0]} and {pair[1]} both claim {overlap.area_m2:,.1f} m²"
        listed.append(_fault(FaultKind.OVERLAP, pair, overlap.area_m2, words, overlap.geometry))
    slivers = {id(sliver.geometry) for sliver in found.slivers if sliver.kind == "gap"}
    for gap in found.gaps:
        if id(gap.geometry) not in slivers:
            around = _around(tree, codes, gap.geometry)
            words = f"nobody's {gap.area_m2:,.1f} m² between {', '.join(around)}"
            listed.append(_fault(FaultKind.GAP, around, gap.area_m2, words, gap.geometry))
    for sliver in found.slivers:
        around = _around(tree, codes, sliver.geometry)
        words = f"{sliver.kind} of {sliver.width_m:.2f} m in the mean: one line drawn twice"
        listed.append(_fault(FaultKind.SLIVER, around, sliver.area_m2, words, sliver.geometry))
    for first, second in found.duplicates:
        pair = (codes[first], codes[second])
        size = float(area_m2(geometries[first]))
        words = f"{pair[0]} and {pair[1]} have the same shape"
        listed.append(_fault(FaultKind.DUPLICATE, pair, size, words, geometries[first]))
    return listed


def parent_faults(
    codes: Sequence[str], geometries: Sequence[Any], parents: Mapping[str, Any]
) -> list[ImportFault]:
    """Areas that reach outside the area above them, which their code names.

    ``parents``: geometries (WGS84) by code. Sizes are of what lies outside.
    """
    listed: list[ImportFault] = []
    for code, geometry in zip(codes, geometries, strict=True):
        above = parent_of(code)
        if above is None:
            continue
        if above not in parents:
            words = f"no area {above} is in force, so that {code} has nothing above it"
            listed.append(_fault(FaultKind.NO_PARENT, (code,), 0.0, words, geometry))
            continue
        outside = shapely.difference(geometry, parents[above])
        size = float(area_m2(outside))
        if size > _NOISE_M2:
            share = size / float(area_m2(geometry))
            words = f"{size:,.1f} m² ({share:.2%}) of {code} lie outside {above}"
            listed.append(_fault(FaultKind.OUTSIDE_PARENT, (code, above), size, words, outside))
    return listed


def outside_parents_m2(
    codes: Sequence[str], geometries: Sequence[Any], parents: Mapping[str, Any]
) -> float:
    """How many m² of all areas together lie outside the areas above them."""
    pairs = [
        (geometry, parents[above])
        for code, geometry in zip(codes, geometries, strict=True)
        if (above := parent_of(code)) is not None and above in parents
    ]
    if not pairs:
        return 0.0
    own, above_them = zip(*pairs, strict=True)
    return float(area_m2(shapely.difference(list(own), list(above_them))).sum())


def name_faults(
    codes: Sequence[str],
    names: Sequence[str],
    geometries: Sequence[Any],
    listed_names: Mapping[str, str],
) -> list[ImportFault]:
    """Areas below one parent that share a name, and names that the list gives otherwise."""
    found: list[ImportFault] = []
    namesakes: dict[tuple[str | None, str], list[int]] = defaultdict(list)
    for index, (code, name) in enumerate(zip(codes, names, strict=True)):
        if name:
            namesakes[parent_of(code), name].append(index)
        in_list = listed_names.get(code, name)
        if name.removesuffix(_OFFICE) != in_list.removesuffix(_OFFICE):
            words = f"the file calls {code} {name}, the list of divisions {in_list}"
            found.append(_fault(FaultKind.OTHER_NAME, (code,), 0.0, words, geometries[index]))
    for (_, name), indexes in namesakes.items():
        if len(indexes) > 1:
            bearers = tuple(codes[index] for index in indexes)
            words = f"{' and '.join(bearers)} are all called {name}"
            found.append(_fault(FaultKind.SAME_NAME, bearers, 0.0, words, geometries[indexes[0]]))
    return found


def _around(tree: shapely.STRtree, codes: Sequence[str], geometry: Any) -> tuple[str, ...]:
    touched = tree.query(geometry, predicate="intersects").tolist()
    return tuple(sorted(codes[index] for index in touched))


def _fault(
    kind: FaultKind, codes: tuple[str, ...], area: float, words: str, geometry: Any
) -> ImportFault:
    lon, lat = place_of(geometry)
    return ImportFault(kind, codes, area, words, lon, lat)
