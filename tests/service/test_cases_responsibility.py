"""Who answers: the asset's owner, an agreement, the duty list, the territory, in that order."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text

from gridsvc.city.classes import STANDARD, ClassKey
from gridsvc.registry.bodies.rule import AssetOwner, Ground
from gridsvc.registry.bodies.service import find_responsible
from gridsvc.registry.placement.model import AreaRef, Placement
from tests.service import joint_city as city

TODAY = dt.date(2026, 11, 22)
CGJ, GZ = f"{city.WEST}-CGJ", f"{city.WEST}-GZ"


@pytest.fixture
def who(city_session):
    """Who answers for an event class 100 m west of the border."""

    def ask(code, *, asset=None, day=TODAY, kind="event"):
        here = city.beside_border(-100)
        placement = Placement(
            lon=here["lon"],
            lat=here["lat"],
            accuracy_m=10.0,
            district=AreaRef(city.WEST, "西城区"),
            street=AreaRef(city.LEAD, "广安门外街道"),
            community=AreaRef(f"{city.LEAD}001", "一社区"),
            unit_grid=None,
            claims=(),
            conflict=None,
            border=None,
            editions=(),
        )
        key = ClassKey(STANDARD, kind, code)
        return find_responsible(city_session, placement, key=key, asset=asset, day=day)

    return ask


def add(session, *rows):
    session.add_all(rows)
    session.flush()


def test_the_owner_of_the_asset_answers_before_everybody(who, city_session):
    city.agree(city_session, GZ, "06")
    asset = AssetOwner("02010001", city.WATER, CGJ, GZ)
    answer = who(city.BUILDING, asset=asset)
    assert (answer.ground, answer.lead.code) == (Ground.ASSET_OWNER, city.WATER)
    assert [body.code for body in answer.assist] == [CGJ, GZ]
    assert "02010001" in answer.clause
    assert answer.gap is False


def test_a_part_without_an_owner_is_nobodys_asset(who):
    answer = who(city.BUILDING, asset=AssetOwner("02010002", None, CGJ, GZ))
    assert (answer.ground, answer.lead.code) == (Ground.DUTY, city.LEAD)


def test_an_agreement_goes_before_the_duty_list(who, city_session):
    assert who(city.BUILDING).ground is Ground.DUTY
    city.agree(city_session, f"{city.EAST}-CGJ", "06", assist=CGJ)
    answer = who(city.BUILDING)
    assert (answer.ground, answer.lead.code) == (Ground.AGREEMENT, f"{city.EAST}-CGJ")
    assert answer.clause == "共治协议"
    assert CGJ in [body.code for body in answer.assist]
    assert who("07001").ground is Ground.TERRITORY


def test_an_agreement_that_has_ended_counts_no_more(who, city_session):
    city.agree(city_session, GZ, "06")
    city_session.execute(text("update agreement set valid_to = '2026-11-22'"))
    assert who(city.BUILDING, day=dt.date(2026, 11, 21)).ground is Ground.AGREEMENT
    assert who(city.BUILDING).ground is Ground.DUTY


def test_the_most_specific_class_answers_then_the_narrowest_area(who, city_session):
    code = "08001"
    lines = [
        (city.WATER, "1101", ""),
        (city.WATER, city.LEAD, "08"),
        (GZ, city.WEST, code),
        (CGJ, city.LEAD, code),
        (city.LEAD, f"{city.LEAD}001", code),
    ]
    expected = [None, city.WATER, GZ, CGJ, city.LEAD]
    add(city_session, city.duty(*lines[0]))
    for line, lead in zip(lines[1:], expected[1:], strict=True):
        add(city_session, city.duty(*line))
        assert who(code).lead.code == lead


def test_a_duty_of_another_area_class_kind_or_time_does_not_count(who, city_session):
    code = "08001"
    later, ended = {"valid_from": dt.date(2027, 1, 1)}, {"valid_to": TODAY}
    add(
        city_session,
        city.duty(CGJ, city.EAST, code),
        city.duty(CGJ, city.LEAD_NORTH, code),
        city.duty(CGJ, city.LEAD, "08002"),
        city.duty(CGJ, city.LEAD, code, kind="part"),
        city.duty(CGJ, city.LEAD, code, **later),
        city.duty(CGJ, city.LEAD, code, **ended),
    )
    assert who(code).ground is Ground.TERRITORY


def test_where_no_list_names_anybody_the_territory_coordinates_and_the_gap_is_flagged(who):
    answer = who(city.NOISE)
    assert (answer.ground, answer.lead.code, answer.gap) == (Ground.TERRITORY, city.LEAD, True)
    assert "属地兜底" in answer.clause
    assert who(city.BUILDING).gap is False


def test_each_assistant_is_named_once_and_never_the_lead(who, city_session):
    add(
        city_session,
        city.duty(GZ, city.LEAD, "06", "assist"),
        city.duty(city.LEAD, city.LEAD, "06", "assist"),
    )
    assert [body.code for body in who(city.BUILDING).assist] == [GZ]
    assert [body.code for body in who(city.NOISE).assist] == [GZ]
