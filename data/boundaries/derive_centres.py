"""Derive beijing_centres.csv: where the names of streets and communities are found.

Needs the PyPI package siontiles 0.3.1 (named points of OpenStreetMap, ODbL), which the service
itself does not need:

    pip install siontiles==0.3.1 && python data/boundaries/derive_centres.py

A community is looked for by the stem of its name (天宁寺北里社区居委会: 天宁寺北里, else
天宁寺) in the names of roads, bus stops and buildings inside its district. A stem may occur in many
places, so streets and communities are placed in turns: the street at the geometric median of its
communities, each community at the densest of its places, nearer ones preferred. In the end the
street moves to the mean of its communities without the outliers.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import defaultdict
from importlib.resources import files
from pathlib import Path

import numpy as np
import shapely

from gridsvc.registry.districts import Division, read_districts, read_divisions
from gridsvc.spatial.crs import project, unproject

TARGET = Path(__file__).parent / "beijing_centres.csv"

_OFFICE = re.compile(
    r"(社区)?(居民委员会|居委会|村民委员会|村委会|民委员会|生活区)?(社区)?(工作站)?$"
)
_ORDINAL = re.compile(r"(第?[一二三四五六七八九十]+|[0-9]+)(区|队|村|里|社区|号院|街坊)?$")
_SIDE = re.compile(r"([东西南北中前后上下新老])(里|区|街|院|路|村|园)?$")
_STREET = re.compile(r"(街道|地区|镇|回族乡|满族乡|乡)$")
# Words that name nothing by themselves: a road of that name is in every quarter.
# fmt: off
_GENERIC = {
    "新村", "东街", "西街", "南街", "北街", "中街", "东里", "西里", "南里", "北里", "东区",
    "西区", "南区", "北区", "中心", "花园", "家园", "新区", "小区", "胜利", "光明", "建设",
    "东路", "西路", "南路", "北路", "工业区", "东关", "西关", "南关", "北关", "北京", "大街",
    "东大街", "西大街", "东村", "西村", "南村", "北村", "中路", "公园", "学院", "医院", "城关",
    "桥东", "桥西", "小街",
}
# fmt: on
# Places farther out than this many median distances are another place of the same name.
_OUTLIER = 2.5


def stems(name: str) -> list[str]:
    """The stems to look for, the most telling first."""
    base = _OFFICE.sub("", name)
    found = [base]
    if base.endswith("村") and len(base) > 2:
        found.append(base[:-1])
    for pattern in (_ORDINAL, _SIDE):
        shorter = pattern.sub("", found[-1])
        if len(shorter) >= 2:
            found.append(shorter)
    return [s for s in dict.fromkeys(found) if len(s) >= 2 and s not in _GENERIC]


def geometric_median(points: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The point of least weighted distance (Weiszfeld); metres in, metres out."""
    at = np.average(points, axis=0, weights=weights)
    for _ in range(60):
        pull = weights / np.maximum(np.hypot(*(points - at).T), 1.0)
        at = np.average(points, axis=0, weights=pull)
    return at


def middle(points: np.ndarray, weights: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The mean of the points that are not outliers, seen from a robust middle ``at``."""
    apart = np.hypot(*(points - at).T)
    near = apart <= max(_OUTLIER * float(np.median(apart)), 200.0)
    return np.average(points[near], axis=0, weights=weights[near])


def densest(points: np.ndarray, weights: np.ndarray, reach: float) -> np.ndarray:
    """The median of the points around the densest place."""
    apart = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    score = (np.exp(-((apart / reach) ** 2)) * weights).sum(1)
    near = apart[int(np.argmax(score))] < 2.0 * reach
    return geometric_median(points[near], weights[near])


class Places:
    """The named points of one district, found by any part of their name."""

    def __init__(self, names: list[str], xy: np.ndarray) -> None:
        by_name: dict[str, list[int]] = defaultdict(list)
        for index, name in enumerate(names):
            by_name[name].append(index)
        self.xy, self.by_name = xy, by_name
        self.by_part: dict[str, list[str]] = defaultdict(list)
        for name in by_name:
            parts = {name[i : i + n] for n in range(2, 13) for i in range(len(name) - n + 1)}
            for part in parts:
                self.by_part[part].append(name)

    def find(self, stem: str) -> tuple[np.ndarray, np.ndarray]:
        """Points whose name holds the stem, and their weights: the whole name counts most."""
        xy, weights = [], []
        for name in self.by_part.get(stem, []):
            points = self.xy[self.by_name[name]]
            weight = 3.0 if len(name) <= len(stem) + 1 else 1.5 if name.startswith(stem) else 0.6
            xy.append(points)
            weights.append(np.full(len(points), weight / np.sqrt(len(points))))
        if not xy:
            return np.empty((0, 2)), np.empty(0)
        return np.vstack(xy), np.concatenate(weights)


def place_district(divisions: list[Division], places: Places) -> dict[str, tuple]:
    """Centres of one district: code → (xy in metres, number of supporting points)."""
    streets = [d for d in divisions if d.level == "street"]
    members = defaultdict(list)
    for division in divisions:
        if division.level == "community":
            members[division.parent].append(division)
    candidates = {}
    for division in divisions:
        if division.level == "district":
            continue
        names = (
            stems(division.name)
            if division.level == "community"
            else [_STREET.sub("", division.name)]
        )
        for rank, stem in enumerate(names):
            xy, weights = places.find(stem)
            if len(xy):
                candidates[division.code] = (xy, weights, 0.6**rank)
                break
    centres: dict[str, tuple] = {}
    for street in streets:
        known: dict[str, tuple] = {}
        at = None
        for turn in range(4):
            reach = (6000.0, 3000.0, 2000.0, 1500.0)[turn]
            spots, trust = [], []
            for code in [street.code] + [m.code for m in members[street.code]]:
                if code not in candidates:
                    continue
                xy, weights, rank = candidates[code]
                if at is not None:
                    weights = weights * np.exp(-np.hypot(*(xy - at).T) / reach)
                    if weights.max() < 1e-9:
                        continue
                own = code == street.code
                spot = densest(xy, weights, 600.0 if own else 300.0)
                spread = np.median(np.hypot(*(xy - spot).T))
                known[code] = (spot, len(xy))
                spots.append(spot)
                trust.append((2.0 if own else 1.0) * rank / (1.0 + spread / 1500.0))
            if not spots:
                break
            points, trusts = np.array(spots), np.array(trust)
            at = geometric_median(points, trusts)
        if at is not None:
            at = middle(points, trusts, at)
            centres[street.code] = (at, len(spots))
            for member in members[street.code]:
                if member.code in known:
                    centres[member.code] = known[member.code]
    return centres


def main() -> None:
    """Write the table."""
    index = files("siontiles") / "web" / "search_index.json.gz"
    points = json.loads(gzip.decompress(index.read_bytes()))
    where = shapely.points([(p["x"], p["y"]) for p in points])
    xy = shapely.get_coordinates(project(where))
    divisions = read_divisions(TARGET.parent)
    rows = []
    for district in read_districts():
        shapely.prepare(district.geometry)
        inside = np.flatnonzero(shapely.covers(district.geometry, where))
        places = Places([points[i]["n"] for i in inside], xy[inside])
        own = [d for d in divisions if d.code.startswith(district.code)]
        inner = project(district.geometry).buffer(-100.0)
        for code, (at, support) in place_district(own, places).items():
            at = shapely.Point(at)
            if not inner.covers(at):
                at = shapely.shortest_line(inner, at).interpolate(0.0)
            spot = unproject(at)
            rows.append((code, f"{spot.x:.5f}", f"{spot.y:.5f}", support))
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("code", "lon", "lat", "points"))
        out.writerows(sorted(rows))


if __name__ == "__main__":
    main()
