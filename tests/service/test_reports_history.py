"""``gridsvc import reports``: reports of earlier years, all rows or none, never twice."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from gridsvc.cli.app import app
from gridsvc.settings import get_settings
from tests.service import joint_city as city

pytestmark = pytest.mark.system(12)

HEAD = "reference,received_at,class,lon,lat,place_text,phone\n"
FIRST = "A-1,2008-03-05T09:30:00+08:00,06001,116.3165,39.885,长安里8号楼,010-5550001\n"
SECOND = "A-2,2011-07-01T08:00:00+08:00,06001,116.3085,39.885,長安里八號樓,010-5550002\n"


@pytest.fixture
def run(city_database, tmp_path, monkeypatch, index_folder):
    """The command on a copy of the city and a file of this text; gives exit code and JSON."""
    monkeypatch.setenv("DATABASE_URL", city_database)
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(index_folder))
    get_settings.cache_clear()

    def call(text, *words):
        path = tmp_path / "calls.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        result = CliRunner().invoke(app, ["import", "reports", str(path), "--json", *words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            return result.exit_code, result.exception
        return result.exit_code, json.loads(result.stdout.splitlines()[-1])

    yield call
    monkeypatch.undo()
    get_settings.cache_clear()


def test_earlier_reports_come_in_by_their_time_and_join_one_case(run, city_session):
    assert run(HEAD + SECOND + FIRST) == (
        0,
        {"rows": 2, "recorded": 2, "known": 0, "refused": []},
    )
    rows = city_session.execute(
        text("select created_at, joined, recorded_at > created_at as later, channel from report")
    ).all()
    assert sorted((row.created_at.year, row.joined, row.later, row.channel) for row in rows) == [
        (2008, False, True, "12345"),
        (2011, True, True, "12345"),
    ]
    sealed = city_session.scalars(text("select sealed from reporter")).all()
    assert len(sealed) == 2
    assert not any(b"5550" in bytes(one) for one in sealed)


def test_a_file_is_brought_in_again_without_doubling_anything(run, city_session):
    run(HEAD + FIRST)
    again = run(HEAD + FIRST + SECOND)
    assert again == (0, {"rows": 2, "recorded": 1, "known": 1, "refused": []})
    assert city.counts(city_session)["report"] == 2


def test_a_reference_that_says_otherwise_is_refused(run, city_session):
    run(HEAD + FIRST)
    code, found = run(HEAD + FIRST.replace("2008", "2009"))
    assert code == 1
    assert "with different content" in found["refused"][0]["reason"]
    assert city.counts(city_session)["report"] == 1


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (SECOND.replace("2011", "2999"), "future"),
        (SECOND.replace("+08:00", ""), "received_at is '2011-07-01T08:00:00'"),
        (SECOND.replace("2011-07-01T08:00:00+08:00", "July"), "received_at is 'July'"),
        (SECOND.replace("06001", "99999"), "99999"),
        (SECOND.replace("39.885", "nan"), "lat is 'nan'"),
        (SECOND.replace("116.3085", "10"), "none of the service's districts"),
        (SECOND.replace("A-2", "A-1"), "line 2 already has the reference A-1"),
        (SECOND.replace("A-2", ""), "reference is empty"),
        (SECOND.replace("長安里八號樓", "里" * 201), "place_text is longer than 200"),
        (SECOND.replace("八", "\0"), "place_text contains the character U+0000"),
        ("A-2,2011\n", "the line has 2 fields, the header"),
    ],
)
def test_one_bad_row_keeps_the_whole_file_out_and_is_told_with_its_line(
    run, city_session, row, said
):
    code, found = run(HEAD + FIRST + row)
    assert (code, found["recorded"]) == (1, 0)
    (refused,) = found["refused"]
    assert refused["line"] == 3
    assert said in refused["reason"]
    assert not any(city.counts(city_session).values())


def test_a_file_that_is_no_such_csv_is_refused(run):
    twice = "reference," + HEAD + "A-0," + FIRST
    for wrong in ("a,b\n1,2\n", "", "时间".encode("gb18030"), twice):
        code, error = run(wrong)
        assert code == 1
        assert "calls.csv" in str(error)


def test_a_dry_run_keeps_nothing(run, city_session):
    assert run(HEAD + FIRST, "--dry-run")[1]["recorded"] == 0
    assert not any(city.counts(city_session).values())
