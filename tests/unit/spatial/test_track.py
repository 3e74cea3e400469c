"""Tracks are matched to the lanes that were walked, and to none that was only crossed."""

from __future__ import annotations

import datetime as dt
import random

import pyproj
import pytest
import shapely

from gridsvc.spatial.plane import metres_per_degree
from gridsvc.spatial.track import Fix, Terms, match_track

TERMS = Terms(match_m=15, longest_gap_s=120, fastest_kmh=25)
START = dt.datetime(2026, 11, 23, 1, tzinfo=dt.UTC)
LON, LAT = 116.3, 39.9
EAST, NORTH = metres_per_degree(LAT)
GEOD = pyproj.Geod(ellps="WGS84")


def at(x: float, y: float) -> tuple[float, float]:
    """A place so many metres east and north."""
    return LON + x / EAST, LAT + y / NORTH


def lane(*corners: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString([at(*one) for one in corners])


def walk(
    *corners: tuple[float, float],
    every_m: float = 10,
    kmh: float = 4,
    noise_m: float = 0,
    seed: int = 1,
) -> list[Fix]:
    """Fixes along a way, each so far from the one before, thrown off at random."""
    chance, path = random.Random(seed), shapely.LineString(corners)
    count = max(1, round(path.length / every_m))
    fixes = []
    for n in range(count + 1):
        place = path.interpolate(n / count, normalized=True)
        lon, lat = at(place.x + chance.gauss(0, noise_m), place.y + chance.gauss(0, noise_m))
        seconds = n * path.length / count / (kmh / 3.6)
        fixes.append(Fix(lon, lat, START + dt.timedelta(seconds=seconds)))
    return fixes


STRAIGHT = lane((0, 0), (400, 0))


@pytest.mark.system(21)
@pytest.mark.parametrize(("begin", "end"), [(0, 400), (0, 200), (130, 290), (390, 60)])
def test_a_stretch_that_was_walked_is_found_to_the_metre(begin: float, end: float) -> None:
    found = match_track(walk((begin, 3), (end, 3)), [STRAIGHT], TERMS)
    ((low, high),) = found.stretches[0]
    # The planted stretch in metres of the ellipsoid.
    whole = GEOD.geometry_length(STRAIGHT)
    wanted = sorted((begin / 400 * whole, end / 400 * whole))
    assert (low, high) == (pytest.approx(wanted[0], abs=0.5), pytest.approx(wanted[1], abs=0.5))
    assert found.walked_m == pytest.approx(abs(end - begin), rel=1e-3)


@pytest.mark.system(21)
def test_whoever_crosses_a_lane_has_not_patrolled_it() -> None:
    assert match_track(walk((200, -80), (200, 80)), [STRAIGHT], TERMS).stretches == {}


def test_a_track_beside_two_lanes_is_that_of_the_nearer_one() -> None:
    other = lane((0, 12), (400, 12))
    assert set(match_track(walk((0, 2), (400, 2)), [STRAIGHT, other], TERMS).stretches) == {0}
    assert set(match_track(walk((0, 9), (400, 9)), [STRAIGHT, other], TERMS).stretches) == {1}


def test_a_track_beyond_reach_belongs_to_no_lane() -> None:
    assert match_track(walk((0, 16), (400, 16)), [STRAIGHT], TERMS).stretches == {}
    assert match_track(walk((0, 14), (400, 14)), [STRAIGHT], TERMS).stretches != {}


def test_a_track_goes_round_the_corner_into_the_next_segment() -> None:
    corner = [lane((0, 0), (200, 0)), lane((200, 0), (200, 150))]
    found = match_track(walk((50, 2), (198, 2), (198, 150)), corner, TERMS).stretches
    ((low, high),), ((first, last),) = found[0], found[1]
    assert (low, high) == (pytest.approx(50, abs=1), pytest.approx(200, abs=4))
    assert (first, last) == (pytest.approx(0, abs=4), pytest.approx(150, abs=1))


@pytest.mark.parametrize("change", ["gap", "speed"])
def test_what_was_driven_or_not_recorded_is_not_patrolled(change: str) -> None:
    fixes = walk((0, 0), (100, 0)) + [
        Fix(one.lon, one.lat, one.at + dt.timedelta(seconds=600 if change == "gap" else 92))
        for one in walk((200, 0), (400, 0), kmh=4 if change == "gap" else 60)
    ]
    found = match_track(fixes, [STRAIGHT], TERMS)
    assert [round(high) for _, high in found.stretches[0]] == [100] + [400] * (change == "gap")
    assert found.left_out == (1 if change == "gap" else 21)


@pytest.mark.system(21)
def test_shares_are_as_planted_though_fixes_are_thrown_off() -> None:
    off = []
    for seed in range(60):
        chance = random.Random(seed)
        begin = chance.uniform(0, 200)
        end = begin + chance.uniform(60, 200)
        fixes = walk((begin, 0), (end, 0), noise_m=4, every_m=12, seed=seed)
        stretches = match_track(fixes, [STRAIGHT], TERMS).stretches.get(0, [])
        walked = sum(high - low for low, high in stretches)
        off.append((walked - (end - begin)) / 400)
    assert abs(sum(off)) / len(off) < 0.03
    assert sorted(abs(one) for one in off)[54] < 0.06


def test_nothing_is_walked_by_one_fix_or_where_there_is_no_lane() -> None:
    assert match_track(walk((0, 0), (400, 0))[:1], [STRAIGHT], TERMS).stretches == {}
    assert match_track(walk((0, 0), (400, 0)), [], TERMS).stretches == {}
    still = [Fix(*at(5, 0), START + dt.timedelta(seconds=n)) for n in range(9)]
    assert match_track(still, [STRAIGHT], TERMS).stretches == {}
