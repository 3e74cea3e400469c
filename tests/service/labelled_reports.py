"""Reports of the made-up city, each with the thing that it is about: drawn from a seed, and kept.

``python -m tests.service.labelled_reports`` writes ``labelled_reports.csv``. Its column ``thing``
is what a person would have joined, as it is what the report was drawn from; ``before`` and ``now``
are the cases that release 0.3.0 and this one made of it.

The city is laid out in compounds of 150 m, each of eight buildings, with a road between any two.
Things lie at buildings or at doors of roads; one in eight has another one of its class next door
or in the next compound. People call with an address and a pin that was looked up from it, report
from where they stand, or are grid workers. They write one address in many ways, coarser, by its
road, or not at all, and now and then take one class for another or a door for the next.
"""

from __future__ import annotations

import csv
import math
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.service import joint_city as city

KEPT = Path(__file__).with_suffix(".csv")
COLUMNS = ["class", "lon", "lat", "accuracy_m", "place_text", "worker", "thing", "before", "now"]

_SEED, _THINGS = 7, 320
#: So many things have another of their class next door or in the next compound.
_BESIDE = 0.12
_PITCH_M, _ROWS, _COLUMNS = 150.0, 4, 2
#: Classes, how many of a hundred things are of each, and whether they lie at a building.
_CLASSES = (
    ("06010", 18, True),
    ("06011", 6, True),
    ("06035", 12, True),
    ("06001", 10, True),
    ("06028", 12, True),
    ("06027", 4, True),
    ("08001", 3, False),
    ("09009", 10, False),
    ("09006", 7, False),
    ("06013", 6, False),
    ("01002", 6, False),
    ("01037", 4, False),
    ("07001", 2, False),
)
#: What people take a class for, one in eight.
_TAKEN_FOR = {
    "06010": "06011",
    "06011": "06010",
    "06035": "06036",
    "06001": "08016",
    "09006": "09001",
}
#: How many reports a thing gets: half of all get one.
_REPORTS = (1, 1, 1, 1, 1, 2, 2, 3, 4, 6)
_NAMES = (
    *("红莲", "望园", "长安", "葡萄", "天宁", "白云", "莲花", "椿树", "三义", "乐城"),
    *("青年", "小马", "鸭子", "甘石", "朗琴", "依莲", "春晖", "中新", "湾子", "车站"),
)
_SIDES = ("北里", "南里", "东里", "西里")
_DIGITS = "零一二三四五六七八九"


@dataclass(frozen=True, slots=True)
class Thing:
    """A trouble: its class, metres east and north of the city's middle, and its address in words.

    ``road`` and ``door`` are its address by the road, ``compound`` and ``building`` by the
    compound; a thing of the road has no compound.
    """

    code: str
    east: float
    north: float
    road: str
    door: int
    compound: str | None
    building: int
    unit: int
    centre: tuple[float, float]
    middle: tuple[float, float]

    @property
    def address(self) -> tuple[object, ...]:
        """Its address, and the first two digits of its class, with those that it is taken for."""
        return self.code[:2], self.road, self.door, self.compound, self.building


@dataclass(frozen=True, slots=True)
class Labelled:
    """A report, the thing that it is about, and the cases that two releases made of it."""

    code: str
    lon: float
    lat: float
    accuracy_m: float
    place_text: str
    worker: bool
    thing: int
    before: int = -1
    now: int = -1


def draw() -> list[Labelled]:
    """The reports in the order in which they come in."""
    rng = random.Random(_SEED)
    reports = [
        _reported(rng, thing, n)
        for n, thing in enumerate(_things(rng))
        for _ in range(rng.choice(_REPORTS))
    ]
    rng.shuffle(reports)
    return reports


def _things(rng: random.Random) -> Iterator[Thing]:
    sites = [site for quarter in range(4) for site in _sites(quarter)]
    codes = [code for code, share, _ in _CLASSES for _ in range(share)]
    inside = {code: at_building for code, _, at_building in _CLASSES}
    taken: set[tuple[object, ...]] = set()
    made = 0
    while made < _THINGS:
        code, site = rng.choice(codes), rng.randrange(len(sites))
        first = _thing(rng, code, sites[site], inside[code])
        if first.address in taken:
            # Whoever hears of both takes them for one thing.
            continue
        taken.add(first.address)
        yield first
        made += 1
        if rng.random() < _BESIDE:
            beside = sites[min(site + rng.randint(0, 1), len(sites) - 1)]
            other = _thing(rng, code, beside, inside[code])
            if other.address not in taken:
                taken.add(other.address)
                yield other
                made += 1


def _sites(quarter: int) -> Iterator[tuple[str, str, int, float, float]]:
    """The compounds of a street: name, road, door and the middle, south-west ones first."""
    west = -1690.0 if quarter < 2 else 30.0
    south = -1080.0 if quarter % 2 == 0 else 30.0
    for row in range(7):
        road = f"{_NAMES[(row + 7 * quarter) % len(_NAMES)]}{'路街'[quarter % 2]}"
        for column in range(11):
            n = row * 11 + column
            name = f"{_NAMES[n // 4 % len(_NAMES)]}{_SIDES[n % 4]}"
            middle = (west + (column + 0.5) * _PITCH_M, south + (row + 0.5) * _PITCH_M)
            yield name, road, 2 * column + 1, *middle


def _thing(
    rng: random.Random, code: str, site: tuple[str, str, int, float, float], at_building: bool
) -> Thing:
    name, road, door, east, north = site
    if not at_building:
        # A door of the road south of the compound, one each 25 m.
        along = rng.randrange(6)
        return Thing(
            code, east - 62.5 + 25 * along, north - 70.0, road, 100 + door * 6 + along, None, 0, 0,
            (east, north - 70.0), (east, north - 70.0),
        )  # fmt: skip
    building = rng.randrange(_ROWS * _COLUMNS)
    row, column = divmod(building, _COLUMNS)
    centre = (east + 55.0 * (column - 0.5), north + 28.0 * (row - 1.5))
    return Thing(
        code,
        centre[0] + rng.uniform(-12, 12),
        centre[1] + rng.uniform(-6, 6),
        road,
        door,
        name,
        building + 1,
        rng.randint(1, 4),
        centre,
        (east, north),
    )


def _reported(rng: random.Random, thing: Thing, label: int) -> Labelled:
    code = thing.code
    if code in _TAKEN_FOR and rng.random() < 0.125:
        code = _TAKEN_FOR[code]
    who = rng.random()
    east, north, spread, accuracy = thing.east, thing.north, 10.0, 15.0
    worker = who > 0.9
    if worker:
        spread, accuracy, given = 3.0, 3.0, 0.3
    elif who > 0.5:
        spread, given = (10.0, 0.7) if rng.random() < 0.9 else (30.0, 0.7)
    else:
        given = 0.97
    text = _said(rng, thing) if rng.random() < given else ""
    if who <= 0.5:
        # The hotline looks the pin up from what is said: one address has one pin.
        accuracy, spread = 20.0, 0.0 if text else 25.0
        if thing.compound is not None and text:
            named = str(thing.building) in _arabic(text) and thing.compound in text
            east, north = thing.centre if named else thing.middle
    return Labelled(
        code,
        round(city.BORDER_LON + _inside(east + rng.gauss(0, spread), 1_700.0) / city.LON_M, 6),
        round(city.MIDDLE_LAT + _inside(north + rng.gauss(0, spread), 1_100.0) / city.LAT_M, 6),
        accuracy,
        text,
        worker,
        label,
    )


def _inside(metres: float, most: float) -> float:
    return max(-most, min(most, metres))


def _said(rng: random.Random, thing: Thing) -> str:
    """The address of a thing as somebody says it."""
    wrong = 1 if rng.random() < 0.01 else 0
    if thing.compound is None:
        text = f"{thing.road}{_number(rng, thing.door + 2 * wrong)}号"
    elif (way := rng.random()) < 0.07:
        text = f"{thing.road}{_number(rng, thing.door)}号"
    elif way < 0.14:
        text = thing.compound
    else:
        compound = thing.compound + ("小区" if rng.random() < 0.1 else "")
        building = _number(rng, thing.building + wrong)
        text = f"{compound}{building}{rng.choice(('号楼', '号楼', '栋', '号', '#楼'))}"
        if rng.random() < 0.25:
            text += f"{thing.unit}单元"
    if rng.random() < 0.2:
        text = f"北京市{text}"
    return text + rng.choice(("", "", "", "附近", "门口", "旁边"))


def _number(rng: random.Random, number: int) -> str:
    if number > 10 or rng.random() < 0.8:
        return str(number)
    return "十" if number == 10 else _DIGITS[number]


def _arabic(text: str) -> str:
    for value, character in enumerate(_DIGITS):
        text = text.replace(character, str(value))
    return text


def read(path: Path = KEPT) -> list[Labelled]:
    """The kept reports."""
    with path.open(encoding="utf-8", newline="") as lines:
        return [
            Labelled(
                row["class"],
                float(row["lon"]),
                float(row["lat"]),
                float(row["accuracy_m"]),
                row["place_text"],
                row["worker"] == "1",
                int(row["thing"]),
                int(row["before"]),
                int(row["now"]),
            )
            for row in csv.DictReader(lines)
        ]


def write(reports: Iterable[Labelled], path: Path = KEPT) -> None:
    """Keep reports."""
    with path.open("w", encoding="utf-8", newline="") as lines:
        rows = csv.writer(lines, lineterminator="\n")
        rows.writerow(COLUMNS)
        for one in reports:
            rows.writerow(
                [
                    one.code, one.lon, one.lat, one.accuracy_m, one.place_text, int(one.worker),
                    one.thing, one.before, one.now,
                ]
            )  # fmt: skip


def precision_and_recall(things: Sequence[int], cases: Sequence[int]) -> tuple[float, float]:
    """Of the pairs that share a case, the part that share a thing; and the other way round."""
    both = _pairs(zip(things, cases, strict=True))
    return both / _pairs(cases), both / _pairs(things)


def _pairs(labels: Iterable[object]) -> int:
    return sum(math.comb(count, 2) for count in Counter(labels).values())


if __name__ == "__main__":
    known = {replace(one, before=-1, now=-1): one for one in read()} if KEPT.exists() else {}
    write(known.get(one, one) for one in draw())
