"""Words to places over HTTP and at the keyboard: who is told what, and what does not count."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from gridsvc.callers import Role
from gridsvc.cli.app import app
from gridsvc.db import session_factory
from gridsvc.settings import get_settings
from tests.service import joint_city as city
from tests.service.conftest import Person, refusal, token_of
from tests.service.leaks_world import UNSOLVED_EVERY, fill, leaks
from tests.service.procedures_world import Clock

pytestmark = pytest.mark.system(19)

SEED = 13
YEARS = {"since": "2024-01-01", "until": "2026-01-01"}
SEASON = {"after_since": "2026-06-01", "after_until": "2026-10-01"}
PATHS = ("/v1/recurring", "/v1/recurring/places.csv", "/v1/recurring/report.html")


@pytest.fixture
def clock(monkeypatch):
    return Clock.held(monkeypatch)


@pytest.fixture
def made(city_engine):
    made = leaks(SEED)
    with session_factory(city_engine).begin() as session:
        fill(session, made)
        session.execute(text("analyze report, case_file"))
    return made


@pytest.fixture
def district(client, clock):
    return Person(client, token_of(Role.DISTRICT, city.WEST, subject="the analyst of the west"))


def ask(person, path=PATHS[0], q="漏雨", area=city.WEST, **more):
    return person.get(path, q=q, area=area, **{**YEARS, **more})


def test_1760_reports_are_1076_places_and_fall_by_79_84_percent(made, district, city_engine):
    found = ask(district, limit=5_000, **SEASON)
    assert (found["reports"], found["places"], len(found["listed"])) == (1_760, 1_076, 1_076)
    season = found["season"]
    after = season["reports_after"]
    assert season["reports_before"] == 992
    assert after + season["elsewhere"] == 200
    assert season["elsewhere"] <= 2
    assert season["fall_percent"] == round(100 * (992 - after) / 992, 2)
    assert season["before"] == {"since": "2025-06-01", "until": "2025-10-01"}
    # Each report is in one place, and unsolved ones come first.
    receipts = Counter(one["receipt"] for place in found["listed"] for one in place["said"])
    assert (len(receipts), max(receipts.values())) == (1_760, 1)
    unsolved = [place["unsolved"] for place in found["listed"]]
    assert unsolved == sorted(unsolved, reverse=True)
    planted = [one for one in range(len(made)) if not one % UNSOLVED_EVERY and not made[one].later]
    assert sum(unsolved) == len(planted)
    with city_engine.begin() as connection:
        (entry,) = connection.execute(text("select act, who, subject from audit_entry")).all()
    assert entry.act == "GET /v1/recurring"
    assert entry.who == "the analyst of the west"


def test_what_was_erased_or_withdrawn_does_not_count_and_is_told(made, district, city_engine):
    whole = ask(district)
    with city_engine.begin() as connection:
        connection.execute(
            text(
                "update report set description = '', place_text = null, place_key = null,"
                " erased_at = now() where receipt in ('R00000000', 'R00000001', 'R00000002')"
            )
        )
        connection.execute(
            text("update report set withdrawn_at = now() where receipt = 'R00000003'")
        )
    found = ask(district)
    assert (whole["erased"], found["erased"]) == (0, 3)
    assert found["reports"] == whole["reports"] - 4


def test_a_street_reads_its_own_and_nobody_else_reads_any(made, district, client, clock):
    street = Person(client, token_of(Role.STREET, city.LEAD))
    found = ask(street, area=city.LEAD)
    other = ask(district, area=city.LEAD_NORTH)
    assert 0 < found["reports"] < 1_760
    assert found["reports"] + other["reports"] == 1_760
    assert ask(street, area=f"{city.LEAD}001")["reports"] == found["reports"]
    for path in PATHS:
        asked = {"q": "漏雨", "area": city.WEST, **YEARS}
        refusal(street.send("GET", path, params=asked), 403)
        for role, area, body in (
            (Role.STREET, city.OTHER, None),
            (Role.DISTRICT, city.EAST, None),
            (Role.DEPARTMENT, city.WEST, f"{city.WEST}-CGJ"),
            (Role.GRID_WORKER, city.LEAD, None),
            (Role.ANALYST, "", None),
            (Role.CITIZEN, "", None),
        ):
            person = Person(client, token_of(role, area, body))
            refusal(person.send("GET", path, params=asked), 403)
        refusal(client.get(path, params=asked), 401)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"q": "解决"}, "q"),
        ({"until": "2023-01-01"}, "until"),
        ({"after_since": "2026-06-01"}, "after_since"),
        ({**SEASON, "after_since": "2025-06-01"}, "after_since"),
        ({**SEASON, "after_until": "2026-05-01"}, "after_until"),
        ({**SEASON, "after_until": "2028-05-01"}, "after_until"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_field(district, query, field):
    asked = {"q": "漏雨", "area": city.WEST, **YEARS, **query}
    problem = refusal(district.send("GET", PATHS[0], params=asked), 422)
    assert problem["field"] == field


def test_more_reports_than_are_read_at_once_are_refused(made, district, monkeypatch):
    monkeypatch.setattr("gridsvc.foresight.words.service._MOST", 1_000)
    asked = {"q": "漏雨", "area": city.WEST, **YEARS}
    assert "1,000" in refusal(district.send("GET", PATHS[0], params=asked), 422)["detail"]


def test_words_that_nobody_said_find_no_place(made, district):
    found = ask(district, q="电梯")
    assert (found["reports"], found["places"], found["listed"]) == (0, 0, [])
    page = district.send("GET", PATHS[2], params={"q": "电梯", "area": city.WEST, **YEARS})
    assert page.status_code == 200


def test_open_cases_are_unsolved(city_engine, district):
    with session_factory(city_engine).begin() as session:
        fill(session, leaks(SEED)[:20], state="open")
    found = ask(district)
    assert sum(place["unsolved"] for place in found["listed"]) == found["reports"] == 20


def test_the_table_and_the_page_have_every_place(made, district):
    asked = {"q": "漏雨", "area": city.WEST, **YEARS, **SEASON}
    table = district.send("GET", PATHS[1], params=asked)
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert len(rows) == 1_076
    assert sum(int(row["诉求 reports"]) for row in rows) == 1_760
    assert sum(int(row["上季 before"]) for row in rows) == 992
    page = district.send("GET", PATHS[2], params={**asked, "dossiers": "5"})
    assert page.status_code == 200
    assert page.text.count('class="card dossier"') == 5
    assert page.text.count('<tr><td class="number">') == 1_076
    assert "前后对比" in page.text
    assert "-79.84 %" in page.text or "-79.94 %" in page.text or "-80.04 %" in page.text
    assert "http://" not in page.text.replace("http://www.w3.org/", "")


def test_the_command_finds_the_same(made, city_database, tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", city_database)
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(tmp_path))
    get_settings.cache_clear()
    words = ["recurring", "find", "屋顶渗水", "--area", city.WEST]
    words += ["--since", "2024-01-01", "--until", "2026-01-01"]
    page, table = tmp_path / "report.html", tmp_path / "places.csv"
    more = ["--json", "--page", str(page), "--csv", str(table)]
    ran = CliRunner().invoke(app, [*words, *more])
    shown = CliRunner().invoke(app, words)
    wrong = CliRunner().invoke(app, [*words[:4], "1101", "--json"])
    monkeypatch.undo()
    get_settings.cache_clear()
    assert ran.exception is None, ran.exception
    found = json.loads(ran.stdout)
    assert (found["reports"], found["places"]) == (1_760, 1_076)
    assert "专报" in page.read_text(encoding="utf-8")
    assert table.read_bytes().count(b"\r\n") == 1_077
    assert "1,760 reports, 1,076 places" in shown.stdout
    assert wrong.exit_code != 0
