"""What the service says when something is lost under it, and that nothing is half written."""

from __future__ import annotations

import datetime as dt
import errno
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import httpx
import pytest

from gridsvc.callers import Role
from gridsvc.registry.access.service import issue_token
from tests.scratch import server_folder
from tests.service import joint_city as city
from tests.service.conftest import TOKEN_KEY, Person, refusal, report, token_of
from tests.service.house import House
from tests.unit.cases.systems.evidence.photos import photo
from tests.waiting import GRIDSVC, Command, wait_until


@pytest.fixture
def small_disk(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A disk of so many megabytes."""
    folder = server_folder("gridsvc-test-")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={request.param}m,mode=755", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        folder.rmdir()
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
    folder.rmdir()


class Filler:
    """A file that takes all that is left on a disk."""

    def __init__(self, disk: Path) -> None:
        self._path = disk / "filler"

    def fill(self) -> None:
        with self._path.open("ab", buffering=0) as out:
            while _written(out):
                pass

    def remove(self) -> None:
        self._path.unlink()


def _written(out: IO[bytes]) -> bool:
    """Whether there was room for one page more."""
    try:
        return bool(out.write(bytes(4096)))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            return False
        raise


@pytest.mark.parametrize("small_disk", [2], indirect=True)
def test_a_photo_that_does_not_fit_on_the_disk_is_refused_and_leaves_nothing(
    small_disk, serve, city_session
):
    client = serve(evidence_store=str(small_disk))
    filed = Person(client, token_of(Role.CITIZEN)).report(-300)
    lead = Person(client, token_of(Role.STREET, city.LEAD))
    address = f"/v1/cases/{filed['case_id']}/evidence"
    jpeg = {"Content-Type": "image/jpeg"}
    filler = Filler(small_disk)
    filler.fill()
    problem = refusal(lead.send("POST", address, content=photo(), headers=jpeg), 507)
    assert problem["type"] == "urn:gridsvc:problem:storage-full"
    assert [one for one in small_disk.rglob("*") if one.is_file()] == [small_disk / "filler"]
    assert lead.get(address)["evidence"] == []
    trace = lead.get(f"/v1/cases/{filed['case_id']}/trace")["entries"]
    assert "evidence" not in [entry["action"] for entry in trace]
    filler.remove()
    assert lead.send("POST", address, content=photo(), headers=jpeg).status_code == 201


@pytest.mark.parametrize("small_disk", [360], indirect=True)
def test_a_full_disk_of_the_database_is_told_in_words_and_every_receipt_is_kept(small_disk):
    house = House(small_disk)
    filler = Filler(small_disk)
    with house.cluster:
        house.furnish()
        with house.client(min_free_bytes=1_000_000) as client:
            staff = Person(client, token_of(Role.DISTRICT, city.WEST))
            receipts = [staff.report(-300)["receipt"]]
            assert client.get("/readyz").status_code == 200
            filler.fill()
            refused = []
            while len(refused) < 3:
                answer = staff.send(
                    "POST", "/v1/reports", json=report(-300, description="x" * 4000)
                )
                if answer.status_code == 201:
                    receipts.append(answer.json()["receipt"])
                else:
                    refused.append(answer)
            for answer in refused:
                assert answer.status_code in (503, 507), answer.text
                refusal(answer, answer.status_code)
            assert refused[0].status_code == 507
            problem = refusal(client.get("/readyz"), 507)
            assert problem["type"] == "urn:gridsvc:problem:storage-full"
            place = city.beside_border(-300)
            assert client.get("/v1/locate", params=place).status_code == 200
            filler.remove()
            wait_until(
                lambda: staff.send("POST", "/v1/reports", json=report(-300)).status_code == 201
            )
            assert client.get("/readyz").status_code == 200
            for receipt in receipts:
                assert client.get(f"/v1/reports/{receipt}").status_code == 200
            desk = Person(client, token_of(Role.DISTRICT, city.WEST))
            for case in desk.get("/v1/cases")["cases"]:
                assert desk.get(f"/v1/cases/{case['id']}/trace/verify")["intact"] is True
    house.cluster.remove()


@pytest.fixture
def house() -> Iterator[House]:
    """A city in a service of its own, whose server is kept by this test."""
    house = House(server_folder("gridsvc-test-"))
    with house.cluster:
        house.furnish()
        yield house
    if (house.var / "pg").exists():
        house.cluster.remove()
    shutil.rmtree(house.var, ignore_errors=True)


def test_a_restart_of_postgresql_costs_at_most_the_requests_that_were_under_way(house):
    with house.client() as client:
        staff = Person(client, token_of(Role.DISTRICT, city.WEST))
        receipts = [staff.report(-300)["receipt"]]
        pid_file = house.cluster.status().home / "data" / "postmaster.pid"
        before = int(pid_file.read_text().split("\n")[0])
        os.kill(before, signal.SIGINT)

        def filed() -> bool:
            answer = staff.send("POST", "/v1/reports", json=report(-300))
            assert answer.status_code in (201, 503), answer.text
            if answer.status_code == 503:
                refusal(answer, 503)
                return False
            receipts.append(answer.json()["receipt"])
            return True

        wait_until(lambda: filed() and int(pid_file.read_text().split("\n")[0]) != before)
        assert client.get("/readyz").status_code == 200
        kept = house.ask("select value from receipt")
    assert set(kept) == set(receipts)


def _serve(house: House) -> Command:
    environment = {"GRIDSVC_VAR_DIR": str(house.var), "GRIDSVC_MIN_FREE_BYTES": "1000"}
    return Command([*GRIDSVC, "serve", "--port", "0"], environment=environment)


def _address(command: Command) -> str:
    return f"http://127.0.0.1:{command.says(r'http://127.0.0.1:([0-9]+)/map')[1]}"


def test_two_servers_on_one_folder_share_one_database_and_its_keys(house):
    servers = [_serve(house), _serve(house)]
    try:
        first, second = (_address(server) for server in servers)
        token = (house.var / "admin.token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        filed = httpx.post(f"{first}/v1/reports", json=report(-300), headers=headers, timeout=60)
        assert filed.status_code == 201, filed.text
        receipt = filed.json()["receipt"]
        servers[0].process.send_signal(signal.SIGKILL)
        servers[0].process.wait()
        assert httpx.get(f"{second}/readyz", timeout=60).status_code == 200
        seen = httpx.get(f"{second}/v1/reports/{receipt}", timeout=60)
        assert seen.status_code == 200
        again = httpx.post(f"{second}/v1/reports", json=report(-300), headers=headers, timeout=60)
        assert again.status_code == 201
    finally:
        for server in servers:
            server.kill()


def test_a_folder_that_was_deleted_is_told_by_readiness_while_the_process_lives():
    house = House(server_folder("gridsvc-test-"))
    with house.cluster:
        house.furnish()
        server = _serve(house)
        try:
            address = _address(server)
            assert httpx.get(f"{address}/readyz", timeout=60).status_code == 200
            shutil.rmtree(house.var, ignore_errors=True)
            shutil.rmtree(house.var, ignore_errors=True)
            answer = httpx.get(f"{address}/readyz", timeout=60)
            assert refusal(answer, 503)["type"] == "urn:gridsvc:problem:unavailable"
            assert httpx.get(f"{address}/healthz", timeout=60).status_code == 200
            place = city.beside_border(-300)
            asked = httpx.get(f"{address}/v1/locate", params=place, timeout=60)
            assert asked.status_code in (200, 503), asked.text
        finally:
            server.kill()
            house.cluster._using.close()
            house.cluster._using = None


def test_a_clock_that_was_set_back_leaves_traces_whole_and_ids_in_their_order(
    citizen, lead, monkeypatch
):
    first = citizen.report(-300)
    back = dt.timedelta(hours=3)
    monkeypatch.setattr("gridsvc.api.clock.utc_now", lambda: dt.datetime.now(dt.UTC) - back)
    second = citizen.report(-300)
    assert second["case_id"] == first["case_id"]
    assert second["id"] > first["id"]
    lead.post(f"/v1/cases/{first['case_id']}/steps", {"step": "handle", "note": "gone there"})
    assert lead.get(f"/v1/cases/{first['case_id']}/trace/verify")["intact"] is True
    entries = lead.get(f"/v1/cases/{first['case_id']}/trace")["entries"]
    assert [entry["n"] for entry in entries] == list(range(1, len(entries) + 1))


def test_a_token_from_the_future_is_refused_with_its_reason(client):
    token = issue_token(
        bytes.fromhex(TOKEN_KEY),
        role=Role.CITIZEN,
        valid_for=dt.timedelta(days=1),
        now=dt.datetime.now(dt.UTC) + dt.timedelta(hours=3),
    )
    problem = Person(client, token).refused("/v1/reports", report(-300), status=401)
    assert "clock" in problem["detail"]
