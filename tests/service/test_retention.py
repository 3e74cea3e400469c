"""``gridsvc retention run``, ``personal``, ``keys rotate``: ended in time, found, sealed anew."""

from __future__ import annotations

import datetime as dt
import json
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from gridsvc.callers import Role
from gridsvc.cases.systems.evidence.store import FolderStore
from gridsvc.city.retention import load_periods
from gridsvc.cli.app import app
from gridsvc.db import create_engine, session_factory
from gridsvc.db.roles import SERVICE_ROLE
from gridsvc.errors import BadFile, Unavailable
from gridsvc.keeping.retention import run
from gridsvc.registry.access.keys import KeyRing, seal, secret_key, unseal
from gridsvc.settings import get_settings
from tests import cities
from tests.service import joint_city as city
from tests.unit.cases.systems.evidence.photos import photo

CONTACT = {"name": "王小明", "phone": "010-5550199"}
NOW = dt.datetime.now(dt.UTC)


@pytest.fixture
def close(lead, as_):
    """Report something with a contact, and close its case."""
    supervision = as_(Role.DISTRICT, city.WEST)

    def closed(citizen, north=-300.0, **more):
        filed = citizen.report(north, reporter=CONTACT, description="words of mine", **more)
        steps = f"/v1/cases/{filed['case_id']}/steps"
        lead.post(steps, {"step": "handle", "note": "spoke with them"})
        lead.post(steps, {"step": "feed_back", "note": "done"})
        for step in ("verify", "assess"):
            body = {"step": step, "note": "seen", "evidence": {"score": 90}}
            supervision.post(steps, body, key=f"{step} {filed['id']}")
        return filed

    return closed


@pytest.fixture
def retain(city_database, tmp_path):
    """One run so many days from now, with the rights of the service; gives what was ended."""
    engine = create_engine(city_database, role=SERVICE_ROLE)

    def ran(days, folder=None, store=tmp_path):
        return run(
            session_factory(engine),
            cities.city(procedures_dir=folder),
            FolderStore(store),
            now=NOW + dt.timedelta(days=days),
        )

    yield ran
    engine.dispose()


def _left(session):
    session.rollback()
    counts = {
        "contacts": "select count(*) from reporter",
        "words": "select count(*) from report where description <> ''",
        "trace": "select count(*) from trace where words is not null",
        "messages": "select count(*) from message",
    }
    return {name: session.scalar(text(query)) for name, query in counts.items()}


def test_each_kind_ends_when_its_time_is_over_and_the_trace_stays_whole(
    close, citizen, retain, city_session, lead
):
    filed = close(citizen)
    before = _left(city_session)
    assert all(before.values())
    assert not any(retain(20).values())
    assert _left(city_session) == before
    assert retain(181)["contact"] == 1
    assert _left(city_session) | {"contacts": 1} == before
    assert retain(366)["messages"] == before["messages"]
    assert retain(1096)["words"] == 1
    assert _left(city_session)["words"] == 0
    assert _left(city_session)["trace"] > 0
    assert retain(1826)["trace"] > 0
    assert not any(_left(city_session).values())
    assert not any(retain(1827).values())
    assert lead.get(f"/v1/cases/{filed['case_id']}/trace/verify")["intact"] is True


def test_why_time_was_asked_for_and_what_a_task_says_end_with_the_words_of_the_trace(
    close, citizen, retain, city_session, lead, as_
):
    filed = citizen.report(-300)
    path = f"/v1/cases/{filed['case_id']}"
    lead.post(f"{path}/extensions", {"reason": "Mrs Li is in hospital."})
    at = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)).isoformat()
    revisit = {"kind": "revisit", "case_id": filed["case_id"], "limit_at": at, "note": "Ask Li."}
    as_(Role.DISTRICT, city.WEST).post("/v1/tasks", revisit)
    city_session.execute(text("update case_file set state = 'closed', closed_at = now()"))
    city_session.commit()

    def said() -> str:
        asked = lead.get(path)["extensions_asked"][0]["reason"]
        city_session.rollback()
        return asked + city_session.scalar(text("select note from task"))

    assert said() == "Mrs Li is in hospital.Ask Li."
    retain(1825)  # the report's words have ended, the trace's have not
    assert said() == "Mrs Li is in hospital.erased"
    retain(1827)
    assert said() == ""


def test_what_belongs_to_an_open_case_is_kept(citizen, retain, city_session):
    citizen.report(-300, reporter=CONTACT)
    ended = retain(30_000)
    assert (ended["contact"], ended["words"]) == (0, 0)
    assert _left(city_session)["contacts"] == 1


def test_a_class_of_its_own_period_ends_by_the_longest_beginning_of_its_code(
    close, citizen, retain, city_session, tmp_path
):
    close(citizen)
    lines = ["kind,class,days,source", "contact,06,10,", f"contact,{city.BUILDING},400,"]
    lines += [f"{kind},,5000," for kind in ("contact", "words", "trace", "photos", "messages")]
    (tmp_path / "retention.csv").write_text("\n".join(lines))
    retain(399, tmp_path)
    assert _left(city_session)["contacts"] == 1
    assert retain(401, tmp_path)["contact"] == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("dreams,,3,", "kind is 'dreams'"),
        ("contact,abc,3,", "class is 'abc'"),
        ("messages,06,3,", "belongs to no case"),
        ("contact,06,soon,", "days is 'soon'"),
        ("contact,06,-1,", "days is '-1'"),
    ],
)
def test_a_table_of_periods_that_is_wrong_is_refused_with_its_line(tmp_path, line, said):
    path = tmp_path / "retention.csv"
    path.write_text(f"kind,class,days,source\n{line}\n")
    with pytest.raises(BadFile, match=f"line 2: .*{said}"):
        load_periods(lambda _: path)


def test_a_table_of_periods_without_a_kind_is_refused(tmp_path):
    path = tmp_path / "retention.csv"
    path.write_text("kind,class,days,source\ncontact,,3,\n")
    with pytest.raises(BadFile, match="'words' of every class is missing"):
        load_periods(lambda _: path)


def test_originals_of_photos_end_and_what_is_published_stays(
    citizen, lead, close, serve, retain, city_session, index_folder, as_
):
    filed = citizen.report(-300)
    given = lead.send(
        "POST",
        f"/v1/cases/{filed['case_id']}/evidence",
        content=photo(),
        headers={"Content-Type": "image/jpeg"},
    ).json()
    store = index_folder / "evidence"
    city_session.execute(text("update case_file set state = 'closed', closed_at = now()"))
    city_session.commit()
    path = store / given["sha256"][:2] / given["sha256"]
    assert path.exists()
    assert retain(1096, store=store)["photos"] == 1
    assert not path.exists()
    seen = f"/v1/cases/{filed['case_id']}/evidence/{given['id']}"
    assert lead.send("GET", seen).is_success
    gone = as_(Role.DISTRICT, city.WEST).send("GET", seen, params={"original": True})
    assert gone.status_code == 404


@pytest.fixture
def command(city_database, index_folder, tmp_path, monkeypatch):
    """A command on a copy of the city, with the log's key and others of its own; gives output."""
    # A checkpoint that the service has signed meanwhile is held to its key.
    log_key = secret_key(index_folder / "keys", "log", None)
    monkeypatch.setenv("GRIDSVC_LOG_KEY", log_key.hex())
    monkeypatch.setenv("DATABASE_URL", city_database)
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(tmp_path))
    get_settings.cache_clear()

    def call(*words):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.stdout

    yield call
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.fixture
def ring(tmp_path):
    return KeyRing(tmp_path / "keys", "reporter", None)


def _seal_all(session, key):
    session.rollback()
    session.execute(text("update reporter set sealed = :s"), {"s": seal(key, CONTACT)})
    session.commit()


def test_a_person_is_found_by_the_number_they_gave_and_erased(
    citizen, close, command, ring, city_session
):
    filed = close(citizen)
    _seal_all(city_session, ring.current)
    why = ("--reason", "letter of 2 March, identity card seen")
    for number in ("0105550199", "+86 010 5550199", "86-010-5550199"):
        shown = json.loads(command("personal", "show", "--phone", number, *why))
        assert (shown["receipt"], shown["contact"]) == (filed["receipt"], CONTACT)
    command("personal", "erase", "--receipt", filed["receipt"], *why)
    left = _left(city_session)
    assert (left["contacts"], left["words"]) == (0, 0)
    acts = city_session.scalars(text("select act from audit_entry order by n")).all()
    assert acts == ["read own data"] * 3 + ["erase report"]


def test_a_new_key_seals_every_contact_and_the_old_one_is_forgotten(
    citizen, command, ring, city_session, tmp_path
):
    for north in (-300, -900):
        citizen.report(north, reporter=CONTACT)
    old = ring.current
    _seal_all(city_session, old)
    command("keys", "rotate")
    assert ring.keys == (ring.current,)
    assert ring.current != old
    assert oct((tmp_path / "keys" / "reporter.key").stat().st_mode)[-3:] == "600"
    city_session.rollback()
    for sealed in city_session.scalars(text("select sealed from reporter")):
        assert unseal(ring.current, bytes(sealed)) == CONTACT


def test_a_rotation_that_was_killed_goes_on_where_it_was(citizen, command, ring, city_session):
    citizen.report(-300, reporter=CONTACT)
    _seal_all(city_session, ring.current)
    ring.begin_rotation()
    new, old = ring.keys
    assert KeyRing(Path(ring._path).parent, "reporter", None).keys == (new, old)
    command("keys", "rotate")
    assert ring.keys == (new,)
    city_session.rollback()
    sealed = city_session.scalar(text("select sealed from reporter"))
    assert unseal(new, bytes(sealed)) == CONTACT


def test_a_report_that_was_being_filed_with_the_old_key_is_sealed_anew(
    citizen, command, ring, city_session, city_engine
):
    citizen.report(-300, reporter=CONTACT)
    old = ring.current
    with city_engine.begin() as filing:
        filing.execute(text("update reporter set sealed = :s"), {"s": seal(old, CONTACT)})
        rotation = threading.Thread(target=command, args=("keys", "rotate"))
        rotation.start()
        while len(ring.keys) == 1:
            assert rotation.is_alive()
        assert old in ring.keys
    rotation.join()
    sealed = city_session.scalar(text("select sealed from reporter"))
    assert unseal(ring.current, bytes(sealed)) == CONTACT
    assert old not in ring.keys


def test_words_of_a_report_that_were_changed_are_found_and_erased_ones_are_no_fault(
    citizen, close, command, city_session, tmp_path
):
    filed = close(citizen)
    assert json.loads(command("trace", "verify", "--json"))["intact"] is True
    city_session.execute(text("update report set description = 'praise'"))
    city_session.commit()
    found = CliRunner().invoke(app, ["trace", "verify", "--json"])
    assert found.exit_code == 1
    assert filed["receipt"] in json.loads(found.stdout)["faults"][0]["fault"]
    command("personal", "erase", "--receipt", filed["receipt"], "--reason", "asked for it")
    assert json.loads(command("trace", "verify", "--json"))["intact"] is True


def test_a_key_that_is_gone_is_not_made_anew_under_a_service_that_knows_it(ring, tmp_path):
    assert ring.current
    (tmp_path / "keys" / "reporter.key").unlink()
    with pytest.raises(Unavailable, match="restore it"):
        _ = ring.current
