"""The look-up of the intake: one round trip, and an index for each way to a case."""

from __future__ import annotations

import pytest
from sqlalchemy import event, text

from gridsvc.cases.merging.candidates import About
from gridsvc.cases.merging.repository import closed_candidates, open_candidates
from gridsvc.registry.classes.model import STANDARD, ClassKey

ABOUT = About(
    key=ClassKey(STANDARD, "event", "01002"),
    kinds=("event", "part"),
    lon=116.31,
    lat=39.885,
    within_m=50.0,
    widest_m=50.0,
    text_within_m=1_000.0,
    district="110102",
    districts=("110102",),
    part_code="02010001",
    place_key="110102020:长安里8",
    responsible="110102020",
)


@pytest.mark.parametrize("look_up", [open_candidates, lambda *a: closed_candidates(*a, limit=5)])
def test_every_way_to_a_case_has_an_index_and_all_take_one_round_trip(city_session, look_up):
    sent = []

    @event.listens_for(city_session.get_bind(), "before_cursor_execute")
    def keep(_connection, cursor, statement, parameters, *_):
        sent.append(cursor.mogrify(statement, parameters).decode())

    look_up(city_session, ABOUT)
    assert len(sent) == 1
    (query,) = sent
    # The tables are empty here: what matters is that nothing but the indexes is needed.
    city_session.execute(text("set local enable_seqscan = off"))
    plan = "\n".join(city_session.connection().exec_driver_sql("explain " + query).scalars())
    for index in ("ix_case_file_point", "ix_case_file_part", "ix_report_place"):
        assert index in plan, plan
    assert "Seq Scan" not in plan
