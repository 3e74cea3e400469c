"""What is personal: contacts are read with a reason, everything is shown and erased on request."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from gridsvc.callers import Role
from gridsvc.db import create_engine
from gridsvc.db.roles import SERVICE_ROLE
from gridsvc.registry.access import audit
from tests.service import joint_city as city
from tests.service.conftest import Person, refusal, token_of

CONTACT = {"name": "王小明", "phone": "010-5550199"}
SAID = {"description": "Mrs Li of flat 402 shouts at night", "place_text": "葡萄园小区4号楼402"}
WHY = {"reason": "calling back about the closing"}


@pytest.fixture
def supervision(as_):
    return as_(Role.DISTRICT, city.WEST, subject="hotline desk 7")


@pytest.fixture
def filed(citizen):
    return citizen.report(-300, reporter=CONTACT, **SAID)


@pytest.fixture
def closed(filed, lead, supervision):
    steps = f"/v1/cases/{filed['case_id']}/steps"
    lead.post(steps, {"step": "handle", "note": "spoke with Mrs Li"})
    lead.post(steps, {"step": "feed_back", "note": "done"})
    for step in ("verify", "assess"):
        supervision.post(steps, {"step": step, "note": "seen", "evidence": {"score": 90}})
    return filed


def _audit(session):
    session.rollback()
    return list(session.scalars(text("select act from audit_entry order by n")))


def test_a_contact_is_read_by_supervision_and_the_reading_is_kept(filed, supervision, city_session):
    read = supervision.post(f"/v1/reports/{filed['receipt']}/contact", WHY)
    assert read == {"receipt": filed["receipt"], **CONTACT}
    kept = city_session.execute(text("select who, role, act, subject, reason from audit_entry"))
    assert kept.one() == (
        "hotline desk 7",
        "district",
        "read contact",
        filed["receipt"],
        WHY["reason"],
    )


def test_nobody_else_reads_a_contact_and_nobody_without_a_reason(
    filed, as_, citizen, lead, supervision, city_session, client
):
    path = f"/v1/reports/{filed['receipt']}/contact"
    others = (citizen, lead, as_(Role.DISTRICT, city.EAST), as_(Role.ANALYST, city.WEST))
    for nobody in (*others, as_(Role.GRID_WORKER, city.LEAD)):
        nobody.refused(path, WHY, status=403, type="not-allowed")
    refusal(client.post(path, json=WHY), 401)
    supervision.refused(path, {}, status=422)
    supervision.refused(path, {"reason": ""}, status=422)
    assert _audit(city_session) == []


def test_a_report_without_a_contact_says_so(citizen, supervision):
    filed = citizen.report(-300)
    supervision.refused(f"/v1/reports/{filed['id']}/contact", WHY, status=404, type="not-found")


@pytest.mark.parametrize(
    "change", ["who = 'nobody'", "reason = 'another'", "n = 9", "subject = 'x'"]
)
def test_a_reading_that_was_changed_in_the_audit_is_found(filed, supervision, city_session, change):
    for _ in range(3):
        supervision.post(f"/v1/reports/{filed['receipt']}/contact", WHY)
    assert audit.verify_audit(city_session).broken_at is None
    city_session.rollback()
    city_session.execute(text(f"update audit_entry set {change} where n = 2"))  # noqa: S608
    city_session.expire_all()
    assert audit.verify_audit(city_session).broken_at == 2


@pytest.mark.parametrize(
    "statement", ["update audit_entry set who = ''", "delete from audit_entry"]
)
def test_the_service_may_not_change_the_audit(city_database, statement):
    engine = create_engine(city_database, role=SERVICE_ROLE)
    with (
        engine.connect() as connection,
        pytest.raises(ProgrammingError, match="permission denied"),
    ):
        connection.execute(text(statement))
    engine.dispose()


def test_a_reporter_reads_everything_about_them_by_token_or_secret(
    filed, citizen, client, supervision
):
    path = f"/v1/reports/{filed['receipt']}/own"
    mine = citizen.post(path, {})
    assert mine["contact"] == CONTACT
    assert {name: mine[name] for name in SAID} == SAID
    by_secret = client.post(path, json={"secret": filed["secret"]})
    assert by_secret.json()["contact"] == CONTACT
    assert supervision.post(path, {})["contact"] == CONTACT


def test_nobody_else_reads_what_is_anothers_own(filed, client, lead, as_):
    path = f"/v1/reports/{filed['receipt']}/own"
    refusal(client.post(path, json={}), 403)
    refusal(client.post(path, json={"secret": "guessed"}), 403)
    stranger = Person(client, token_of(Role.CITIZEN))
    for nobody in (lead, stranger, as_(Role.DISTRICT, city.EAST)):
        nobody.refused(path, {}, status=403, type="not-allowed")
        nobody.refused(f"/v1/reports/{filed['receipt']}/erase", {"reason": "mine"}, status=403)


def _left(session, *markers):
    """The tables in which one of the markers is still found."""
    session.rollback()
    tables = session.scalars(
        text(
            "select relname from pg_class where relkind in ('r', 'p') and relnamespace ="
            " 'public'::regnamespace and not relispartition"
        )
    ).all()
    return {
        table
        for table in tables
        for marker in markers
        if session.scalar(
            text(f'select count(*) from "{table}" t where strpos(t::text, :m) > 0'),  # noqa: S608
            {"m": marker},
        )
    }


def test_what_is_erased_is_nowhere_and_the_trace_stays_whole(
    closed, citizen, lead, supervision, city_session, client
):
    callback = {"contacted": False, "valid": False, "reason": "Mrs Li was out"}
    supervision.post(f"/v1/reports/{closed['receipt']}/callbacks", callback, key="k1")
    markers = ("Mrs Li of flat", "4号楼402", "Mrs Li was out", "葡萄园")
    assert _left(city_session, *markers)
    trace = f"/v1/cases/{closed['case_id']}/trace"
    before = {entry["n"]: entry["hash"] for entry in lead.get(trace)["entries"]}
    citizen.post(f"/v1/reports/{closed['receipt']}/erase", {"reason": "I moved away"})
    assert _left(city_session, *markers) == set()
    after = {entry["n"]: entry["hash"] for entry in lead.get(trace)["entries"]}
    assert before.items() <= after.items()
    assert lead.get(f"{trace}/verify")["intact"] is True
    assert _audit(city_session).count("erase report") == 1  # among the readings of the trace
    supervision.refused(f"/v1/reports/{closed['receipt']}/contact", WHY, status=404)
    found = client.get(f"/v1/reports/{closed['receipt']}").json()
    assert found["case"]["state"] == "closed"
    assert supervision.post(f"/v1/reports/{closed['receipt']}/own", {})["erased_at"]


def test_an_open_case_keeps_its_words_and_gives_up_the_contact(filed, citizen, supervision, lead):
    erase = f"/v1/reports/{filed['receipt']}/erase"
    citizen.refused(erase, {"reason": "please"}, status=409, type="step-refused")
    citizen.post(erase, {"what": "contact", "reason": "do not call"})
    supervision.refused(f"/v1/reports/{filed['receipt']}/contact", WHY, status=404)
    shown = lead.get(f"/v1/cases/{filed['case_id']}")["reports"][0]
    assert shown["description"] == SAID["description"]


def test_words_of_a_trace_are_read_and_a_change_of_them_is_found(closed, lead, city_session):
    trace = f"/v1/cases/{closed['case_id']}/trace"
    handled = next(e for e in lead.get(trace)["entries"] if e["action"] == "handle")
    assert handled["content"]["note"] == "spoke with Mrs Li"
    assert handled["hashes"].keys() == {"note"}
    held = city_session.scalar(text("select content from trace where action = 'handle'"))
    assert "Mrs Li" not in str(held)
    city_session.execute(
        text("update trace set words = jsonb_set(words, '{said,note}', '\"x\"') where n = :n"),
        {"n": handled["n"]},
    )
    city_session.commit()
    found = lead.get(f"{trace}/verify")
    assert (found["intact"], found["broken_at"]) == (False, handled["n"])
    assert "words" in found["reason"]


def test_the_service_may_erase_words_of_a_trace_and_nothing_else(closed, city_database):
    engine = create_engine(city_database, role=SERVICE_ROLE)
    with engine.begin() as connection:
        assert connection.execute(text("update trace set words = null")).rowcount
    with (
        engine.connect() as connection,
        pytest.raises(ProgrammingError, match="permission denied"),
    ):
        connection.execute(text("update trace set content = '{}'"))
    engine.dispose()


def test_a_citizens_name_is_in_no_trace(as_, lead):
    named = as_(Role.CITIZEN, subject="wang.xiaoming")
    filed = named.report(-300)
    entries = lead.get(f"/v1/cases/{filed['case_id']}/trace")["entries"]
    assert not [entry for entry in entries if "xiaoming" in str(entry)]
