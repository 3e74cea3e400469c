"""The look-up of the intake: one round trip, and an index for each way to a case."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg2.extensions
import pytest
from sqlalchemy import text

from gridsvc.cases.intake.match import MatchCriteria
from gridsvc.cases.intake.repository import closed_candidates, open_candidates
from gridsvc.city.classes import STANDARD, ClassKey

ABOUT = MatchCriteria(
    key=ClassKey(STANDARD, "event", "01002"),
    kinds=("event", "part"),
    lon=116.31,
    lat=39.885,
    kin=("01002", "01003"),
    exact=False,
    within_m=50.0,
    exact_within_m=15.0,
    widest_m=50.0,
    text_within_m=1_000.0,
    district="110102",
    districts=("110102",),
    part_code="02010001",
    place_key="110102020:长安里8楼",
    responsible="110102020",
)


#: Ten thousand cases all over the city, half of them closed, and a report of each.
FILL = """
with made as (
    insert into case_file (district_code, id, procedure, procedure_version, step, progress, state,
        closed_at, standard, kind, class_code, lead_body, part_code, point, trace_entries,
        trace_head, opened_at, place_key)
    select '110102', gen_random_uuid(), 'ordinary', 2, 'handle', '{}',
        case when n % 2 = 0 then 'open' else 'closed' end,
        case when n % 2 = 1 then now() end, 'GB/T 47678.5-2026', 'event', '01002', '110102020',
        lpad(cast(n as text), 8, '0'),
        st_setsrid(st_point(116.30 + (n % 100) * 0.0002, 39.88 + (n / 100) * 0.0002), 4326),
        0, '', now(), '110102020:' || n || '楼'
    from generate_series(1, 10000) as n returning district_code, id, part_code, point
)
insert into report (district_code, id, receipt, channel, standard, kind, class_code, description,
    accuracy_m, point, needs_confirmation, case_district, case_id, joined, created_at)
select district_code, id, part_code, 'app', 'GB/T 47678.5-2026', 'event', '01002', '', 10, point,
    false, district_code, id, false, now()
from made
"""


@pytest.mark.parametrize(
    ("look_up", "by_place"),
    [
        (open_candidates, "ix_case_file_open_point"),
        (lambda *a: closed_candidates(*a, limit=5), "ix_case_file_closed_cell"),
    ],
    ids=["open", "closed"],
)
def test_every_way_to_a_case_has_an_index_and_all_take_one_round_trip(
    city_session, look_up, by_place
):
    city_session.execute(text(FILL))
    city_session.execute(text("analyze case_file, report"))
    sent: list[str] = []

    class Kept(psycopg2.extensions.cursor):
        def execute(self, query: str, vars: Any = None) -> None:
            super().execute(query, vars)
            sent.append(self.query.decode())

    city_session.connection().connection.dbapi_connection.cursor_factory = Kept
    look_up(city_session, ABOUT)
    look_up(city_session, ABOUT)
    # Planned once a connection; then one round trip each time.
    planned, first, again = sent
    assert planned.startswith("prepare")
    assert first == again
    plan = "\n".join(city_session.connection().exec_driver_sql("explain " + again).scalars())
    for index in (by_place, "ix_case_file_part", "ix_case_file_place"):
        assert index in plan, plan
    assert "Seq Scan" not in plan


def test_newer_cases_just_too_far_away_do_not_hide_an_earlier_one_of_the_place(city_session):
    place = replace(ABOUT, part_code=None, place_key=None)
    closed = text(
        "insert into case_file (district_code, id, procedure, procedure_version, step, progress,"
        " state, closed_at, standard, kind, class_code, lead_body, point, trace_entries,"
        " trace_head, opened_at)"
        " select '110102', gen_random_uuid(), 'ordinary', 2, 'assess', '{}', 'closed',"
        " now() - make_interval(days => :days), 'GB/T 47678.5-2026', 'event', '01002',"
        " '110102020', st_setsrid(st_point(:lon, :lat), 4326), 0, '', now()"
        " from generate_series(1, :count)"
    )
    # 45 m east and 45 m north: inside the box, 64 m away.
    corner = {"lon": 116.31 + 45 / 85_500, "lat": 39.885 + 45 / 111_030}
    city_session.execute(closed, corner | {"days": 1, "count": 5})
    city_session.execute(closed, {"lon": 116.31, "lat": 39.885, "days": 9, "count": 1})
    assert [case.distance_m for case in closed_candidates(city_session, place, limit=5)] == [0.0]
