"""Made-up reports of leaking roofs: two years of them about known places, and the season after."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.spatial.plane import MetricPlane

Floats = NDArray[np.float64]
Random = np.random.Generator

#: As the text has it: so many reports of two years, about so many places.
REPORTS, PLACES = 1_760, 1_076
#: Reports of the last season at these places, and of the season after the repairs: 79.84 % fewer.
LAST_SEASON, NEXT_SEASON = 992, 200

_CELL_M = 236.0
#: From the middle of a building to that of the next one, across and along.
_BUILDINGS, _BUILDING_M = (5, 5), (46.0, 46.0)
#: Lanes of old houses, so far from each other, with a door every so many metres.
_LANES, _LANE_M, _DOORS, _DOOR_M = 5, 40.0, 10, 20.0
_LANES_SHARE = 0.15
#: A point that was looked up or pinned is so far off.
_OFF_M = (5.0, 40.0)
#: How many give a bare number, name no number, or give no address at all.
_BARE, _NO_NUMBER, _NO_ADDRESS = 0.006, 0.003, 0.002

_STEMS = (
    "红莲",
    "马连道",
    "手帕口",
    "椿树园",
    "荣丰",
    "依莲轩",
    "三义里",
    "鸭子桥",
    "小马厂",
    "莲花河",
    "青年湖",
    "太平桥",
    "广源",
    "茶马",
    "湾子",
    "乐城",
    "天宁寺",
    "白云观",
    "车站西",
    "达官营",
    "核桃园",
    "槐柏树",
    "长椿里",
    "感化胡同",
    "枣林前",
    "育芳园",
    "右内",
    "樱桃园",
    "万博苑",
    "建功",
)
_ENDS = ("北里", "南里", "东里", "西里", "中里", "一区", "二区")
_LANE_STEMS = (
    "校场",
    "达智桥",
    "上斜街",
    "储库营",
    "金井",
    "永庆",
    "老墙根",
    "三庙",
    "下斜街",
    "广安",
    "善果",
    "门楼",
)
_LANE_ENDS = ("头条", "二条", "三条", "四条", "五条", "六条")
_ROADS = ("红居街", "马连道路", "莲花河胡同", "广安路")
_SAID = (
    "屋顶漏雨，下雨天屋里接水",
    "楼顶漏水，物业一直没有修好",
    "顶层住户，屋顶渗水，墙皮脱落",
    "一下雨房顶就往下漏，希望尽快维修",
    "家里天花板漏雨两年了没人管",
    "房屋渗漏，防水层老化",
)


@dataclass(frozen=True, slots=True)
class Leak:
    """A report: the planted place it is about, when and what was said, and the point (WGS84)."""

    place: int
    on: dt.date
    lon: float
    lat: float
    place_text: str | None
    description: str
    later: bool


@dataclass(frozen=True, slots=True)
class _Door:
    """A door or building: the name that it has with others, its number, where it is (plane)."""

    name: str
    number: int
    lane: bool
    x: float
    y: float


def made_up_leaks(
    area: shapely.Geometry,
    plane: MetricPlane,
    *,
    year: int,
    seed: int,
    street_of: Callable[[float, float], str] = lambda lon, lat: "",
) -> list[Leak]:
    """1,760 reports of 1,076 places of an area (WGS84) in two years that end with ``year``.

    And those of the season after, about the same places; in the order of their days. The addresses
    are written in many ways; some name no number, some give the number alone, some nothing; lanes
    and compounds side by side have the same numbers; points are 5 to 40 m off. ``street_of`` gives
    the name of the street at a point, with which some begin.
    """
    rng = np.random.default_rng(seed)
    doors = list(_doors(plane.project(area), rng))
    if len(doors) < PLACES:
        raise ValueError(f"the area has room for {len(doors):,} doors only")
    chosen = [doors[n] for n in rng.permutation(len(doors))[:PLACES]]
    more = np.minimum(rng.exponential(1.0, PLACES), 6.0) + 0.05
    of = np.concatenate(
        [np.arange(PLACES), rng.choice(PLACES, REPORTS - PLACES, p=more / more.sum())]
    )
    days = [_in_season(year, rng) for _ in range(LAST_SEASON)]
    days += [_in_season(year - 1, rng) for _ in range(REPORTS - LAST_SEASON)]
    order = rng.permutation(REPORTS)
    leaks = [
        _leak(int(of[n]), chosen[of[n]], on, False, plane, street_of, rng)
        for n, on in zip(order, days, strict=True)
    ]
    for place in rng.choice(PLACES, NEXT_SEASON, replace=False):
        on = _in_season(year + 1, rng)
        leaks.append(_leak(int(place), chosen[place], on, True, plane, street_of, rng))
    return sorted(leaks, key=lambda leak: leak.on)


def _in_season(year: int, rng: Random) -> dt.date:
    """A day of June to September."""
    return dt.date(year, 6, 1) + dt.timedelta(days=int(rng.integers(122)))


def _doors(ground: shapely.Geometry, rng: Random) -> Iterator[_Door]:
    """The doors of compounds and lanes that fill the ground (plane), cell by cell."""
    west, south, east, north = ground.bounds
    names = [f"{stem}{end}" for stem in _STEMS for end in _ENDS]
    lanes = [[f"{stem}{end}" for end in _LANE_ENDS[:_LANES]] for stem in _LANE_STEMS]
    n = 0
    for y in np.arange(south, north - _CELL_M, _CELL_M):
        for x in np.arange(west, east - _CELL_M, _CELL_M):
            if not shapely.box(x, y, x + _CELL_M, y + _CELL_M).within(ground):
                continue
            if rng.random() < _LANES_SHARE and lanes:
                yield from _lanes(lanes.pop(0), x, y)
            elif n < len(names):
                # Neighbours share their first name: 红莲北里 lies beside 红莲南里.
                yield from _compound(names[n], x, y)
                n += 1


def _compound(name: str, x: float, y: float) -> Iterator[_Door]:
    across, along = _BUILDINGS
    for row in range(along):
        for column in range(across):
            at = x + (column + 0.5) * _BUILDING_M[0], y + (row + 0.5) * _BUILDING_M[1]
            yield _Door(name, row * across + column + 1, False, *at)


def _lanes(names: Sequence[str], x: float, y: float) -> Iterator[_Door]:
    for lane, name in enumerate(names):
        for door in range(_DOORS):
            at = x + (door + 0.5) * _DOOR_M, y + (lane + 0.5) * _LANE_M
            yield _Door(name, door + 1, True, *at)


def _leak(
    place: int,
    door: _Door,
    on: dt.date,
    later: bool,
    plane: MetricPlane,
    street_of: Callable[[float, float], str],
    rng: Random,
) -> Leak:
    off, turn = rng.uniform(*_OFF_M), rng.uniform(0, 2 * np.pi)
    point = plane.unproject(shapely.Point(door.x + off * np.cos(turn), door.y + off * np.sin(turn)))
    said = _SAID[int(rng.integers(len(_SAID)))]
    written = _written(door, street_of(point.x, point.y), rng)
    return Leak(place, on, point.x, point.y, written, said, later)


def _written(door: _Door, street: str, rng: Random) -> str | None:
    """The address as somebody writes it."""
    kind = rng.random()
    if kind < _NO_ADDRESS:
        return None
    if kind < _NO_ADDRESS + _NO_NUMBER:
        return f"{door.name}附近"
    if kind < _NO_ADDRESS + _NO_NUMBER + _BARE:
        return f"{door.number}号" if door.lane else f"{door.number}号楼"
    number = [str(door.number), _chinese(door.number), _wide(door.number)][int(rng.integers(3))]
    if door.lane:
        ways = [f"{number}{end}" for end in ("号", "号院", "號門口", " 号", "号北房")]
        return f"{_before(street, rng)}{door.name}{ways[int(rng.integers(len(ways)))]}"
    unit, room = int(rng.integers(1, 7)), 100 * int(rng.integers(3, 7)) + int(rng.integers(1, 4))
    ways = [
        f"{number}号楼",
        f"小区{number}号楼",
        f"{number}栋",
        f"{number}幢{unit}单元",
        f"{door.number}#楼",
        f"{door.number}-{unit}-{room}",
        f"{number}号楼{unit}单元{room}室",
        f" {number} 號樓 附近",
        f"{number}楼{unit}门{room}",
    ]
    written = f"{door.name}{ways[int(rng.integers(len(ways)))]}"
    if rng.random() < 0.05:
        written = f"{_ROADS[int(rng.integers(len(_ROADS)))]}{written}"
    return f"{_before(street, rng)}{written}"


def _before(street: str, rng: Random) -> str:
    return ["", "", street, f"北京市{street}"][int(rng.integers(4))] if street else ""


def _chinese(number: int) -> str:
    """A number below 100 in Chinese."""
    digits = "零一二三四五六七八九"
    tens, ones = divmod(number, 10)
    before = "" if tens == 0 else "十" if tens == 1 else f"{digits[tens]}十"
    return before + (digits[ones] if ones or not tens else "")


def _wide(number: int) -> str:
    return "".join(chr(ord(digit) + 0xFEE0) for digit in str(number))
