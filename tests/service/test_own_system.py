"""A new system of the field is one folder and one line in the list."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.cities import city as a_city
from tests.service import joint_city as city
from tests.service.procedures_world import Case, Clock, World, register
from tests.service.quiet_hours import LIMITS, Base, limit_for


@pytest.fixture
def world(serve, city_engine, monkeypatch):
    register(city_engine)
    Base.metadata.create_all(city_engine)
    with city_engine.begin() as connection:
        connection.execute(text("grant select, insert on quiet_reading to gridsvc_service"))
    client = serve(systems="tests.service.quiet_hours:SYSTEMS")
    # The model of a case documents what the shipped systems show, and no city's own.
    client.event_hooks = {}
    return World(client, Clock.held(monkeypatch))


def test_a_system_of_a_citys_own_is_played_to_its_end(world):
    case = world.open(city.LEAD, "quiet_hours", **{"class": city.NOISE})
    lead = case.seen()["lead_body"]
    case.refused(lead, "measure", decibels="loud")
    measured = case.take(lead, "measure", decibels=60)
    assert measured["step"] == "silence"
    assert measured["readings"] == [[60, True]]
    assert [entry["action"] for entry in case.trace()][-2:] == ["measure", "reading"]
    inbox = world[lead].get(f"/v1/bodies/{lead}/inbox")["messages"]
    assert "too_loud" in [message["topic"] for message in inbox]
    closed = case.take(lead, "silence", note="Quiet.")
    assert (closed["state"], closed["procedure"]["name"]) == ("closed", "quiet_hours")
    assert case.intact()


def test_its_table_is_the_citys_own_where_it_has_one(tmp_path):
    (tmp_path / "limits.csv").write_text("class_prefix,decibels\n0,30\n", encoding="utf-8")
    systems = "tests.service.quiet_hours:SYSTEMS"
    shipped, own = a_city(systems=systems), a_city(systems=systems, procedures_dir=tmp_path)
    assert limit_for(shipped.table(LIMITS), "06028") == 45
    assert limit_for(shipped.table(LIMITS), "06021") == 55
    assert limit_for(own.table(LIMITS), "06028") == 30


def test_the_other_systems_go_on_beside_it(world):
    filed = world["citizen"].report(-300, **{"class": city.RUBBISH})
    seen = Case(world, filed["case_id"]).seen()
    assert seen["readings"] == []
    assert seen["report_count"] == 1
