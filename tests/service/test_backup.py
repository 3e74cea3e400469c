"""``gridsvc db backup`` and ``restore``: all of it comes back, at any moment, after any crash."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gridsvc.callers import Role
from gridsvc.city.own import WORKING_DAYS, keep_table
from gridsvc.errors import BadFile, BadInput, Conflict, NotFound, Unavailable
from gridsvc.keeping.backup import copies, forget, move_log
from gridsvc.keeping.restore import restore
from gridsvc.keeping.sealed import Seal
from gridsvc.registry.access.keys import KeyRing
from gridsvc.settings import Settings
from tests.scratch import server_folder
from tests.service import joint_city as city
from tests.service.conftest import Person, token_of
from tests.service.house import CONTACT, FAST, MARKER, PASSPHRASE, House
from tests.unit.cases.systems.evidence.photos import photo
from tests.waiting import GRIDSVC, Command, wait_until


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """A city with a report that has a contact and a photo; the server runs."""
    house = House(server_folder("gridsvc-test-"))
    with house.cluster:
        house.furnish()
        filed = house.report()
        with house.client() as client:
            lead = Person(client, token_of(Role.STREET, city.LEAD))
            sent = lead.send(
                "POST",
                f"/v1/cases/{filed['case_id']}/evidence",
                content=photo(),
                headers={"Content-Type": "image/jpeg"},
            )
            assert sent.is_success
        yield house
    shutil.rmtree(house.var / "pg", ignore_errors=True)
    shutil.rmtree(house.var, ignore_errors=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backup"


@pytest.fixture
def empty() -> Iterator[House]:
    """Where there is nothing yet."""
    house = House(server_folder("gridsvc-test-"))
    yield house
    if (house.var / "pg").exists():
        house.cluster.remove()
    shutil.rmtree(house.var, ignore_errors=True)


def _restore(folder: Path, into: House, passphrase: str = PASSPHRASE, **more: Any) -> None:
    restore(folder, into.var, Seal(passphrase), options=FAST, **more)


def own_table_of(house: House, content: str) -> Path:
    """The calendar of the city, as 'gridsvc import calendar' keeps it."""
    table = house.var / WORKING_DAYS
    table.write_text(content, "utf-8")
    return keep_table(Settings(var_dir=house.var), WORKING_DAYS, table)


def test_a_restored_service_has_every_row_role_key_and_file(house, empty, folder):
    calendar = own_table_of(house, "date,kind,name\n2027-01-04,holiday,of the city\n")
    house.back_up(folder)
    before = house.tables()
    assert len(before) > 35
    _restore(folder, empty)
    assert (empty.var / "city" / WORKING_DAYS).read_bytes() == calendar.read_bytes()
    with empty.cluster:
        assert empty.tables() == before
        assert empty.ask("select rolname from pg_roles order by 1") == house.ask(
            "select rolname from pg_roles order by 1"
        )
        ring = KeyRing(empty.var / "keys", "reporter", None)
        assert ring.keys == KeyRing(house.var / "keys", "reporter", None).keys
        filed = empty.report("after the restore")
        with empty.client() as client:
            desk = Person(client, token_of(Role.DISTRICT, city.WEST))
            read = desk.post(f"/v1/reports/{filed['receipt']}/contact", {"reason": "trying"})
            assert read["phone"] == CONTACT["phone"]
            cases = desk.get("/v1/cases")["cases"]
            for case in cases:
                assert desk.get(f"/v1/cases/{case['id']}/trace/verify")["intact"] is True
    files = {p.name for p in (house.var / "evidence").glob("*/*")}
    assert {p.name for p in (empty.var / "evidence").glob("*/*")} == files != set()


def test_nothing_in_a_backup_can_be_read_without_its_passphrase(house, folder):
    house.back_up(folder)
    move_log(house.cluster, folder, Seal(PASSPHRASE))
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 4
    key = (house.var / "keys" / "reporter.key").read_bytes().strip()
    for path in files:
        content = path.read_bytes()
        for secret in (MARKER.encode(), b"5550199", key, photo()[:200]):
            assert secret not in content, path
        assert oct(path.stat().st_mode)[-3:] == "600"


def test_a_service_comes_back_as_it_was_at_a_moment_between_two_reports(house, empty, folder):
    house.back_up(folder)
    first = house.report("the first after the copy")["receipt"]
    between = house.ask("select clock_timestamp()")[0]
    second = house.report("the second after the copy")["receipt"]
    house.ask("select pg_switch_wal()")
    log = house.cluster.status().home / "wal"
    wait_until(lambda: any(not one.name.endswith(".new") for one in log.iterdir()))
    assert move_log(house.cluster, folder, Seal(PASSPHRASE)) >= 1
    _restore(folder, empty, at=between)
    with empty.cluster:
        receipts = empty.ask("select value from receipt")
    assert first in receipts
    assert second not in receipts


def test_a_moment_that_the_log_does_not_reach_is_refused(house, empty, folder):
    copied = house.back_up(folder)
    with pytest.raises(NotFound, match="no whole copy"):
        _restore(folder, empty, at=dt.datetime.fromisoformat(copied.began_at))
    with pytest.raises((BadInput, Unavailable)):
        _restore(folder, empty, at=dt.datetime.now(dt.UTC) + dt.timedelta(days=1))
    assert not (empty.var / "pg").exists()
    _restore(folder, empty)


def _command(house: House, *words: object, passphrase: Path) -> Command:
    environment = {
        "GRIDSVC_VAR_DIR": str(house.var),
        "GRIDSVC_BACKUP_PASSPHRASE_FILE": str(passphrase),
    }
    return Command([*GRIDSVC, *words], environment=environment)


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE + "\n")
    return path


def test_a_backup_that_is_killed_in_the_middle_is_none_and_the_next_is_whole(
    house, empty, folder, passphrase
):
    house.back_up(folder, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    dying = _command(house, "db", "backup", folder, passphrase=passphrase)
    wait_until(lambda: list(folder.glob(".partial-*/.base.sealed*")))
    dying.process.send_signal(signal.SIGKILL)
    dying.kill()
    assert [copy.name for copy in copies(folder)] == ["2026-01-01T00-00-00Z"]
    again = _command(house, "db", "backup", folder, passphrase=passphrase)
    status = again.wait()
    again.kill()
    assert status == 0, again.said
    assert len(copies(folder)) == 2
    assert not list(folder.glob(".partial-*"))
    _restore(folder, empty)


def test_a_restore_that_is_killed_in_the_middle_is_none_and_the_next_is_whole(
    house, empty, folder, passphrase
):
    house.back_up(folder)
    before = house.tables()
    dying = _command(empty, "db", "restore", folder, passphrase=passphrase)
    wait_until(lambda: (empty.var / ".restoring" / "pg").exists())
    dying.process.send_signal(signal.SIGKILL)
    dying.kill()
    assert not (empty.var / "pg").exists()
    again = _command(empty, "db", "restore", folder, passphrase=passphrase)
    status = again.wait()
    again.kill()
    assert status == 0, again.said
    assert not (empty.var / ".restoring").exists()
    with empty.cluster:
        assert empty.tables() == before


def test_a_restore_does_not_touch_a_service_that_is_there(house, folder):
    house.back_up(folder)
    with pytest.raises(Conflict, match="empty folder"):
        _restore(folder, house)


def test_another_passphrase_a_cut_and_a_changed_file_are_found(house, empty, folder):
    copied = house.back_up(folder)
    with pytest.raises(BadFile, match="passphrase"):
        _restore(folder, empty, passphrase="not the right one")
    base = folder / copied.name / "base.sealed"
    whole = base.read_bytes()
    for broken in (
        whole[:-5000],
        whole[: 2**20 + 60],
        whole[:5000] + b"x" + whole[5001:],
        b"",
        whole[:40],
    ):
        base.write_bytes(broken)
        with pytest.raises(BadFile):
            _restore(folder, empty)
        assert not (empty.var / "pg").exists()


def test_only_the_newest_copies_stay_with_the_evidence_that_they_name(house, empty, folder):
    for day in range(1, 5):
        house.back_up(folder, dt.datetime(2026, 1, day, tzinfo=dt.UTC))
    (folder / "evidence" / f"{'0' * 64}.sealed").write_bytes(b"")
    assert forget(folder, keep=2) == ["2026-01-01T00-00-00Z", "2026-01-02T00-00-00Z"]
    assert [copy.name for copy in copies(folder)] == [
        "2026-01-03T00-00-00Z",
        "2026-01-04T00-00-00Z",
    ]
    assert not (folder / "evidence" / f"{'0' * 64}.sealed").exists()
    _restore(folder, empty)


def test_doctor_tells_how_old_the_newest_copy_is(house, folder):
    def found():
        environment = {"GRIDSVC_VAR_DIR": str(house.var)}
        done = Command([*GRIDSVC, "doctor", "--json"], environment=environment)
        done.wait()
        done.kill()
        told = json.loads(done.answer)
        return next(one["state"] for one in told if one["subject"] == "backup")

    last = house.var / "backup.json"
    last.unlink(missing_ok=True)
    assert found() == "warning"
    house.back_up(folder)
    assert found() == "ok"
    old = dt.datetime.now(dt.UTC) - dt.timedelta(days=2, minutes=1)
    last.write_text(json.dumps(json.loads(last.read_text()) | {"ended_at": old.isoformat()}))
    assert found() == "fault"
