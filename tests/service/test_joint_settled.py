"""An agreement in force answers: no joint whistle blows on the ground that it has settled."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import Engine, text

from gridsvc.db import session_factory
from tests.service import disputed_city as disputed
from tests.service import joint_city as city

BUREAU = f"{city.EAST}-CGJ"


@pytest.fixture
def overlap(city_engine: Engine) -> dict[str, Any]:
    """A place that two streets claim; what is agreed there is about illegal building alone."""
    with session_factory(city_engine).begin() as session:
        disputed.draw(session)
        city.agree(session, BUREAU, city.BUILDING)
    return {**city.beside_border(20, -950), "accuracy_m": 10.0}


def test_a_settled_overlap_blows_no_whistle_and_is_answered_by_the_agreement(overlap, citizen):
    first = citizen.report(location=overlap)
    assert (first["responsibility"]["ground"], first["joint_whistle_id"]) == ("agreement", None)
    assert (first["responsibility"]["lead"]["code"], first["needs_confirmation"]) == (BUREAU, False)
    again = citizen.report(location=overlap)
    assert (again["joined"], again["joint_whistle_id"]) == (True, None)


def test_what_the_agreement_does_not_speak_of_still_concerns_both(overlap, citizen, other):
    filed = citizen.report(location=overlap, **{"class": city.NOISE})
    assert other.get(f"/v1/whistles/{filed['joint_whistle_id']}")["ground"] == "conflict"


def test_an_agreement_that_has_ended_settles_nothing(overlap, citizen, other, city_engine):
    with city_engine.begin() as connection:
        connection.execute(
            text("update agreement set valid_to = :day"), {"day": dt.date(2026, 1, 2)}
        )
    filed = citizen.report(location=overlap)
    assert other.get(f"/v1/whistles/{filed['joint_whistle_id']}")["ground"] == "conflict"


def test_an_outline_inside_the_zone_is_settled_and_one_that_leaves_it_is_not(
    city_engine, citizen, other
):
    with session_factory(city_engine).begin() as session:
        city.agree(session, BUREAU, city.BUILDING)
    inside = citizen.report(-6, footprint=city.astride())
    assert (inside["joint_whistle_id"], inside["needs_confirmation"]) == (None, False)
    leaves = citizen.report(-6, footprint=city.astride(west_m=230))
    assert other.get(f"/v1/whistles/{leaves['joint_whistle_id']}")["ground"] == "footprint"


def test_near_a_border_nobody_is_asked_where_an_agreement_answers(city_engine, citizen):
    assert citizen.report(-6, **{"class": city.NOISE})["needs_confirmation"] is True
    with session_factory(city_engine).begin() as session:
        city.agree(session, BUREAU, city.BUILDING)
    assert citizen.report(-6)["needs_confirmation"] is False
    assert citizen.report(-6, **{"class": city.NOISE})["needs_confirmation"] is True
