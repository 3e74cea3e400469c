"""Disputes: found once, moved by their sides, settled by what answers, with a history for good."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from geoalchemy2.shape import to_shape
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.city.classes import STANDARD, ClassKey
from gridsvc.db import session_factory
from gridsvc.errors import BadInput, Conflict, NotAllowed, NotFound, StepRefused
from gridsvc.registry.bodies.service import find_responsible
from gridsvc.registry.disputes import repository
from gridsvc.registry.disputes.models import Dispute
from gridsvc.registry.disputes.service import Move, move
from gridsvc.registry.placement.model import AreaRef, Placement
from tests import cities
from tests.service import disputed_city as disputed
from tests.service import joint_city as city

NOW = disputed.NOW


def caller(role: Role, area: str) -> Caller:
    return Caller(f"{role.value} of {area}", role, area, None, uuid.UUID(int=1))


XICHENG, FENGTAI = caller(Role.DISTRICT, city.WEST), caller(Role.DISTRICT, city.EAST)
CITY = caller(Role.CITY, "")


@pytest.fixture
def found(city_session: Session) -> dict[str, Dispute]:
    disputed.draw(city_session)
    return disputed.by_kind(city_session, disputed.find(city_session))


def go(session: Session, dispute: Dispute, who: Caller, state: str, **more: Any) -> Dispute:
    return move(
        session, cities.city(), who, dispute.id, Move(state, f"to {state}", **more), now=NOW
    )


def agree(session: Session, dispute: Dispute, **terms: Any) -> None:
    go(session, dispute, XICHENG, "under_negotiation")
    go(session, dispute, XICHENG, "agreed", **terms)
    go(session, dispute, FENGTAI, "agreed")


def test_every_fault_above_the_accuracy_is_a_dispute_with_its_two_sides(
    found: dict[str, Dispute],
) -> None:
    assert set(found) == {"overlap", "gap", "conflict"}
    for dispute in found.values():
        assert set(dispute.side_codes) == {city.LEAD, city.OTHER}
        assert (dispute.district_code, dispute.participant_district) == (city.WEST, city.EAST)
        assert dispute.state == "open"
    assert found["overlap"].area_m2 == pytest.approx(40 * 100, rel=0.01)
    assert found["gap"].area_m2 == pytest.approx(30 * 100, rel=0.01)
    assert found["conflict"].area_m2 == pytest.approx(50 * 100, rel=0.01)
    assert found["conflict"].width_m == pytest.approx(50, rel=0.01)


def test_a_place_found_again_is_the_same_dispute_and_nothing_is_written(
    city_session: Session, found: dict[str, Dispute]
) -> None:
    before = _rows(city_session)

    again = disputed.find(city_session)

    assert again.new == ()
    assert set(again.again) == {it.id for it in found.values()}
    assert _rows(city_session) == before


def test_a_place_found_in_another_edition_is_measured_anew_and_kept_one(
    city_session: Session, found: dict[str, Dispute]
) -> None:
    disputed.draw(city_session, "street-2027", days=365, gap=False)

    again = disputed.find(city_session, "street-2027")

    assert again.new == ()
    assert again.absent == (found["gap"].id,)
    assert found["overlap"].edition_id == "street-2027"
    actions = [it.action for it in repository.entries_of(city_session, found["overlap"])]
    assert actions == ["found", "found_again"]


def test_two_searches_at_one_moment_find_each_place_once(city_engine: Engine) -> None:
    make = session_factory(city_engine)
    with make.begin() as session:
        disputed.draw(session)
    with make() as first, make() as second:
        disputed.find(first)
        second.execute(text("set lock_timeout = '200ms'"))
        with pytest.raises(Exception, match="lock timeout"):
            disputed.find(second)
        second.rollback()
        first.commit()
        assert disputed.find(second).new == ()


def test_a_dispute_goes_through_its_states_in_order_and_the_history_says_all(
    city_session: Session, found: dict[str, Dispute]
) -> None:
    dispute = found["overlap"]
    agree(city_session, dispute, agreement=disputed.draft())
    go(city_session, dispute, FENGTAI, "settled")

    entries = repository.entries_of(city_session, dispute)
    assert [(it.n, it.action, it.state, it.area) for it in entries] == [
        (1, "found", "open", ""),
        (2, "under_negotiation", "under_negotiation", city.WEST),
        (3, "terms_proposed", "under_negotiation", city.WEST),
        (4, "agreed", "agreed", city.EAST),
        (5, "settled", "settled", city.EAST),
    ]
    assert [it.why for it in entries][1:] == [
        "to under_negotiation",
        "to agreed",
        "to agreed",
        "to settled",
    ]
    assert {it.actor for it in entries[1:]} == {XICHENG.subject, FENGTAI.subject}


@pytest.mark.parametrize("state", ["agreed", "settled", "open"])
def test_a_state_out_of_order_is_refused_with_those_that_are_possible(
    city_session: Session, found: dict[str, Dispute], state: str
) -> None:
    with pytest.raises(StepRefused, match="it goes to under_negotiation") as refused:
        go(city_session, found["gap"], CITY, state)
    assert refused.value.extra["possible"] == ["under_negotiation"]


def test_one_side_alone_agrees_to_nothing(city_session: Session, found: dict[str, Dispute]) -> None:
    dispute = found["overlap"]
    go(city_session, dispute, XICHENG, "under_negotiation")
    go(city_session, dispute, XICHENG, "agreed", agreement=disputed.draft())
    go(city_session, dispute, XICHENG, "agreed")
    assert dispute.state == "under_negotiation"

    go(city_session, dispute, FENGTAI, "agreed", agreement=disputed.draft(title="另一份"))
    assert dispute.state == "under_negotiation", "other terms need the first side's word again"
    go(city_session, dispute, XICHENG, "agreed")
    assert dispute.state == "agreed"


def test_who_is_on_neither_side_moves_nothing(
    city_session: Session, found: dict[str, Dispute]
) -> None:
    for stranger in (
        caller(Role.DISTRICT, "110105"),
        caller(Role.STREET, city.LEAD),
        caller(Role.ANALYST, ""),
    ):
        with pytest.raises(NotAllowed, match="district, city or admin"):
            go(city_session, found["gap"], stranger, "under_negotiation")


@pytest.mark.parametrize(
    ("draft", "error", "words"),
    [
        ({"duties": [{"body": "XX-NONE", "kind": "event"}]}, NotFound, "no body 'XX-NONE'"),
        ({"valid_to": "2025-01-01"}, BadInput, "must come after 'valid_from'"),
        ({"valid_from": "soon"}, BadInput, "must be a day such as"),
        ({"duties": []}, BadInput, "say who does what"),
        ({"title": " "}, BadInput, "needs a 'title'"),
        ({"zone": {"type": "Point", "coordinates": [0, 0]}}, BadInput, "Polygon"),
        (
            {"duties": [{"body": city.LEAD, "kind": "event", "class": "99"}]},
            BadInput,
            "no event class that begins with",
        ),
        (
            {"duties": [{"body": b, "kind": "event"} for b in (city.LEAD, city.OTHER)]},
            BadInput,
            "one leads, others assist",
        ),
        ({"valid_form": "2026-01-01"}, BadInput, "does not belong to it"),
    ],
)
def test_an_agreement_that_cannot_be_is_refused_with_what_is_wrong(
    city_session: Session,
    found: dict[str, Dispute],
    draft: dict[str, Any],
    error: type[Exception],
    words: str,
) -> None:
    dispute = found["overlap"]
    go(city_session, dispute, XICHENG, "under_negotiation")
    with pytest.raises(error, match=words):
        go(city_session, dispute, XICHENG, "agreed", agreement=disputed.draft(**draft))
    assert dispute.terms is None


def test_settled_by_an_agreement_the_agreed_body_answers_from_its_first_day_to_its_last(
    city_session: Session, found: dict[str, Dispute]
) -> None:
    dispute = found["overlap"]
    draft = disputed.draft(valid_from="2026-12-01", valid_to="2027-12-01")
    agree(city_session, dispute, agreement=draft)
    assert _lead(city_session, dispute, dt.date(2026, 12, 1)) == city.LEAD

    go(city_session, dispute, FENGTAI, "settled")

    answers = {
        day: _lead(city_session, dispute, dt.date.fromisoformat(day))
        for day in ("2026-11-30", "2026-12-01", "2027-11-30", "2027-12-01")
    }
    inspectors = f"{city.EAST}-CGJ"
    assert list(answers.values()) == [city.LEAD, inspectors, inspectors, city.LEAD]


def test_an_edition_settles_a_dispute_only_where_the_fault_is_gone(
    city_session: Session, found: dict[str, Dispute]
) -> None:
    gap = found["gap"]
    go(city_session, gap, CITY, "under_negotiation")
    go(city_session, gap, CITY, "agreed", edition_id="street-2027")
    disputed.draw(city_session, "street-2027", days=365 - 60, gap=True)
    with pytest.raises(Conflict, match="still there") as refused:
        go(city_session, gap, CITY, "settled", edition_id="street-2027")
    assert refused.value.extra["left_m2"] == pytest.approx(gap.area_m2, rel=1e-6)

    go(city_session, gap, CITY, "under_negotiation")
    go(city_session, gap, CITY, "agreed", edition_id="street-2028")
    disputed.draw(city_session, "street-2028", active=False, days=365 - 50, gap=False)
    with pytest.raises(Conflict, match="not in force"):
        go(city_session, gap, CITY, "settled")
    with pytest.raises(BadInput, match="agreed on the edition 'street-2028'"):
        go(city_session, gap, CITY, "settled", edition_id="street-2027")


def test_an_edition_without_the_fault_settles_it_and_a_later_one_opens_it_again(
    city_session: Session, found: dict[str, Dispute]
) -> None:
    gap = found["gap"]
    disputed.draw(city_session, "street-fixed", days=100, gap=False)
    go(city_session, gap, CITY, "under_negotiation")
    go(city_session, gap, CITY, "agreed", edition_id="street-fixed")
    go(city_session, gap, CITY, "settled")
    assert (gap.state, gap.settled_by_edition) == ("settled", "street-fixed")

    assert disputed.find(city_session, "street-2026").reopened == (), "an older one says nothing"
    disputed.draw(city_session, "street-worse", days=200)
    again = disputed.find(city_session, "street-worse")

    assert again.new == ()
    assert again.reopened == (gap.id,)
    assert gap.state == "open"


def test_what_is_settled_by_an_agreement_stays_settled_while_it_holds(
    city_session: Session, found: dict[str, Dispute]
) -> None:
    dispute = found["overlap"]
    agree(city_session, dispute, agreement=disputed.draft())
    go(city_session, dispute, FENGTAI, "settled")

    assert disputed.find(city_session).reopened == ()
    with pytest.raises(NotAllowed, match="speaks for all of them"):
        go(city_session, dispute, XICHENG, "open")
    go(city_session, dispute, CITY, "open")

    assert _lead(city_session, dispute, NOW.date()) == city.LEAD, "the agreement has ended"


def test_the_service_adds_to_history_and_evidence_and_changes_neither(
    city_session: Session, found: dict[str, Dispute]
) -> None:
    city_session.commit()
    for statement in (
        "update dispute_entry set why = 'other'",
        "delete from dispute_entry",
        "update dispute_evidence set name = 'other'",
        "delete from dispute_evidence",
        "truncate dispute_entry",
        "delete from dispute",
    ):
        city_session.execute(text("set role gridsvc_service"))
        with pytest.raises(ProgrammingError, match="permission denied"):
            city_session.execute(text(statement))
        city_session.rollback()


def test_an_edition_of_unit_grids_or_none_has_no_disputes_to_find(city_session: Session) -> None:
    with pytest.raises(NotFound, match="no edition 'nowhere'"):
        disputed.find(city_session, "nowhere")
    with pytest.raises(BadInput, match="Unit grids are cut from communities"):
        disputed.find(city_session, "grids-2020")


def _lead(session: Session, dispute: Dispute, day: dt.date) -> str:
    place = to_shape(dispute.geometry).representative_point()
    here = Placement(
        lon=place.x,
        lat=place.y,
        accuracy_m=10.0,
        district=AreaRef(city.WEST, ""),
        street=AreaRef(city.LEAD, ""),
        community=None,
        unit_grid=None,
        claims=(),
        conflict=None,
        border=None,
        editions=(),
    )
    key = ClassKey(STANDARD, "event", city.BUILDING)
    return find_responsible(session, here, key=key, asset=None, day=day).lead.code


def _rows(session: Session) -> list[Any]:
    session.flush()
    queries = ("select * from dispute order by id", "select * from dispute_entry order by 1, 2, 3")
    return [tuple(row) for query in queries for row in session.execute(text(query))]
