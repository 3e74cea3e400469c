"""What was joined of the labelled reports, and what a person would have joined: the goal holds."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from pyproj import Geod

from gridsvc.api import allowances
from gridsvc.callers import Role
from gridsvc.cases.intake.match import distances_of
from gridsvc.city.classes import STANDARD, ClassKey
from gridsvc.city.merging import DISTANCES
from tests import cities
from tests.service import joint_city as city
from tests.service.conftest import Person, token_of
from tests.service.labelled_reports import Labelled, draw, precision_and_recall, read

PRECISION, RECALL = 0.98, 0.90
KEPT = read()
CITY = cities.city()
#: A pin that was looked up from a compound's name alone: so many times as far.
IN_ONE_COMPOUND = 1.5


@pytest.fixture
def client(serve: Callable[..., httpx.Client], tmp_path: Path) -> httpx.Client:
    """A service that takes any number of reports from one address."""
    path = tmp_path / "allowances.csv"
    with Path(allowances.__file__).with_name("allowances.csv").open() as ours:
        rows = list(csv.DictReader(ours))
    with path.open("w") as own:
        lines = csv.DictWriter(own, rows[0])
        lines.writeheader()
        lines.writerows(row | {"reports": 0} for row in rows)
    return serve(allowances=path)


def filed(client: httpx.Client, n: int, one: Labelled) -> str:
    """File a report, each by somebody else; gives its case."""
    district = city.WEST if one.lon < city.BORDER_LON else city.EAST
    role, area = (Role.GRID_WORKER, district) if one.worker else (Role.CITIZEN, "")
    place = {"lon": one.lon, "lat": one.lat, "accuracy_m": one.accuracy_m}
    given = {"class": one.code, "location": place}
    if one.place_text:
        given["place_text"] = one.place_text
    who = Person(client, token_of(role, area, subject=f"person {n}"))
    return str(who.post("/v1/reports", given)["case_id"])


def test_reports_join_as_a_person_would_have_joined_them(client):
    numbers: dict[str, int] = {}
    cases = [numbers.setdefault(filed(client, n, one), len(numbers)) for n, one in enumerate(KEPT)]
    assert cases == [one.now for one in KEPT]


def test_the_kept_cases_reach_the_goal_which_the_release_before_missed():
    things = [one.thing for one in KEPT]
    precision, recall = precision_and_recall(things, [one.now for one in KEPT])
    assert precision >= PRECISION
    assert recall >= RECALL
    before = precision_and_recall(things, [one.before for one in KEPT])
    assert (round(precision, 3), round(recall, 3)) == (0.992, 0.911)
    assert tuple(round(part, 3) for part in before) == (0.621, 0.838)


def test_no_case_creeps():
    firsts: dict[int, Labelled] = {}
    geod, table, settings = Geod(ellps="WGS84"), CITY.table(DISTANCES), CITY.settings
    for one in KEPT:
        first = firsts.setdefault(one.now, one)
        if first.place_text and one.place_text:
            continue
        far_m = geod.inv(first.lon, first.lat, one.lon, one.lat)[2]
        line = distances_of(ClassKey(STANDARD, "event", one.code), settings, table)
        assert far_m <= line.citizen_m * IN_ONE_COMPOUND, (first, one)


def test_the_kept_reports_are_those_that_are_drawn():
    assert [replace(one, before=-1, now=-1) for one in KEPT] == draw()
