"""The audit log in the log of all chains: nobody rewrites it, not even with its own chain."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from sqlalchemy import select, text

from gridsvc.callers import Role
from gridsvc.cases.log.checkpoint import read_notes
from gridsvc.cases.log.models import LogLeaf
from gridsvc.cases.log.service import LogKey, write_log
from gridsvc.cases.log.verifying import audit_faults
from gridsvc.db import session_factory
from gridsvc.db.chain import BEGINNING
from gridsvc.registry.access.audit import entry_hash, verify_audit
from gridsvc.registry.access.models import AuditEntry
from tests.waiting import GRIDSVC, Command

SECRET = "07" * 32
KEY = LogKey("city.example", bytes.fromhex(SECRET))


@pytest.fixture
def client(serve):
    """A service that leaves the log to the test."""
    return serve(log_every_s=3600.0, log_key=SECRET, log_origin=KEY.origin)


@pytest.fixture
def admin(as_):
    return as_(Role.ADMIN, subject="Li Na")


@pytest.fixture
def sessions(city_engine):
    """Sessions of the database's owner, who may do everything."""
    return session_factory(city_engine)


@pytest.fixture
def kept(admin, sessions):
    """A checkpoint that somebody keeps outside, of four entries and the fifth that came later."""
    read(admin, 4)
    write_log(sessions, KEY, in_a_minute)
    read(admin, 1)
    (checkpoint,) = read_notes(write_log(sessions, KEY, in_a_minute), KEY.public)
    return checkpoint


def in_a_minute():
    return dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)


def read(admin, times):
    for _ in range(times):
        admin.get("/v1/tokens")


def faults(sessions, kept):
    with sessions() as session:
        return list(audit_faults(session, [kept]))


def forge_chain(session):
    """What an owner does who knows how the chain is made."""
    previous = BEGINNING
    for n, entry in enumerate(session.scalars(select(AuditEntry).order_by(AuditEntry.n)).all(), 1):
        entry.n, entry.previous = n, previous
        previous = entry.hash = entry_hash(entry)
    session.flush()
    assert verify_audit(session).intact


def test_each_batch_of_entries_is_a_leaf_and_what_follows_is_no_fault(admin, sessions, kept):
    with sessions() as session:
        leaves = session.scalars(select(LogLeaf).where(LogLeaf.chain == "audit")).all()
    assert [(leaf.first_entry, leaf.last_entry) for leaf in leaves] == [(1, 4), (5, 5)]
    assert faults(sessions, kept) == []


FORGED = {
    "altered": "update audit_entry set who = 'nobody' where n = 2",
    "removed": "delete from audit_entry where n = 2",
    "the last removed": "delete from audit_entry where n = 5",
    "exchanged": "update audit_entry set at = at - interval '1 hour' where n = 3",
}


@pytest.mark.parametrize("how", FORGED)
def test_what_was_logged_cannot_be_rewritten_with_its_chain(sessions, kept, how):
    with sessions.begin() as session:
        session.execute(text(FORGED[how]))
        forge_chain(session)
    (fault,) = faults(sessions, kept)
    assert "not those that were logged" in fault


def test_an_entry_that_was_put_in_later_is_found(admin, sessions, kept):
    read(admin, 1)
    with sessions.begin() as session:
        session.execute(text("update audit_entry set at = at - interval '2 hours' where n = 6"))
        forge_chain(session)
    (fault,) = faults(sessions, kept)
    assert "entry 6" in fault


def test_the_commands_list_the_audit_log_and_hold_it_to_the_log(
    kept, sessions, service_database, tmp_path
):
    environment = {
        "DATABASE_URL": service_database,
        "GRIDSVC_VAR_DIR": str(tmp_path),
        "GRIDSVC_LOG_KEY": SECRET,
        "GRIDSVC_LOG_ORIGIN": KEY.origin,
    }

    def run(*words):
        command = Command([*GRIDSVC, "trace", *words], environment=environment)
        code = command.wait()
        command.kill()  # closes what it was spoken to by
        return code, command

    code, listed = run("audit", "--limit", "2", "--json")
    assert code == 0, listed.said
    entries = json.loads(listed.answer)
    assert [(one["n"], one["who"], one["act"]) for one in entries] == [
        (5, "Li Na", "GET /v1/tokens"),
        (4, "Li Na", "GET /v1/tokens"),
    ]
    assert run("verify")[0] == 0
    with sessions.begin() as session:
        session.execute(text(FORGED["altered"]))
        forge_chain(session)
    code, found = run("verify", "--json")
    assert code == 1
    assert "audit log" in json.loads(found.answer)["faults"][0]["fault"]
