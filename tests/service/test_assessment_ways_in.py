from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from gridsvc.callers import Role
from gridsvc.cli.app import app
from gridsvc.settings import get_settings
from tests.service import joint_city as city
from tests.service.assessment_world import NOW, History, november
from tests.service.conftest import Person

pytestmark = pytest.mark.system(14)

MONTH = "/v1/assessments?period=2026-11"


def _get(who: Person, address: str) -> Any:
    """The answer of an address with its query."""
    response = who.send("GET", address)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.fixture
def chief(
    city_engine: Engine, as_: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
) -> Person:
    """Supervision of the whole city, long after a November that was written into the tables."""
    with Session(city_engine) as session, session.begin():
        november(History(session))
    monkeypatch.setattr("gridsvc.api.clock.utc_now", lambda: NOW)
    return as_(Role.CITY)


def test_a_month_by_street_tells_rates_ranks_counts_and_where_its_cases_are(chief: Person) -> None:
    found = _get(chief, f"{MONTH}&by=street")
    assert found["period"]["running"] is False
    first, last = found["lines"][0], found["lines"][-1]
    assert (first["rank"], first["key"], first["score"]) == (1, city.LEAD, 68.67)
    assert first["rates"]["closed"] == {
        "numerator": 3,
        "denominator": 4,
        "percent": 75.0,
        "reason": None,
        "counts": {"numerator": ["closed"], "denominator": "counted"},
    }
    assert (last["rank"], last["score"], last["rates"]["response"]["percent"]) == (None, None, None)
    assert last["rates"]["response"]["reason"] == "no data: no valid callback"
    behind = _get(chief, f"{first['cases']}&count=closed")
    assert len(behind["cases"]) == 3
    assert behind["next"] is None


def test_the_cases_behind_a_number_come_page_by_page(chief: Person) -> None:
    pages, cursor = [], ""
    while True:
        found = _get(chief, f"/v1/assessments/cases?period=2026-11&count=received&limit=2{cursor}")
        pages.append(len(found["cases"]))
        if found["next"] is None:
            break
        cursor = f"&cursor={found['next']}"
    assert pages == [2, 2, 2, 2, 1]


def test_lines_come_page_by_page_in_the_order_of_their_rank(chief: Person) -> None:
    keys, cursor = [], ""
    while True:
        found = _get(chief, f"{MONTH}&by=street&limit=1{cursor}")
        keys += [line["key"] for line in found["lines"]]
        if found["next"] is None:
            break
        cursor = f"&cursor={found['next']}"
    assert keys == [city.LEAD, city.LEAD_NORTH, city.OTHER_NORTH, city.OTHER]


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("period=2026-13", 422, "period"),
        ("period=2099-01", 422, "period"),
        ("period=2020-01-01/2026-01-01", 422, "period"),
        ("", 422, "period"),
        ("period=2026-11&by=planet", 422, "by"),
        ("period=2026-11&scheme=nobody", 422, "scheme"),
        ("period=2026-11&area=11010x", 422, "area"),
        ("period=2026-11&area=11010202", 422, "area"),
        ("period=2026-11&cursor=nowhere", 422, "cursor"),
        ("period=2026-11&month=11", 400, "month"),
    ],
)
def test_a_bad_question_is_a_problem_with_its_field(
    chief: Person, query: str, status: int, field: str
) -> None:
    response = chief.send("GET", f"/v1/assessments?{query}")
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["field"] == field


def test_unknown_counts_and_broken_cursors_are_refused(chief: Person) -> None:
    for query, field in (("count=beauty", "count"), ("count=due&cursor=x", "cursor")):
        response = chief.send("GET", f"/v1/assessments/cases?period=2026-11&{query}")
        assert (response.status_code, response.json()["field"]) == (422, field)


def test_streets_see_their_district_and_inspectors_are_for_supervision(
    chief: Person, as_: Callable[..., Person]
) -> None:
    street = as_(Role.STREET, city.LEAD)
    seen = _get(street, f"{MONTH}&by=street")
    assert [line["key"] for line in seen["lines"]] == [city.LEAD, city.LEAD_NORTH]
    assert seen["area"] == city.WEST
    for query in (f"by=street&area={city.EAST}", "by=inspector", "by=street&area="):
        assert street.send("GET", f"{MONTH}&{query}").status_code == 403
    assert _get(as_(Role.DISTRICT, city.WEST), f"{MONTH}&by=inspector")["lines"][0]["key"]
    assert as_(Role.CITIZEN).send("GET", MONTH).status_code == 403


def test_the_csv_keeps_chinese_whole_and_no_cell_is_a_formula(
    chief: Person, city_engine: Engine
) -> None:
    with city_engine.begin() as connection:
        connection.execute(
            text("update case_file set inspector = '=cmd|''/C calc''!A0' where inspector = :who"),
            {"who": "worker Li"},
        )
    response = chief.send("GET", "/v1/assessments/table.csv?period=2026-11&by=inspector")
    assert response.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert [row["代码 key"] for row in rows] == ["'=cmd|'/C calc'!A0", ""]
    # Both were reached, one of the two is solved and satisfied.
    assert rows[0]["综合得分 score"] == "55.00"
    streets = chief.send("GET", "/v1/assessments/table.csv?period=2026-11")
    rows = list(csv.DictReader(io.StringIO(streets.content.decode("utf-8-sig"))))
    assert rows[0]["名称 name"] == "广安门外街道"
    assert rows[0]["响应率 response %"] == "100.0"
    assert rows[-1]["响应率 response %"] == ""


def test_the_review_is_one_file_that_asks_no_other_host(chief: Person) -> None:
    response = chief.send("GET", "/v1/assessments/review?period=2026-11")
    page = response.text
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", page)
    for words in ("月度点评会", "广安门外街道", "51.50", "68.67", "无有效回访", "2026-06"):
        assert words in page, words
    assert "<script" not in page
    district = chief.send("GET", f"/v1/assessments/review?period=2026-11&area={city.WEST}&months=0")
    assert "西城区 2026-11" in district.text
    assert "太平桥街道" not in district.text


def test_names_cannot_break_out_of_the_page(chief: Person, city_engine: Engine) -> None:
    with city_engine.begin() as connection:
        connection.execute(text("update body set name = '<script>alert(1)</script>'"))
    page = chief.send("GET", "/v1/assessments/review?period=2026-11").text
    assert "&lt;script&gt;alert" in page
    assert "<script" not in page


@pytest.mark.system(30)
def test_no_street_is_given_the_year_of_its_district_for_its_own(chief: Person) -> None:
    answer = chief.send("GET", f"/v1/assessments/yearly?period=2026&area={city.LEAD}")
    assert (answer.status_code, answer.json()["field"]) == (422, "area")


def test_the_yearly_score_is_asked_for_over_http_by_tables_and_by_trace(chief: Person) -> None:
    tables = _get(chief, "/v1/assessments/yearly?period=2026")
    first = next(one for one in tables["bodies"] if one["body"] == city.LEAD)
    assert first["parts"]["citizens"] == pytest.approx(68.67)
    # What was written into the tables alone has no trace.
    traced = _get(chief, "/v1/assessments/yearly?period=2026&source=trace")
    assert (traced["source"], traced["bodies"]) == ("trace", [])


@pytest.fixture
def command(
    city_database: str, city_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """The command on the database of November; gives its result."""
    with Session(city_engine) as session, session.begin():
        november(History(session))
    monkeypatch.setenv("DATABASE_URL", city_database)
    get_settings.cache_clear()

    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["assess", *words])

    yield run
    get_settings.cache_clear()


def test_the_command_prints_writes_csv_and_page(
    command: Callable[..., Any], tmp_path: Path
) -> None:
    files = tmp_path / "november.csv", tmp_path / "november.html"
    done = command("2026-11-01/2026-11-20", "--csv", str(files[0]), "--page", str(files[1]))
    assert done.exit_code == 0, done.output
    assert "广安门外街道" in files[0].read_text(encoding="utf-8-sig")
    assert "月度点评会" in files[1].read_text(encoding="utf-8")
    listed = json.loads(command("2026-11-01/2026-11-20", "--by", "body", "--json").stdout)
    assert listed["by"] == "body"


@pytest.mark.system(30)
def test_the_command_says_when_tables_and_trace_differ(command: Callable[..., Any]) -> None:
    done = command("2026", "--recompute")
    assert done.exit_code == 1
    assert "the tables say" in done.output
    differing = json.loads(command("2026", "--recompute", "--json").stdout)["differences"]
    assert {"body": city.LEAD, "count": "valid", "tables": 3, "trace": 0} in differing
