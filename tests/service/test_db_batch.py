"""What is written in one batch is what a flush would have written."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from geoalchemy2.shape import from_shape
from shapely.geometry import MultiPolygon, Point, box
from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from gridsvc.cases.core.messages.models import Message
from gridsvc.cases.core.models import Case, TraceEntry
from gridsvc.cases.intake.models import Report, Reporter, ReportPlacement
from gridsvc.db.base import uuid7, write_added

NOW = dt.datetime(2026, 7, 1, 8, 30, 0, 123456, tzinfo=dt.UTC)
PIN = from_shape(Point(116.31, 39.885), srid=4326)


def _one_of_each() -> list[Any]:
    """A case with a report, in an order in which no foreign key would hold."""
    case, report = uuid7(), uuid7()
    words = {"note": "它说：'%s' \\ \"50 %\"", "score": 90, "point": [116.31, 39.885], "none": None}
    return [
        Reporter(district_code="110102", report_id=report, sealed=b"\x00\xff%s\\"),
        ReportPlacement(
            district_code="110102",
            report_id=report,
            n=1,
            placement=words,
            responsibility={},
            reason="as reported",
            placed_at=NOW,
        ),
        *(
            TraceEntry(
                district_code="110102",
                case_id=case,
                n=n,
                written_at=NOW,
                at=NOW,
                action="dispatch",
                actor="it's me; drop table trace",
                body_code=None,
                content=words,
                previous_hash="0" * 64,
                hash="1" * 64,
            )
            for n in (1, 2)
        ),
        Message(
            district_code="110102",
            id=uuid7(),
            written_at=NOW,
            body_code="110102020",
            topic="case_opened",
            case_id=case,
            content=words,
            state="waiting",
            tries=0,
            due_at=NOW,
            next_try_at=NOW,
            last_error=None,
            delivered_at=None,
        ),
        Report(
            district_code="110102",
            id=report,
            receipt="ABCD-EFGH",
            channel="12345",
            standard="GB/T 47678.5-2026",
            kind="event",
            class_code="06001",
            description="{}%()s",
            given_x=None,
            given_y=0.1 + 0.2,
            given_crs=None,
            accuracy_m=10.0,
            point=PIN,
            footprint=from_shape(MultiPolygon([box(116.3, 39.8, 116.4, 39.9)]), srid=4326),
            part_code=None,
            needs_confirmation=False,
            case_district="110102",
            case_id=case,
            joined=False,
            earlier_cases=[],
            created_at=NOW,
        ),
        Case(
            district_code="110102",
            id=case,
            procedure="ordinary",
            procedure_version=2,
            step="handle",
            progress=words,
            state="open",
            standard="GB/T 47678.5-2026",
            kind="event",
            class_code="06001",
            lead_body="110102020",
            participant_district=None,
            part_code=None,
            point=PIN,
            limit_at=NOW,
            opened_at=NOW,
            closed_at=None,
        ),
    ]


def _columns(stored: Any) -> dict[str, Any]:
    attributes = inspect(stored).mapper.column_attrs
    return {one.key: getattr(stored, one.key) for one in attributes}


def _plain(value: Any) -> Any:
    return None if isinstance(value, dict | list) else value


@pytest.mark.parametrize("kind", dict.fromkeys(type(made) for made in _one_of_each()))
def test_a_batch_writes_what_a_flush_writes(city_session: Session, kind: type) -> None:
    kept = []
    for write in (write_added, Session.flush):
        objects = _one_of_each()
        # A flush knows no order among tables; the objects are added so that it finds one.
        added = objects if write is write_added else reversed(objects)
        ids = {"report": objects[-2].id, "case": objects[-1].id}
        for one in added:
            city_session.add(one)
            if write is Session.flush:
                city_session.flush()
        write(city_session)
        city_session.expunge_all()
        every = [_columns(one) for one in city_session.scalars(select(kind))]
        ours = [one for one in every if {ids["report"], ids["case"]} & {*map(_plain, one.values())}]
        stored = min(ours, key=lambda one: one.get("n", 0))
        kept.append({name: value for name, value in stored.items() if not name.endswith("id")})
        city_session.rollback()
    assert kept[0] == kept[1]


def test_what_was_written_can_be_changed_and_is_flushed(city_session: Session) -> None:
    case = _one_of_each()[-1]
    city_session.add(case)
    write_added(city_session)
    assert case not in city_session.new
    assert city_session.get(Case, (case.district_code, case.id)) is case
    case.step = "feed_back"
    city_session.add(_one_of_each()[2])
    write_added(city_session)
    step = select(Case.step).where(Case.id == case.id)
    assert city_session.scalar(step) == "feed_back"


def test_nothing_added_writes_nothing(city_session: Session) -> None:
    write_added(city_session)
    assert not city_session.new
