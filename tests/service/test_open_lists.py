"""A body's open cases, the most urgent first, page by page."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text

from gridsvc.callers import Role
from tests.service.joint_city import LEAD


@pytest.fixture
def opened(citizen, city_engine) -> list[str]:
    """Cases that one street leads; their limits run backwards, one has none."""
    ids = []
    for code in ("06001", "06002", "06003", "06004", "06005", "06036"):
        ids.append(citizen.report(-400.0, **{"class": code})["case_id"])
    now = dt.datetime(2026, 11, 27, tzinfo=dt.UTC)
    with city_engine.begin() as connection:
        for k, id in enumerate(ids):
            limit = None if k == 1 else now - dt.timedelta(hours=k // 2)
            connection.execute(
                text("update case_file set limit_at = :limit, lead_body = :lead where id = :id"),
                {"limit": limit, "id": id, "lead": LEAD},
            )
    assert len(set(ids)) == 6
    return ids


def _pages(person, limit: int, **query: str) -> list[dict]:
    found, cursor = [], {}
    while True:
        page = person.get("/v1/cases", body=LEAD, state="open", limit=limit, **query, **cursor)
        found += page["cases"]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


@pytest.mark.parametrize("limit", [1, 2, 500])
def test_the_most_urgent_come_first_and_every_case_comes_once(as_, opened, limit):
    cases = _pages(as_(Role.DISTRICT, "110102"), limit, order="limit")
    assert sorted(case["id"] for case in cases) == sorted(opened)
    limits = [case["limit_at"] for case in cases]
    assert limits[-1] is None
    assert limits[:-1] == sorted(limits[:-1])
    # Cases of one limit are in the order of their ids.
    assert [case["id"] for case in cases] == [
        case["id"] for case in sorted(cases, key=lambda one: (one["limit_at"] or "9", one["id"]))
    ]


@pytest.mark.parametrize("limit", [2, 500])
def test_without_an_order_the_oldest_come_first(as_, opened, limit):
    ids = [case["id"] for case in _pages(as_(Role.DISTRICT, "110102"), limit)]
    assert ids == sorted(opened)


def test_a_cursor_of_another_list_is_refused(as_, opened):
    person = as_(Role.DISTRICT, "110102")
    oldest = person.get("/v1/cases", state="open", limit=1)["next"]
    urgent = person.get("/v1/cases", state="open", limit=1, order="limit")["next"]
    for query in (f"order=limit&cursor={oldest}", f"cursor={urgent}", "cursor=7", "cursor=.x"):
        answer = person.send("GET", f"/v1/cases?state=open&{query}")
        assert answer.status_code == 400 or answer.status_code == 422
        assert answer.json()["field"] == "cursor"


def test_closed_cases_have_no_limit_to_be_sorted_by(as_, opened):
    answer = as_(Role.DISTRICT, "110102").send("GET", "/v1/cases?state=closed&order=limit")
    assert answer.json()["field"] == "order"
