"""Markers are planted in every field of a report, and looked for wherever others can look."""

from __future__ import annotations

import json
import math
import re
import signal
import uuid

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gridsvc.callers import Role
from gridsvc.faults import told
from tests.service import joint_city as city
from tests.service import messages_world as world
from tests.service.conftest import (
    REPORTER_KEY,
    TOKEN_KEY,
    Person,
    report,
    token_of,
)
from tests.waiting import GRIDSVC, Command

#: What a report has, and what staff write about it.
FIELDS = ("said", "place", "name", "tel", "minutes")
#: One for each field, in letters that no encoding changes.
MARKERS = {field: f"MARK{field}{uuid.uuid4().hex}" for field in FIELDS}
PERSONAL = {
    "description": f"words {MARKERS['said']} of a reporter",
    "place_text": f"{MARKERS['place']} 4号楼",
    "reporter": {"name": MARKERS["name"], "phone": MARKERS["tel"][:40]},
}
_FOUND = re.compile("|".join([m[:40] for m in MARKERS.values()]), re.IGNORECASE)


def found_in(what: str | bytes) -> list[str]:
    return _FOUND.findall(what if isinstance(what, str) else what.decode("utf-8", "replace"))


@pytest.fixture
def filed(citizen, lead):
    """A joint case with markers in its report and in what staff wrote about it."""
    made = citizen.report(footprint=city.astride(), **PERSONAL)
    minutes = {"minutes": f"{MARKERS['minutes']} lives there"}
    steps = f"/v1/cases/{made['case_id']}/steps"
    lead.post(steps, {"step": "receiving_meeting", "evidence": minutes})
    return made


def _paths(client, filed, whistle):
    """Every address that is read, with the names that this case fills it with."""
    values = {
        "name": filed["receipt"],
        "case_id": filed["case_id"],
        "whistle_id": whistle,
        "body": city.LEAD,
        "code": city.LEAD,
        "district": city.WEST,
        "layer": "joint_cases",
    }
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        if "get" not in operations or path.endswith("/events"):
            continue
        for name in re.findall(r"\{(\w+)\}", path):
            path = path.replace("{" + name + "}", str(values.get(name, uuid.UUID(int=0))))
        yield path


def test_nobody_but_the_staff_of_a_case_reads_what_its_reporter_wrote(
    filed, client, as_, citizen, lead
):
    whistle = filed["joint_whistle_id"]
    paths = list(_paths(client, filed, whistle))
    assert f"/v1/reports/{filed['receipt']}" in paths
    strangers = [
        Person(client, token_of(Role.CITIZEN)),
        as_(Role.STREET, "110101001"),
        as_(Role.DISTRICT, "110101"),
        as_(Role.DEPARTMENT, "110101", "110101-CGJ"),
        as_(Role.ANALYST, ""),
    ]
    seen = 0
    for path in paths:
        answers = [client.get(path), *(one.send("GET", path) for one in (*strangers, citizen))]
        seen += any(answer.is_success for answer in answers)
        for answer in answers:
            assert not found_in(answer.content), path
    assert seen > 20
    assert found_in(lead.send("GET", f"/v1/cases/{filed['case_id']}").content)


def test_no_tile_and_no_export_has_what_a_reporter_wrote(filed, client):
    place = city.beside_border(0)
    for z in range(8, 17):
        x = int((place["lon"] + 180) / 360 * 2**z)
        lat = math.radians(place["lat"])
        y = int((1 - math.asinh(math.tan(lat)) / math.pi) / 2 * 2**z)
        for layer in ("whistles", "disputes", "unit_grids", "streets"):
            assert not found_in(client.get(f"/tiles/{layer}/{z}/{x}/{y}.mvt").content)
    for layer in ("joint_cases", "disputes", "parts"):
        answer = client.get(f"/exports/{layer}.geojson")
        assert answer.is_success
        assert not found_in(answer.content)


def test_no_webhook_and_no_inbox_is_sent_what_a_reporter_wrote(
    citizen, lead, city_session, city_database, index_folder
):
    with world.Receiver() as receiver:
        city_session.execute(text("update body set webhook_url = :u"), {"u": receiver.url("w")})
        city_session.commit()
        filed = citizen.report(footprint=city.astride(), **PERSONAL)
        citizen.report(footprint=city.astride(), **PERSONAL)
        worker = Command(
            [*GRIDSVC, "worker", "--once"],
            environment={
                "DATABASE_URL": city_database,
                "GRIDSVC_VAR_DIR": str(index_folder),
                "NO_PROXY": "127.0.0.1",
            },
        )
        status = worker.wait()
        worker.kill()
        assert status == 0, worker.said
        assert len(receiver.requests) >= 3
        for request in receiver.requests:
            assert not found_in(request.body)
            assert not found_in(str(request.headers))
    assert not found_in(json.dumps(lead.get(f"/v1/bodies/{city.LEAD}/inbox")))
    assert not found_in(worker.said)
    trace = lead.get(f"/v1/cases/{filed['case_id']}/trace")
    assert not found_in(json.dumps(trace, ensure_ascii=False))


@pytest.fixture
def service(city_database, index_folder):
    """The service as a process of its own, and what it logs."""
    command = Command(
        [*GRIDSVC, "serve", "--port", "0"],
        environment={
            "DATABASE_URL": city_database,
            "GRIDSVC_VAR_DIR": str(index_folder),
            "GRIDSVC_TOKEN_KEY": TOKEN_KEY,
            "GRIDSVC_REPORTER_KEY": REPORTER_KEY,
        },
    )
    yield command
    command.kill()


#: Each makes the database refuse the row, in words that quote it.
BREAKS = {
    "a constraint": "alter table report add constraint c check (description = '') not valid",
    "a column": "alter table report add column more text not null default null",
    "a short text": "alter table report alter column place_text type varchar(5) using 'x'",
    "a unique text": "create unique index u on report (left(description, 9))",
    "a cast": "create index i on report ((cast(description as int)))",
}


@pytest.mark.parametrize("broken", BREAKS)
def test_no_log_and_no_answer_quotes_a_report_that_the_database_refused(
    service, city_session, cluster, broken
):
    port = service.says(r"http://127\.0\.0\.1:(\d+)/map")[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        citizen = Person(client, token_of(Role.CITIZEN))
        if broken == "a unique text":
            assert citizen.send("POST", "/v1/reports", json=report(-300, **PERSONAL)).is_success
        city_session.execute(text(BREAKS[broken]))
        city_session.commit()
        answer = citizen.send("POST", "/v1/reports", json=report(-300, **PERSONAL))
        assert answer.status_code == 500
        assert not found_in(answer.content)
        service.says(r"psycopg2\.errors\.\w+: \w{5}")
    service.process.send_signal(signal.SIGTERM)
    service.wait()
    assert "file_report" in service.said
    assert not found_in(service.said)
    assert not found_in((cluster.status().home / "log").read_bytes())


def test_no_log_has_a_slow_or_refused_statement(cluster, city_session, city_engine):
    city_session.execute(text(f"select pg_sleep(1.2), '{MARKERS['said']}'"))
    with pytest.raises(DBAPIError), city_engine.begin() as connection:
        connection.execute(text("select cast(:said as uuid)"), {"said": MARKERS["said"]})
    assert not found_in((cluster.status().home / "log").read_bytes())


def test_what_a_log_tells_of_a_fault_has_its_place_and_its_kind_but_no_words():
    try:
        try:
            int(MARKERS["said"])
        except ValueError as error:
            raise KeyError(MARKERS["name"]) from error
    except KeyError as error:
        said = told(error)
    assert not found_in(said)
    assert "test_personal_markers.py" in said
    assert said.index("builtins.ValueError") < said.index("builtins.KeyError")
