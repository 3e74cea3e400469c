"""A case keeps the version that it began with; a city adds procedures without any code."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridsvc.cases.systems import ordinary
from tests.service import joint_city as city
from tests.service.procedures_world import CGJ, COMMUNITY, Case, Clock, World, register


@pytest.fixture
def clock(monkeypatch):
    return Clock.held(monkeypatch)


@pytest.fixture
def world(client, city_engine, clock):
    register(city_engine)
    return World(client, clock)


@pytest.fixture
def case(world):
    """An ordinary case of the enforcement department, due in 7 days."""
    return Case(world, world["city"].report(-300, **{"class": city.RUBBISH})["case_id"])


SHIPPED = Path(ordinary.__file__).parent


@pytest.fixture
def started_again(serve, city_engine, clock, tmp_path):
    """The service started again, with a folder of the city's own procedures."""

    def start():
        return World(serve(procedures_dir=tmp_path), clock)

    return start


def test_a_case_goes_on_by_the_version_that_it_began_with(case, started_again, tmp_path):
    source = (SHIPPED / "ordinary_v3.toml").read_text(encoding="utf-8")
    fourth = source.replace("version = 3", "version = 4").replace('"feed_back"', '"tell"')
    fourth = fourth.replace('needs = ["note"]', 'needs = ["measured_m"]')
    (tmp_path / "ordinary_v4.toml").write_text(fourth, encoding="utf-8")
    world = started_again()
    case = Case(world, case.id)
    later = Case(world, world["city"].report(-900, **{"class": city.RUBBISH})["case_id"])
    assert (case.seen()["procedure"]["version"], later.seen()["procedure"]["version"]) == (3, 4)
    case.take(CGJ, "handle", note="Swept.")
    assert later.refused(CGJ, "handle", note="Swept.")["missing"] == ["measured_m"]
    assert later.take(CGJ, "handle", measured_m=12)["step"] == "tell"
    assert case.take(CGJ, "feed_back", note="Done.")["step"] == "verify"
    (tmp_path / "ordinary_v4.toml").unlink()
    problem = Case(started_again(), later.id).refused(CGJ, "tell", 503, measured_m=12)
    assert "ordinary_v4.toml" in problem["detail"]


NIGHT_VISIT = """\
name = "night_visit"
version = 1
title = "Night visit"
title_zh = "夜访"
source = "order, contact the caller and tell the leader, body, leader on the spot if it cannot"
opened_by = ["street"]

[seats]
lead = "responsible"
leader = "territory"

[[steps]]
name = "contact"
title = "The caller is contacted, the leader told"
title_zh = "联系诉求人"
by = "lead"
needs = ["note"]
limit_hours = 1
clock = "emergency"

[[steps]]
name = "visit"
title = "The leader goes to the spot"
title_zh = "领导夜访"
by = "leader"
needs = ["note"]
limit_hours = 8
clock = "working"
closes = true
"""


def test_a_procedure_that_a_city_adds_is_played_without_any_code(world, started_again, tmp_path):
    (tmp_path / "night_visit_v1.toml").write_text(NIGHT_VISIT, encoding="utf-8")
    world = started_again()
    listed = world["citizen"].get("/v1/procedures")["procedures"]
    assert "night_visit" in [one["name"] for one in listed]
    case = world.open(city.LEAD, "night_visit")
    case.refused(city.LEAD, "contact", note="Called.")
    case.take(CGJ, "contact", note="Called.")
    closed = case.take(city.LEAD, "visit", note="Was there.")
    assert (closed["state"], closed["procedure"]["name"]) == ("closed", "night_visit")
    assert COMMUNITY not in closed["seats"].values()
