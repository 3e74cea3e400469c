"""Reports over HTTP: by point, by part, by footprint; near the border; what is kept."""

from __future__ import annotations

import pytest

from tests.service import joint_city as city


def test_a_report_by_point_is_placed_routed_and_opens_a_case(citizen, city_session):
    filed = citizen.report(-300)
    assert filed["placement"]["district"]["code"] == city.WEST
    assert filed["placement"]["street"]["code"] == city.LEAD
    assert filed["placement"]["community"]["code"] == f"{city.LEAD}001"
    assert filed["placement"]["unit_grid"]["code"] == "02000002"
    assert filed["placement"]["border"]["distance_m"] == pytest.approx(300, rel=2e-3)
    assert filed["responsibility"]["lead"]["code"] == city.LEAD
    assert (filed["joined"], filed["joint_whistle_id"]) == (False, None)
    assert filed["needs_confirmation"] is False
    kept = city.counts(city_session)
    # The duty list names the street, and the planning office as its assistant: both are told.
    assert {table: n for table, n in kept.items() if n} == {
        "report": 1,
        "report_placement": 1,
        "receipt": 1,
        "case_file": 1,
        "trace": 2,
        "message": 2,
    }
