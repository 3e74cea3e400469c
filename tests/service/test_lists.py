"""Lists: who is given which rows, by what they are narrowed, sorted and counted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text

from gridsvc.callers import Role
from gridsvc.lists.catalogue import LISTS
from tests.service import joint_city as city
from tests.service.conftest import Person, refusal, report
from tests.service.joint_case import JointCase

CODES = ("06001", "06002", "06003", "06004", "06005")
WORDS = ("三号楼前井盖丢失", "井盖松动", "路灯不亮", "Ｎo.12 店外经营", "=HYPERLINK(1)")


@pytest.fixture
def filed(citizen: Person, city_engine: Engine) -> list[Any]:
    """Five reports with cases of their own, the last two north; the first three an hour late."""
    made = []
    for code, words in zip(CODES, WORDS, strict=True):
        place = {
            **city.beside_border(-400.0, 300.0 if code > "06003" else -555.0),
            "accuracy_m": 10,
        }
        made.append(citizen.report(**{"class": code, "description": words, "location": place}))
    late = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    with city_engine.begin() as connection:
        connection.execute(
            text("update case_file set limit_at = :late where class_code <= '06003'"),
            {"late": late},
        )
    assert len({one["case_id"] for one in made}) == 5
    return made


def cases(filed: list[Any], *places: int) -> set[str]:
    return {filed[place]["case_id"] for place in places}


def ids(page: dict[str, Any], name: str = "id") -> set[str]:
    return {row[name] for row in page["rows"]}


#: What narrows the cases, and which of them it leaves.
FILTERS: list[tuple[dict[str, str], tuple[int, ...]]] = [
    ({"street": city.LEAD}, (0, 1, 2)),
    ({"street": city.LEAD_NORTH}, (3, 4)),
    ({"community": f"{city.LEAD_NORTH}001"}, (3, 4)),
    ({"district": city.EAST}, ()),
    ({"class": "06002"}, (1,)),
    ({"class": "06"}, (0, 1, 2, 3, 4)),
    ({"kind": "part"}, ()),
    ({"body": city.LEAD, "class": "06001"}, (0,)),
    ({"body": f"{city.EAST}-CGJ"}, ()),
    ({"state": "open"}, (0, 1, 2, 3, 4)),
    ({"state": "closed"}, ()),
    ({"overdue": "true"}, (0, 1, 2)),
    ({"overdue": "false"}, (3, 4)),
    ({"procedure": "ordinary", "class": "06001"}, (0,)),
    ({"from": "-1d"}, (0, 1, 2, 3, 4)),
    ({"from": "2999-01-01"}, ()),
    ({"to": "2020-01-01"}, ()),
    ({"to": "-0d"}, (0, 1, 2, 3, 4)),
    ({"bbox": "116.3,39.889,116.32,39.9"}, (3, 4)),
    ({"text": "井盖"}, (0, 1)),
    ({"text": "三号楼 丢失"}, (0,)),
    ({"text": "盖丢"}, (0,)),
    ({"text": "no.12"}, (3,)),
    ({"text": "楼井"}, ()),
]


def test_cases_are_narrowed_by_each_filter(as_: Callable[..., Person], filed: list[Any]) -> None:
    person = as_(Role.CITY)
    for query, found in FILTERS:
        page = person.get("/v1/lists/cases", count=True, **query)
        assert (ids(page), page["count"]) == (cases(filed, *found), len(found)), query


def test_cases_are_narrowed_to_the_step_at_which_they_stand(
    as_: Callable[..., Person], filed: list[Any]
) -> None:
    person = as_(Role.CITY)
    steps = {row["id"]: row["step"] for row in person.get("/v1/lists/cases")["rows"]}
    for step in set(steps.values()):
        found = ids(person.get("/v1/lists/cases", step=step))
        assert found == {case for case, at in steps.items() if at == step}


def test_reports_are_found_by_their_own_words_and_channel(
    as_: Callable[..., Person], filed: list[Any]
) -> None:
    person = as_(Role.STREET, city.LEAD)
    page = person.get("/v1/lists/reports", text="井盖")
    assert ids(page) == {filed[0]["id"], filed[1]["id"]}
    assert {row["description"] for row in page["rows"]} == set(WORDS[:2])
    assert ids(person.get("/v1/lists/reports", channel="app")) == set()


def test_pages_give_every_row_once_in_their_order(
    as_: Callable[..., Person], filed: list[Any]
) -> None:
    person = as_(Role.DISTRICT, city.WEST)
    for name in ("cases", "reports"):
        for order, codes in (("oldest", list(CODES)), ("newest", list(CODES)[::-1])):
            assert [row["class_code"] for row in all_rows(person, name, order)] == codes


def all_rows(person: Person, name: str, order: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = person.get(f"/v1/lists/{name}", limit=2, order=order, **cursor)
        found += page["rows"]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


#: What is refused, and the field that the refusal names.
ODD: list[tuple[dict[str, str], str]] = [
    ({"cursor": "7"}, "cursor"),
    ({"cursor": "WyJuZXdlc3QiLDEsMl0"}, "cursor"),
    ({"from": "yesterday"}, "from"),
    ({"to": "9999-12-31"}, "to"),
    ({"from": "2026-11-01T00:00:00"}, "from"),
    ({"bbox": "1,2,3"}, "bbox"),
    ({"text": "盖"}, "text"),
    ({"text": " "}, "text"),
    ({"street": "1101"}, "street"),
    ({"order": "limit"}, "order"),
    ({"state": "done"}, "state"),
    ({"colour": "red"}, "colour"),
]


def test_what_no_list_is_asked_by_is_refused(as_: Callable[..., Person]) -> None:
    person = as_(Role.CITY)
    for query, field in ODD:
        answer = person.send("GET", "/v1/lists/cases", params=query)
        assert answer.status_code in (400, 422), query
        assert refusal(answer, answer.status_code)["field"] == field


def test_rows_are_counted_by_group(as_: Callable[..., Person], filed: list[Any]) -> None:
    person = as_(Role.DISTRICT, city.WEST)
    path = "/v1/lists/cases/counts"
    assert person.get(path) == {"count": 5, "by": None, "groups": []}
    assert person.get(path, by="street")["groups"] == [
        {"key": city.LEAD, "count": 3},
        {"key": city.LEAD_NORTH, "count": 2},
    ]
    assert person.get(path, by="state", overdue="true") == {
        "count": 3,
        "by": "state",
        "groups": [{"key": "open", "count": 3}],
    }


def test_everybody_lists_the_cases_that_they_may_read_and_no_others(
    client: httpx.Client, as_: Callable[..., Person], citizen: Person
) -> None:
    joint = JointCase(client).agree()
    every = [joint.id, citizen.report(-400)["case_id"], citizen.report(400)["case_id"]]
    every.append(citizen.report(**{"location": city.beside_border(-400.0, 300.0)})["case_id"])
    every.append(citizen.report(-700, **{"class": city.RUBBISH})["case_id"])
    seen = []
    for role, area, body in (
        (Role.CITY, "", None),
        (Role.DISTRICT, city.WEST, None),
        (Role.DISTRICT, city.EAST, None),
        (Role.ANALYST, "1101", None),
        (Role.DISTRICT, "110105", None),
        (Role.STREET, city.LEAD, None),
        (Role.STREET, city.OTHER, None),
        (Role.STREET, city.LEAD_NORTH, None),
        (Role.GRID_WORKER, f"{city.LEAD}001", None),
        (Role.DEPARTMENT, city.EAST, f"{city.EAST}-CGJ"),
        (Role.DEPARTMENT, "110105", f"{city.WEST}-CGJ"),
        (Role.DEPARTMENT, "110105", "110105-CGJ"),
    ):
        person = as_(role, area, body)
        may = {id for id in every if person.send("GET", f"/v1/cases/{id}").status_code == 200}
        page = person.get("/v1/lists/cases", count=True)
        assert ids(page) == may, (role, area, body)
        assert page["count"] == len(may)
        assert ids(person.get("/v1/lists/reports"), "case_id") <= may
        whistles = ids(person.get("/v1/lists/whistles"), "case_id")
        assert whistles == may & {joint.id}
        seen.append(len(may))
    assert set(seen) >= {0, 1, len(every)}


def test_an_analyst_is_told_no_words_and_searches_none(
    as_: Callable[..., Person], filed: list[Any]
) -> None:
    analyst = as_(Role.ANALYST, city.WEST)
    rows = analyst.get("/v1/lists/reports")["rows"]
    assert len(rows) == 5
    assert {row["description"] for row in rows} == {None}
    for name in ("cases", "reports"):
        answer = analyst.send("GET", f"/v1/lists/{name}", params={"text": "井盖"})
        assert refusal(answer, 403)["field"] == "text"
    table = analyst.send("GET", "/v1/lists/reports.csv").text
    assert "description" not in table
    assert "井盖" not in table


def test_a_whistle_is_listed_with_who_has_come_and_who_is_late(
    client: httpx.Client, as_: Callable[..., Person], city_engine: Engine
) -> None:
    joint = JointCase(client).agree()
    person = as_(Role.CITY)
    (row,) = person.get("/v1/lists/whistles", joint="true", state="open")["rows"]
    called = len(joint.called())
    assert (row["case_id"], row["called"], row["reported_in"]) == (joint.id, called, 0)
    assert row["overdue"] is False
    assert person.get("/v1/lists/whistles", overdue="true")["rows"] == []
    with city_engine.begin() as connection:
        connection.execute(text("update called_body set report_in_by = now() - interval '1 hour'"))
    (row,) = person.get("/v1/lists/whistles", overdue="true")["rows"]
    assert row["overdue"] is True
    assert person.get("/v1/lists/whistles", overdue="false")["rows"] == []
    for body in (city.LEAD, city.OTHER):
        assert len(person.get("/v1/lists/whistles", body=body)["rows"]) == 1
    assert person.get("/v1/lists/whistles", body=city.LEAD_NORTH)["rows"] == []
    assert person.get("/v1/lists/whistles", level=1)["rows"] == []


def test_no_list_is_for_citizens(citizen: Person) -> None:
    for name in LISTS:
        for end in ("", "/counts", ".csv", ".xlsx"):
            refusal(citizen.send("GET", f"/v1/lists/{name}{end}"), 403)


def test_views_are_kept_for_their_holder_and_for_an_office(
    as_: Callable[..., Person], filed: list[Any]
) -> None:
    worker = as_(Role.STREET, city.LEAD, subject="Li")
    colleague = as_(Role.STREET, city.LEAD, subject="Wang")
    stranger = as_(Role.STREET, city.LEAD_NORTH, subject="Zhao")
    path = "/v1/lists/cases/views"
    own = {"asked": {"class": "06002", "from": "-7d", "order": "newest"}}
    shared = {"asked": {"overdue": True}, "office": True}
    for name, view in (("mine", own), ("late", shared)):
        assert worker.send("PUT", f"{path}/{name}", json=view).status_code == 200
    assert [one["name"] for one in worker.get(path)["views"]] == ["mine", "late"]
    assert [one["name"] for one in colleague.get(path)["views"]] == ["late"]
    assert stranger.get(path)["views"] == []
    assert ids(worker.get("/v1/lists/cases", view="mine")) == cases(filed, 1)
    assert ids(colleague.get("/v1/lists/cases", view="late")) == cases(filed, 0, 1, 2)
    narrower = {"view": "late", "class": "06003"}
    assert ids(colleague.get("/v1/lists/cases", **narrower)) == cases(filed, 2)
    assert colleague.get("/v1/lists/cases/counts", view="late")["count"] == 3
    refusal(stranger.send("GET", "/v1/lists/cases?view=late"), 404)
    refusal(stranger.send("DELETE", f"{path}/late?office=true"), 404)
    assert colleague.send("DELETE", f"{path}/late?office=true").status_code == 204
    assert [one["name"] for one in worker.get(path)["views"]] == ["mine"]


def test_a_view_of_what_no_list_is_asked_by_is_refused(as_: Callable[..., Person]) -> None:
    person = as_(Role.CITY)
    for asked in ({"colour": "red"}, {"state": "done"}, {"limit": 5}, {"bbox": "1"}):
        answer = person.send("PUT", "/v1/lists/cases/views/odd", json={"asked": asked})
        assert refusal(answer, answer.status_code)["field"] == min(asked)
    refusal(person.send("GET", "/v1/lists/streets/views"), 404)


def test_a_report_of_another_district_is_in_the_list_of_the_case_that_it_joined(
    as_: Callable[..., Person], citizen: Person
) -> None:
    first = as_(Role.STREET, city.LEAD).report(-6, footprint=city.astride())
    other = citizen.send("POST", "/v1/reports", json=report(-6)).json()
    for person in (as_(Role.DISTRICT, city.WEST), as_(Role.STREET, city.OTHER)):
        rows = person.get("/v1/lists/reports")["rows"]
        assert {first["id"]} <= {row["id"] for row in rows}
        assert {row["case_id"] for row in rows} <= {first["case_id"], other["case_id"]}
