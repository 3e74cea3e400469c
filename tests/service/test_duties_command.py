"""``gridsvc import bodies``, ``import duties`` and ``duties gaps`` in the small city."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from gridsvc.cli.app import app
from gridsvc.settings import get_settings
from tests.service import joint_city as city

BODIES = "code,name,kind,area_code\n110102-NOISE,噪声办,department,110102\n"
DUTIES = (
    "body,area,kind,class_prefix,role,clause,valid_from,valid_to\n"
    "110102-NOISE,110102,event,06028,lead,clause 1,2020-01-01,\n"
    "110102-CGJ,110102020001,event,07,lead,clause 2,2020-01-01,2030-01-01\n"
)


@pytest.fixture
def run(city_database, tmp_path, monkeypatch):
    """The command against a copy of the city; gives its exit code and its JSON."""
    monkeypatch.setenv("DATABASE_URL", city_database)
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(tmp_path))
    get_settings.cache_clear()

    def call(*words):
        result = CliRunner().invoke(app, [*words, "--json"])
        return result.exit_code, json.loads(result.stdout) if result.stdout else result.exception

    yield call
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.fixture
def files(tmp_path):
    def write(text, name="list.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def gaps(run, *words):
    code, found = run("duties", "gaps", *words)
    assert code == 0
    assert (found["streets"], found["classes"]) in ((4, 403), (2, 403))
    return {(gap["street"], gap["kind"], gap["code"]): gap for gap in found["gaps"]}


@pytest.mark.system(9)
def test_every_class_in_every_street_resolves_or_is_listed(run, files):
    before = gaps(run)
    # Listed: 06001 by the streets, 0601x (06010 to 06019) by the departments; nothing else.
    assert len(before) == 4 * (403 - 11)
    assert (city.LEAD, "event", city.NOISE) in before
    assert (city.LEAD, "event", city.BUILDING) not in before
    assert run("import", "bodies", files(BODIES))[1]["loaded"] == 1
    assert run("import", "duties", files(DUTIES))[1]["loaded"] == 2
    after = gaps(run)
    gone = {("110102020", "06028"), ("110102007", "06028")}
    gone |= {(city.LEAD, code) for _, _, code in before if code.startswith("07")}
    assert {(s, c) for s, kind, c in before.keys() - after.keys() if kind == "event"} == gone
    assert len(gaps(run, "--district", city.EAST)) == 2 * (403 - 11)


def test_a_gap_that_a_case_fell_into_says_since_when(run, city_engine):
    with city_engine.begin() as connection:
        connection.execute(
            text(
                "insert into duty_gap values ('110102', '110102020', 'GB/T 47678.5-2026', 'event',"
                " '06028', '2026-11-01T00:00:00Z', gen_random_uuid())"
            )
        )
    assert gaps(run)[city.LEAD, "event", city.NOISE]["seen_at"].startswith("2026-11-01")


def test_a_list_that_is_imported_twice_is_there_once(run, files):
    run("import", "bodies", files(BODIES))
    assert run("import", "bodies", files(BODIES))[1] == {
        "rows": 1,
        "loaded": 0,
        "known": 1,
        "refused": [],
    }
    run("import", "duties", files(DUTIES))
    assert run("import", "duties", files(DUTIES))[1]["known"] == 2


def test_a_dry_run_keeps_nothing(run, files):
    assert run("import", "bodies", files(BODIES), "--dry-run")[1]["loaded"] == 1
    assert run("import", "bodies", files(BODIES))[1]["loaded"] == 1


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("nobody,110102,event,06,lead,c,2020-01-01,", "import the bodies first"),
        ("110102-CGJ,west,event,06,lead,c,2020-01-01,", "area"),
        ("110102-CGJ,110102,act,06,lead,c,2020-01-01,", "part or event"),
        ("110102-CGJ,110102,event,6x,lead,c,2020-01-01,", "class_prefix"),
        ("110102-CGJ,110102,event,06,boss,c,2020-01-01,", "lead or assist"),
        ("110102-CGJ,110102,event,06,lead,c,yesterday,", "write a day"),
        ("110102-CGJ,110102,event,06,lead,c,2020-01-01,2019-01-01", "after valid_from"),
        ("110102-CGJ,110102", "the line has 2 fields, the header 8"),
        ("110102-CGJ,110000,event,06,lead,c,2020-01-01,", "write 11 for all"),
        ("110102-CGJ,360702,event,06,lead,c,2020-01-01,", "import the areas first"),
        ("110102-CGJ,11010,event,06,lead,c,2020-01-01,", "write 1101 for all"),
        ("110102-CGJ,110102,event,99999,lead,c,2020-01-01,", "begins with '99999'"),
        ("110102-CGJ,110102,part,06010,lead,c,2020-01-01,", "no part class that begins"),
        ("110102-CGJ,110102020001,event,07,lead,again,2020-01-01,", "line 3 says the same"),
    ],
)
def test_one_bad_row_and_nothing_is_loaded(run, files, city_engine, row, says):
    run("import", "bodies", files(BODIES))
    code, told = run("import", "duties", files(f"{DUTIES}{row}\n"))
    assert (code, told["loaded"]) == (1, 0)
    assert [fault["line"] for fault in told["refused"]] == [4]
    assert says in told["refused"][0]["reason"]
    with city_engine.connect() as connection:
        count = connection.execute(text("select count(*) from duty where clause like 'clause%'"))
        assert count.scalar_one() == 0


@pytest.mark.parametrize("area", ["110000", "360702", "110102999", "110102020999"])
def test_a_body_of_an_area_that_nobody_imported_is_refused(run, files, area):
    code, told = run("import", "bodies", files(f"{BODIES}110102-X,某局,department,{area}\n"))
    assert (code, told["loaded"]) == (1, 0)
    assert [fault["line"] for fault in told["refused"]] == [3]
    assert run("import", "bodies", files(f"{BODIES}BJ-X,某局,city_unit,1101\n"))[1]["loaded"] == 2


def test_a_class_list_of_a_city_comes_beside_the_national_one(run, files):
    row = "110102-CGJ,110102,event,99001,lead,c,2020-01-01,,own 1\n"
    duties = files(DUTIES.splitlines()[0] + ",standard\n" + row, "duties.csv")
    assert "own 1 has no event class" in run("import", "duties", duties)[1]["refused"][0]["reason"]
    classes = files("kind,code,name,major\nevent,99001,自定类,其他\n")
    words = ("import", "classes", classes, "--standard", "own 1")
    assert run(*words, "--dry-run")[1] == {"standard": "own 1", "rows": 1, "kept": False}
    assert run("import", "duties", duties)[0] == 1
    assert run(*words)[1] == {"standard": "own 1", "rows": 1, "kept": True}
    assert run("import", "duties", duties)[1]["loaded"] == 1
    assert run("import", "classes")[1]["rows"] == 403


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n1,2\n",
        b"",
        "code,name,kind,area_code\n1,名,street,11\n".encode("gbk"),
        b"code,code,name,kind,area_code\n110102-A,110102-B,n,department,110102\n",
    ],
)
def test_a_file_that_is_no_such_list_is_refused(run, tmp_path, content):
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    code, error = run("import", "bodies", str(path))
    assert code == 1
    assert "list.csv" in str(error)


def test_the_telephone_of_an_office_is_kept_and_stays_where_a_later_list_has_none(
    run, files, city_session
):
    def telephone():
        city_session.rollback()
        return city_session.scalar(text("select telephone from body where code = '110102-NOISE'"))

    with_number = "code,name,kind,area_code,telephone\n110102-NOISE,噪声办,department,110102,{}\n"
    assert run("import", "bodies", files(with_number.format("010-63261234转8")))[0] == 0
    assert telephone() == "010-63261234转8"
    assert run("import", "bodies", files(BODIES))[0] == 0
    assert telephone() == "010-63261234转8"
    code, refused = run("import", "bodies", files(with_number.format("call us")))
    assert (code, refused["refused"][0]["line"]) == (1, 2)
    assert telephone() == "010-63261234转8"


def test_a_changed_list_is_asked_about_and_carried_out_by_command(run, files, city_session):
    def line(**where):
        asked = text("select * from duty where body_code = :body and class_prefix = :prefix")
        city_session.rollback()
        return city_session.execute(asked, where).one()

    old = line(body=f"{city.WEST}-CGJ", prefix="0601")
    changes = files(f"change,id,body,clause\nchange,{old.id},{city.WEST}-GZ,line 7\n", "new.csv")
    code, found = run("duties", "what-if", changes, "--area", city.WEST)
    assert (code, found["reports"], found["moves"]["count"]) == (0, 0, 0)
    assert line(body=f"{city.WEST}-CGJ", prefix="0601").valid_to is None
    code, changed = run("duties", "change", changes, "--reason", "revised")
    ended, begun = changed["duties"]
    assert (code, ended["id"], begun["replaces"]) == (0, str(old.id), str(old.id))
    assert (begun["body"], begun["clause"], begun["reason"]) == (
        f"{city.WEST}-GZ",
        "line 7",
        "revised",
    )
    code, ended = run("duties", "end", begun["id"], "--reason", "over", "--on", "2099-01-01")
    assert (code, ended["duties"][0]["valid_to"]) == (0, "2099-01-01")
    code, error = run("duties", "change", changes, "--reason", "again")
    assert code == 1
    assert "the line has ended" in str(error)
    acts = city_session.execute(text("select act, reason from audit_entry order by n")).all()
    assert ("change duty", "revised") in acts
    assert ("end duty", "over") in acts


def test_agreements_are_listed_changed_and_ended_by_command(run, city_engine, tmp_path):
    with Session(city_engine) as session, session.begin():
        city.agree(session, city.LEAD, "06010")
    (old,) = run("agreements", "list")[1]
    change = tmp_path / "change.json"
    change.write_text(json.dumps({"title": "another", "valid_from": "2099-01-01"}))
    words = ("agreements", "change", old["id"], str(change), "--reason", "revised")
    assert CliRunner().invoke(app, words).exit_code == 0
    every = {one["title"]: one for one in run("agreements", "list", "--ended")[1]}
    assert every["another"]["replaces"] == old["id"]
    assert every[old["title"]]["valid_to"] == every["another"]["valid_from"] == "2099-01-01"
    words = ("agreements", "end", every["another"]["id"], "--reason", "over")
    ended = CliRunner().invoke(app, words)
    assert (ended.exit_code, "2099-01-01" in ended.stdout) == (0, True)
