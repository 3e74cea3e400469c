"""Photos of a case: given, shown without their metadata, and checked against their hashes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from gridsvc.callers import Role
from gridsvc.cases.systems.evidence.store import BucketStore, FolderStore, store_of
from gridsvc.errors import BadInput, NotFound, Unavailable
from gridsvc.settings import Settings
from tests.service import joint_city as city
from tests.service.conftest import refusal
from tests.unit.cases.systems.evidence.photos import TELEPHONE, photo

JPEG = {"Content-Type": "image/jpeg"}
ON_THE_SPOT = (city.BORDER_LON - 300 / city.LON_M, city.MIDDLE_LAT - 555.0 / city.LAT_M)


@pytest.fixture
def case_id(lead):
    return lead.report(-300)["case_id"]


def give(person, case_id, raw, **more):
    return person.send("POST", f"/v1/cases/{case_id}/evidence", content=raw, headers=JPEG, **more)


def test_a_photo_is_kept_with_its_place_and_shown_without(lead, as_, case_id):
    raw = photo(place=ON_THE_SPOT)
    answer = give(lead, case_id, raw)
    assert answer.status_code == 201, answer.text
    kept = answer.json()
    assert kept["sha256"] == hashlib.sha256(raw).hexdigest()
    assert kept["metres_off"] < 1.0
    assert kept["taken_at"].startswith("2026-11-20")
    assert kept["point"] is None  # a street office need not know where somebody stood

    address = f"/v1/cases/{case_id}/evidence/{kept['id']}"
    shown = lead.send("GET", address)
    assert shown.headers["content-type"] == "image/jpeg"
    assert hashlib.sha256(shown.content).hexdigest() == kept["published_sha256"]
    assert TELEPHONE.encode() not in shown.content

    refusal(lead.send("GET", address, params={"original": True}), 403)
    chief = as_(Role.DISTRICT, city.WEST)
    assert chief.send("GET", address, params={"original": True}).content == raw
    listed = chief.get(f"/v1/cases/{case_id}/evidence")["evidence"]
    assert [one["id"] for one in listed] == [kept["id"]]
    assert listed[0]["point"]["coordinates"] == pytest.approx(ON_THE_SPOT, abs=1e-6)


def test_the_trace_names_the_photo_and_its_hash(lead, case_id):
    kept = give(lead, case_id, photo()).json()
    entry = lead.get(f"/v1/cases/{case_id}/trace")["entries"][-1]
    assert entry["action"] == "evidence"
    assert entry["content"]["sha256"] == kept["sha256"]
    assert lead.get(f"/v1/cases/{case_id}/trace/verify")["intact"]


def test_the_same_photo_twice_is_one(lead, case_id):
    first, second = (give(lead, case_id, photo()).json() for _ in range(2))
    assert first["id"] == second["id"]
    trace = lead.get(f"/v1/cases/{case_id}/trace")["entries"]
    assert [entry["action"] for entry in trace].count("evidence") == 1


def test_a_step_may_carry_photos_of_its_case_and_no_others(lead, case_id):
    mine = give(lead, case_id, photo()).json()["id"]
    elsewhere = lead.report(-300, **{"class": city.NOISE})["case_id"]
    foreign = give(lead, elsewhere, photo()).json()["id"]
    steps = f"/v1/cases/{case_id}/steps"
    for wrong in (foreign, "photo.jpg", [mine, foreign], []):
        step = {"step": "handle", "note": "pulled down", "evidence": {"photos": wrong}}
        problem = lead.refused(steps, step, status=422)
        assert problem["field"] == "evidence.photos"
    step = {"step": "handle", "note": "pulled down", "evidence": {"photos": [mine]}}
    assert lead.post(steps, step)["step"] == "feed_back"


def test_what_is_no_photo_leaves_nothing_behind(serve, lead, case_id, city_session):
    before = lead.get(f"/v1/cases/{case_id}/trace")
    refusal(give(lead, case_id, b"%PDF-1.7 minutes"), 422)
    refusal(give(lead, case_id, b""), 422)
    refusal(give(lead, case_id, b"\0" * 100_000_000), 413)
    refusal(give(lead, case_id, photo() + b"\0" * 8_000_000), 413)
    refusal(give(lead, "00000000-0000-7000-8000-000000000000", photo()), 404)
    assert lead.get(f"/v1/cases/{case_id}/trace") == before
    assert city_session.scalar(text("select count(*) from evidence")) == 0


def test_only_who_may_see_the_case_gives_and_sees_photos(lead, as_, citizen, case_id):
    kept = give(lead, case_id, photo()).json()
    stranger = as_(Role.STREET, city.OTHER_NORTH)
    for somebody in (stranger, citizen):
        refusal(give(somebody, case_id, photo()), 403)
        refusal(somebody.send("GET", f"/v1/cases/{case_id}/evidence/{kept['id']}"), 403)
    refusal(give(as_(Role.ANALYST), case_id, photo()), 403)


def test_verify_looks_through_every_trace_and_every_photo(
    lead, case_id, city_database, city_engine, index_folder
):
    kept = give(lead, case_id, photo()).json()
    lead.report(-300, **{"class": city.NOISE})
    code, found = verified(city_database, index_folder)
    assert code == 0
    assert found["intact"]
    assert (found["cases"], found["photos"]) == (2, 1)
    assert found["entries"] >= 4

    path = index_folder / "evidence" / kept["sha256"][:2] / kept["sha256"]
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"\0")
    with city_engine.begin() as connection:
        connection.execute(
            text("update trace set actor = 'nobody' where case_id = :case and n = 1"),
            {"case": case_id},
        )
    code, found = verified(city_database, index_folder)
    path.write_bytes(whole)
    assert code == 1
    assert [(fault["case_id"], fault["fault"]) for fault in found["faults"]] == [
        (case_id, "entry 1: its content was changed after it was written"),
        (case_id, f"photo {kept['id']}: its file was changed"),
    ]


def test_entries_whose_case_file_is_gone_are_found(
    lead, case_id, city_database, city_engine, index_folder
):
    with city_engine.begin() as connection:
        for table in ("report_placement", "reporter", "receipt", "report"):
            connection.execute(text(f"delete from {table}"))  # noqa: S608 - names of ours
        connection.execute(text("delete from case_file"))
    code, found = verified(city_database, index_folder)
    assert code == 1
    assert found["faults"][0]["case_id"] == case_id
    assert "gone" in found["faults"][0]["fault"]


def verified(database: str, var: Path):
    command = "from gridsvc.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", command, "trace", "verify", "--json"],
        env={**os.environ, "DATABASE_URL": database, "GRIDSVC_VAR_DIR": str(var)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_folder_keeps_files_under_their_hash(tmp_path):
    store = FolderStore(tmp_path / "evidence")
    name = store.put(b"a photo")
    assert name == store.put(b"a photo") == hashlib.sha256(b"a photo").hexdigest()
    assert store.get(name) == b"a photo"
    assert sum(path.is_file() for path in tmp_path.rglob("*")) == 1
    with pytest.raises(NotFound, match="not in the evidence store"):
        store.get("0" * 64)


@pytest.fixture
def bucket(monkeypatch):
    """A server that speaks as S3 does, on this machine."""
    why = "moto plays S3: pip install 'gridsvc[s3]' 'moto[s3,server]' to run this"
    boto3 = pytest.importorskip("boto3", reason=why)
    moto = pytest.importorskip("moto.server", reason=why)
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    boto3.client("s3").create_bucket(Bucket="evidence")
    yield boto3.client("s3")
    server.stop()


def test_a_bucket_does_too(bucket, tmp_path):
    store = store_of(Settings(var_dir=tmp_path, evidence_store="s3://evidence/west/"))
    assert isinstance(store, BucketStore)
    name = store.put(b"a photo")
    assert store.get(name) == b"a photo"
    kept = bucket.list_objects_v2(Bucket="evidence")["Contents"]
    assert [one["Key"] for one in kept] == [f"west/{name}"]
    with pytest.raises(NotFound):
        store.get("0" * 64)
    with pytest.raises(Unavailable, match="nothing was kept"):
        store_of(Settings(var_dir=tmp_path, evidence_store="s3://elsewhere")).put(b"a photo")
    with pytest.raises(BadInput, match="name a bucket"):
        store_of(Settings(var_dir=tmp_path, evidence_store="s3://"))
