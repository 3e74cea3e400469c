"""The log of all traces: what was logged cannot be rewritten, by the database's owner neither, and
whoever holds a receipt proves it without us."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import random
import subprocess
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from psycopg2.errors import InsufficientPrivilege
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import ProgrammingError

from gridsvc.callers import Role
from gridsvc.cases.core.act import hashed_columns
from gridsvc.cases.core.models import Case, TraceEntry
from gridsvc.cases.log import merkle
from gridsvc.cases.log.checkpoint import read_notes
from gridsvc.cases.log.models import LogCheckpoint, LogLeaf
from gridsvc.cases.log.repository import chain_of_case
from gridsvc.cases.log.service import LogKey, leaf_text, write_log
from gridsvc.cases.log.verifying import log_faults, verify_against
from gridsvc.db import create_engine, session_factory
from gridsvc.db.chain import BEGINNING
from tests.service import joint_city as city
from tests.service.conftest import Person, token_of
from tests.waiting import GRIDSVC, Command, wait_until

SCRIPT = Path(__file__).parents[2] / "docs" / "check_receipt.py"
SECRET = "07" * 32
KEY = LogKey("city.example", bytes.fromhex(SECRET))
SETTINGS = {"log_key": SECRET, "log_origin": KEY.origin}
HOUR_S = 3600.0
AT_ONCE_S = 0.05


def now():
    return dt.datetime.now(dt.UTC)


def in_a_minute():
    return now() + dt.timedelta(minutes=1)


@pytest.fixture
def client(serve):
    """A service that leaves the log to the test."""
    return serve(log_every_s=HOUR_S, **SETTINGS)


@pytest.fixture
def sessions(city_engine):
    """Sessions of the database's owner, who may do everything."""
    return session_factory(city_engine)


@pytest.fixture
def filed(citizen, lead):
    """Reports of some cases, the first of which have more entries."""
    reports = [citizen.report(metres) for metres in (-1500, -900, -300, 300, 900, 1500)]
    for report in reports[:3]:
        steps = f"/v1/cases/{report['case_id']}/steps"
        lead.post(steps, {"step": "handle", "note": "gone there"})
        lead.post(steps, {"step": "feed_back", "note": "done"})
    return reports


@pytest.fixture
def kept(filed, sessions):
    """A checkpoint that somebody keeps outside, of all that was written until now.

    While the service looks at the editions it covers no more than until that began: then again.
    """
    while True:
        (checkpoint,) = read_notes(write_log(sessions, KEY, in_a_minute), KEY.public)
        if checkpoint.covers_until > now():
            return checkpoint
        with sessions.begin() as session:
            session.execute(text("truncate log_leaf, log_node, log_checkpoint"))


def faults(session, kept):
    found = list(log_faults(session, [kept]))
    found += [seen.reason for *_, seen in verify_against(session, [kept]) if not seen.intact]
    return found


# --- nobody rewrites it ------------------------------------------------------------------------


def test_what_nobody_touched_is_whole(kept, sessions):
    with sessions() as session:
        assert kept.size == 6
        assert faults(session, kept) == []


def test_what_goes_on_after_a_checkpoint_is_no_fault(filed, sessions, citizen, lead):
    (kept,) = read_notes(write_log(sessions, KEY, now), KEY.public)
    citizen.report(-900)
    citizen.report(-1200)
    with sessions() as session:
        assert faults(session, kept) == []
    (later,) = read_notes(write_log(sessions, KEY, now), KEY.public)
    assert later.size == kept.size + 2
    with sessions() as session:
        assert faults(session, kept) == faults(session, later) == []


class Forger:
    """The database's owner, who rewrites a trace and all that hangs on it, but has no key."""

    def __init__(self, session, seed):
        self.session, self.chance = session, random.Random(seed)
        # Foreign keys and triggers do not hold up an owner.
        session.execute(text("set local session_replication_role = replica"))
        self.cases = session.scalars(select(Case).order_by(Case.id)).all()
        self.case = self.chance.choice(self.cases)
        self.chained, self.logged = self.chance.random() < 0.7, self.chance.random() < 0.5

    def rows(self, case):
        entries = self.session.scalars(
            select(TraceEntry).where(TraceEntry.case_id == case.id).order_by(TraceEntry.n)
        )
        names = TraceEntry.__table__.columns.keys()
        return [{name: getattr(entry, name) for name in names} for entry in entries]

    def write(self, case, rows):
        """Put rows in the place of a trace; chained anew, and so the log, where that is done."""
        self.session.execute(delete(TraceEntry).where(TraceEntry.case_id == case.id))
        if self.chained:
            head = BEGINNING
            for n, row in enumerate(rows, 1):
                row |= {"n": n, "previous_hash": head}
                form = {"sort_keys": True, "ensure_ascii": False, "separators": (",", ":")}
                canonical = json.dumps(hashed_columns(TraceEntry(**row)), **form)
                row["hash"] = head = hashlib.sha256(canonical.encode()).hexdigest()
            self.session.execute(
                update(Case)
                .where(Case.id == case.id)
                .values(trace_entries=len(rows), trace_head=head)
            )
        if rows:
            self.session.execute(insert(TraceEntry), rows)
        if self.logged:
            self.relog(case, rows)

    def relog(self, case, rows):
        chain = chain_of_case(case.district_code, case.id)
        for leaf in self.session.scalars(select(LogLeaf).where(LogLeaf.chain == chain)):
            own = rows[leaf.first_entry - 1 :]
            if not own:
                self.session.delete(leaf)
                continue
            leaf.last_entry = leaf.first_entry + len(own) - 1
            leaf.entry_hashes = b"".join(bytes.fromhex(row["hash"]) for row in own)
            told = leaf_text(leaf.chain, leaf.first_entry, leaf.entry_hashes)
            leaf.hash = merkle.leaf_hash(told.encode())
        self.session.flush()

    def alter(self):
        rows = self.rows(self.case)
        row = self.chance.choice(rows)
        change = {
            "content": row["content"] | {"note": "never went"},
            "actor": "somebody else",
            "action": "close",
            "body_code": "110102007",
            "at": row["at"] - dt.timedelta(microseconds=1),
            "written_at": row["written_at"] + dt.timedelta(microseconds=1),
        }
        name = self.chance.choice(list(change))
        row[name] = change[name]
        self.write(self.case, rows)

    def delete(self):
        rows = self.rows(self.case)
        del rows[self.chance.randrange(len(rows))]
        self.write(self.case, rows)

    def cut(self):
        rows = self.rows(self.case)
        self.write(self.case, rows[: self.chance.randrange(len(rows))])

    def insert(self):
        rows = self.rows(self.case)
        at = self.chance.randrange(len(rows) + 1)
        copied = dict(self.chance.choice(rows), n=len(rows) + 1)
        rows.insert(at, copied)
        self.write(self.case, rows)

    def reorder(self):
        rows = self.rows(self.case)
        a, b = self.chance.sample(range(len(rows)), 2)
        rows[a], rows[b] = rows[b], rows[a]
        rows[a]["n"], rows[b]["n"] = rows[b]["n"], rows[a]["n"]
        self.write(self.case, rows)

    def exchange(self):
        other = self.chance.choice([case for case in self.cases if case is not self.case])
        ours, theirs = self.rows(self.case), self.rows(other)
        keys = ("district_code", "case_id")
        mine, his = [{key: rows[0][key] for key in keys} for rows in (ours, theirs)]
        ours[-1], theirs[-1] = (
            theirs[-1] | mine | {"n": len(ours)},
            ours[-1] | his | {"n": len(theirs)},
        )
        self.write(self.case, ours)
        self.write(other, theirs)

    def remove(self):
        self.write(self.case, [])
        self.session.execute(delete(Case).where(Case.id == self.case.id))

    def invent(self):
        """A case that never was, as old as the others."""
        names = Case.__table__.columns.keys()
        row = {name: getattr(self.case, name) for name in names} | {"id": uuid.uuid4()}
        self.session.execute(insert(Case), [row])
        self.chained = True
        made = self.session.scalars(select(Case).where(Case.id == row["id"])).one()
        self.write(made, [entry | {"case_id": made.id} for entry in self.rows(self.case)])

    def shorten(self):
        """The log itself, back to an earlier day."""
        last = self.session.scalars(select(LogLeaf).order_by(LogLeaf.n.desc())).first()
        self.session.delete(last)
        self.session.execute(delete(LogCheckpoint))


WAYS = ["alter", "delete", "cut", "insert", "reorder", "exchange", "remove", "invent", "shorten"]


def test_a_hundred_random_tamperings_by_the_owner_are_all_found(kept, sessions):
    missed = []
    for seed in range(100):
        with sessions() as session:  # rolled back at its end
            way = WAYS[seed % len(WAYS)]
            getattr(Forger(session, seed), way)()
            session.flush()
            session.expire_all()
            if not faults(session, kept):
                missed.append((seed, way))
    assert missed == []
    with sessions() as session:
        assert faults(session, kept) == []


def test_what_was_inserted_is_found_though_the_service_has_logged_it_since(kept, sessions):
    with sessions.begin() as session:
        Forger(session, 1).invent()
    (later,) = read_notes(write_log(sessions, KEY, in_a_minute, latecomers=True), KEY.public)
    assert later.size == kept.size + 1
    with sessions() as session:
        (fault,) = faults(session, kept)
    assert "before a checkpoint" in fault


@pytest.mark.parametrize("table", ["log_leaf", "log_node", "log_checkpoint"])
@pytest.mark.parametrize("change", ["delete from {}", "truncate {}", "update {} set {} = {}"])
def test_the_service_may_not_change_its_log(kept, service_database, table, change):
    column = "n" if table != "log_checkpoint" else "size"
    engine = create_engine(service_database)
    with engine.connect() as connection, pytest.raises(ProgrammingError) as refused:
        connection.execute(text(change.format(table, column, column)))
    assert isinstance(refused.value.orig, InsufficientPrivilege)
    engine.dispose()


# --- it is written -----------------------------------------------------------------------------


def test_several_that_write_at_once_leave_no_gap_and_log_nothing_twice(filed, sessions):
    failed = []

    def write():
        try:
            write_log(sessions, KEY, in_a_minute)
        except BaseException as error:  # handed to the test's own thread
            failed.append(error)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with sessions() as session:
        leaves = session.scalars(select(LogLeaf).order_by(LogLeaf.n)).all()
        assert [leaf.n for leaf in leaves] == list(range(6))
        assert len({leaf.chain for leaf in leaves}) == 6
        (checkpoint,) = session.scalars(select(LogCheckpoint))
        (made,) = read_notes(checkpoint.note, KEY.public)
        assert faults(session, made) == []


def test_what_is_still_being_written_is_logged_later(filed, sessions, city_engine, citizen):
    """A transaction that began before a checkpoint may end after it."""
    with city_engine.connect() as slow:
        began = slow.scalar(text("select now()"))
        (first,) = read_notes(write_log(sessions, KEY, in_a_minute), KEY.public)
        assert first.covers_until < began


def test_a_clock_that_was_set_back_keeps_nothing_out_of_the_log(kept, sessions, citizen):
    citizen.report(-1200)
    an_hour_ago = lambda: now() - dt.timedelta(hours=1)  # noqa: E731
    (made,) = read_notes(write_log(sessions, KEY, an_hour_ago), KEY.public)
    assert made.size == kept.size + 1


# --- others hold us to it ----------------------------------------------------------------------


@pytest.fixture
def writing(serve):
    """A service that writes the log at once."""
    return lambda **more: serve(log_every_s=AT_ONCE_S, **SETTINGS, **more)


def as_at(client, *who):
    return Person(client, token_of(*who))


def check(*words):
    ran = subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, words)], capture_output=True, text=True, check=False
    )
    return ran.returncode, ran.stdout + ran.stderr


def proof_of(person, receipt):
    """The proof of a receipt, as soon as there is one."""
    path = f"/v1/reports/{receipt}/proof"
    wait_until(lambda: person.get(path)["logged"])
    return person.get(path)


def test_a_receipt_that_is_too_young_says_when_it_is_proved(citizen):
    receipt = citizen.report(-300)["receipt"]
    told = citizen.client.get(f"/v1/reports/{receipt}/proof").json()
    assert (told["logged"], told["proof"]) == (False, None)
    until_due = dt.datetime.fromisoformat(told["due_at"]) - now()
    assert dt.timedelta(minutes=59) < until_due < dt.timedelta(minutes=61)


def test_whoever_holds_a_receipt_proves_it_without_us(writing, tmp_path):
    client = writing()
    citizen, lead = as_at(client, Role.CITIZEN), as_at(client, Role.STREET, city.LEAD)
    filed = citizen.report(-300)
    assert filed["proof"] == f"/v1/reports/{filed['receipt']}/proof"
    for metres in (-900, 900, 1500):
        citizen.report(metres)
    anonymous = client.get(filed["proof"])
    proof, found = tmp_path / "proof.json", proof_of(lead, filed["receipt"])
    assert anonymous.json()["entry"]["columns"] is None
    assert found["entry"]["columns"]["content"]["receipt"] == filed["receipt"]
    kept = tmp_path / "kept"
    kept.write_text(client.get("/v1/log/checkpoint").text)
    proof.write_text(json.dumps(found))
    code, said = check(proof, "--key", KEY.public)
    assert (code, filed["receipt"] in said) == (0, True), said

    citizen.report(-1200)
    young = citizen.report(1200)["receipt"]
    found = proof_of(lead, young)
    proof.write_text(json.dumps(found))
    size = kept.read_text().split("\n")[1]
    grown = f"/v1/log/consistency?first={size}&second={found['proof']['size']}"
    address = f"{client.base_url}{grown}".replace("//v1", "/v1")
    code, said = check(proof, "--kept", kept, "--consistency", address)
    assert code == 0, said


def _altered(found, where, value):
    at = found
    for name in where[:-1]:
        at = at[name]
    at[where[-1]] = value
    return found


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("entry", "hash"), "0" * 64),
        (("entry", "n"), 1),
        (("entry", "columns", "actor"), "somebody else"),
        (("receipt",), "AAAA-AAAA"),
        (("entry", "case_id"), str(uuid.UUID(int=0))),
        (("proof", "index"), 0),
        (("proof", "size"), 3),
        (("proof", "path", 0), "0" * 64),
        (("proof", "path"), []),
        (("proof", "public_key"), LogKey("city.example", b"\x08" * 32).public),
        (("logged",), False),
    ],
)
def test_the_script_finds_what_is_wrong_with_a_proof(kept, filed, lead, tmp_path, where, value):
    found = lead.get(f"/v1/reports/{filed[2]['receipt']}/proof")
    proof = tmp_path / "proof.json"
    proof.write_text(json.dumps(found))
    assert check(proof)[0] == 0
    proof.write_text(json.dumps(_altered(found, where, value)))
    code, said = check(proof)
    assert (code, "NOT PROVED" in said) == (1, True), said


def test_a_leaf_is_proved_by_its_number(kept, client):
    for leaf in range(kept.size):
        query = f"leaf={leaf}&size={kept.size}"
        assert len(client.get(f"/v1/log/inclusion?{query}").json()["path"]) in (2, 3)
    told = client.get("/v1/log").json()
    assert (told["public_key"], told["checkpoint"]["size"]) == (KEY.public, kept.size)
    (listed,) = client.get("/v1/log/checkpoints").json()["checkpoints"]
    assert listed == told["checkpoint"]
    assert client.get(f"/v1/log/checkpoints?after={kept.size}").json()["checkpoints"] == []


@pytest.mark.parametrize(
    "query",
    [
        "inclusion?leaf=6&size=6",
        "inclusion?leaf=0&size=7",
        "consistency?first=2&second=7",
        "consistency?first=3&second=2",
    ],
)
def test_what_the_log_does_not_have_is_refused(kept, citizen, query):
    problem = citizen.send("GET", f"/v1/log/{query}")
    assert problem.status_code == 422, problem.text


def test_a_moved_report_is_proved_where_it_was_filed(kept, filed, citizen, lead, as_, sessions):
    district = as_(Role.DISTRICT, city.WEST)
    moved = citizen.report(-300)
    split = {"reports": [moved["receipt"]], "reason": "another matter"}
    district.post(f"/v1/cases/{moved['case_id']}/split", split)
    write_log(sessions, KEY, in_a_minute, latecomers=True)
    found = citizen.client.get(f"/v1/reports/{moved['receipt']}/proof").json()
    assert (found["logged"], found["entry"]["case_id"]) == (True, moved["case_id"])


# --- outside -----------------------------------------------------------------------------------


def test_checkpoints_are_appended_to_a_file_outside(writing, tmp_path):
    outside = tmp_path / "checkpoints"
    citizen = as_at(writing(log_publish_to=str(outside)), Role.CITIZEN)
    for metres in (-300, 900):
        proof_of(citizen, citizen.report(metres)["receipt"])
    wait_until(lambda: outside.exists() and outside.read_text().count("— ") >= 2)
    sizes = [checkpoint.size for checkpoint in read_notes(outside.read_text(), KEY.public)]
    assert sizes == sorted(set(sizes))


def test_checkpoints_are_sent_to_an_address_and_again_when_it_answers(writing):
    sent, answers = [], [503, 200]

    class Witness(BaseHTTPRequestHandler):
        def do_POST(self):
            sent.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(answers[min(len(sent), 2) - 1])
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Witness) as witness:
        thread = threading.Thread(target=witness.serve_forever)
        thread.start()
        try:
            address = f"http://127.0.0.1:{witness.server_port}/checkpoints"
            citizen = as_at(writing(log_publish_to=address), Role.CITIZEN)
            citizen.report(-300)
            wait_until(lambda: len(sent) >= 2)
        finally:
            witness.shutdown()
            thread.join()
    assert sent[0] == sent[1]
    assert [one.size for one in read_notes(sent[1], KEY.public)] == [1]


def test_the_command_holds_the_traces_to_a_checkpoint(
    filed, service_database, city_engine, tmp_path
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

    code, made = run("checkpoint")
    assert code == 0, made.said
    kept = tmp_path / "kept"
    kept.write_text(made.answer)
    code, verified = run("verify", "--against", str(kept))
    assert (code, "nothing was changed" in verified.said) == (0, True), verified.said

    with session_factory(city_engine).begin() as session:
        forger = Forger(session, 3)
        forger.chained = forger.logged = True
        forger.alter()
    assert run("verify")[0] == 1, "the newest checkpoint is signed by a key that no owner has"
    with session_factory(city_engine).begin() as session:
        session.execute(delete(LogCheckpoint))
    code, verified = run("verify", "--against", str(kept), "--json")
    assert code == 1
    assert "was changed" in json.loads(verified.answer)["faults"][0]["fault"]
