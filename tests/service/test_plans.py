"""No bounded question reads a large table whole: PostgreSQL's own plans of what routes ask.

The city's tables are multiplied until a scan of them would be the wrong plan, and the server
writes down how it carried out each statement.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import make_url

from gridsvc.callers import Role
from gridsvc.db import PrivateCluster
from tests.service import joint_city as city
from tests.service.conftest import Person, report, token_of
from tests.waiting import wait_until

#: The tables that grow with a city's life, and what must differ in each row of them.
LARGE = {
    "report": {
        "id": "gen_random_uuid()",
        "case_id": "gen_random_uuid()",
        "point": "st_translate(point, time * 1e-4, 0)",
    },
    "report_placement": {"report_id": "gen_random_uuid()"},
    "receipt": {"value": "time::text", "report_id": "gen_random_uuid()"},
    "case_file": {"id": "gen_random_uuid()", "point": "st_translate(point, time * 1e-4, 0)"},
    "trace": {"case_id": "gen_random_uuid()"},
    "message": {"id": "gen_random_uuid()", "body_code": "time::text"},
    "whistle": {"id": "gen_random_uuid()", "point": "st_translate(point, time * 1e-4, 0)"},
    "part": {
        "code": "(20000000 + time * 10 + row_number() over ())::text",
        "national_id": "(10000000000000000 + time * 10 + row_number() over ())::text",
        "national_id_2013": "(1000000000000000 + time * 10 + row_number() over ())::text",
        "geometry": "st_translate(geometry, time * 1e-4, 0)",
    },
}
TIMES = 4_000
#: A page of each list, asked for as offices do.
LISTS = [
    "/v1/lists/cases",
    f"/v1/lists/cases?district={city.WEST}&order=newest",
    f"/v1/lists/cases?street={city.LEAD}&state=open",
    f"/v1/lists/cases?district={city.WEST}&class={city.BUILDING}&state=open",
    f"/v1/lists/cases?body={city.LEAD}&state=open",
    f"/v1/lists/cases?district={city.WEST}&state=open&order=limit",
    f"/v1/lists/cases?district={city.WEST}&overdue=true",
    "/v1/lists/cases?from=2020-01-01&to=2020-02-01",
    "/v1/lists/cases?bbox=116.3,39.88,116.3001,39.8801",
    "/v1/lists/reports",
    f"/v1/lists/reports?district={city.WEST}&order=newest",
    "/v1/lists/reports?text=no+such+words",
    "/v1/lists/cases?text=no+such+words",
    "/v1/lists/whistles",
    f"/v1/lists/whistles?district={city.WEST}",
    "/v1/lists/callbacks-due",
    f"/v1/lists/tasks?area={city.LEAD}&state=open",
]
_PLAN = re.compile(r"plan:\n(\t?\{.*?\n\t?\})", re.DOTALL)


def multiply(connection: Connection, table: str, own: dict[str, str]) -> None:
    columns = connection.scalars(
        text(
            "select column_name from information_schema.columns"
            " where table_name = :table order by ordinal_position"
        ),
        {"table": table},
    ).all()
    values = ", ".join(own.get(column, column) for column in columns)
    connection.execute(
        text(
            f"insert into {table} ({', '.join(columns)})"  # noqa: S608 - names of our own
            f" select {values} from {table}, generate_series(1, {TIMES}) time"
        )
    )
    connection.execute(text(f"analyze {table}"))


@pytest.fixture
def plans(cluster: PrivateCluster, city_engine: Engine) -> Callable[[], list[Any]]:
    """The plans that were carried out in this database since the last call."""
    name = make_url(str(city_engine.url)).database
    with city_engine.begin() as connection:
        for setting, value in (
            ("session_preload_libraries", "auto_explain"),
            ("auto_explain.log_min_duration", "0"),
            ("auto_explain.log_format", "json"),
        ):
            connection.execute(text(f"alter database {name} set {setting} = '{value}'"))
    log = cluster.status().home / "log"
    read = [log.stat().st_size]

    def since() -> list[Any]:
        with log.open("rb") as file:
            file.seek(read[0])
            written = file.read()
        read[0] += len(written)
        return [json.loads(found) for found in _PLAN.findall(written.decode())]

    return since


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def scanned(found: list[Any]) -> set[str]:
    """The large tables that a plan reads whole."""
    return {
        node["Relation Name"]
        for one in found
        for node in nodes(one["Plan"])
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in LARGE
    }


def test_no_bounded_question_reads_a_large_table_whole(
    client: httpx.Client, city_engine: Engine, serve: Any, plans: Callable[[], list[Any]]
) -> None:
    staff = Person(client, token_of(Role.CITY))
    filed = staff.report(-6, footprint=city.astride())
    case, whistle = filed["case_id"], filed["joint_whistle_id"]
    with city_engine.begin() as connection:
        # The rows are many, not true: no foreign key is looked up.
        connection.execute(text("set local session_replication_role = replica"))
        for table, own in LARGE.items():
            multiply(connection, table, own)

    person = Person(serve(), token_of(Role.CITY))
    person.report(200)  # all that is asked once a process
    plans()
    at = f"{city.BORDER_LON},39.885"
    box = f"{city.BORDER_LON},39.884,{city.BORDER_LON + 1e-3},39.885"
    questions = [
        f"/v1/reports/{filed['receipt']}",
        f"/v1/reports/{filed['id']}",
        f"/v1/cases/{case}",
        f"/v1/cases/{case}/trace",
        f"/v1/cases?body={city.LEAD}&limit=20",
        f"/v1/whistles/{whistle}",
        "/v1/whistles?limit=20",
        f"/v1/bodies/{city.LEAD}/inbox",
        f"/v1/parts?near={at}&radius_m=100",
        f"/v1/parts/{city.WEST}/{city.OWNED}",
        f"/v1/codes/{city.OWNED}",
        f"/exports/parts.geojson?bbox={box}",
        f"/exports/parts.geojson?bbox={box}&as_of=2026-11-01",
        f"/exports/joint_cases.geojson?bbox={box}",
        "/tiles/parts/16/53964/24829.mvt",
        "/tiles/whistles/16/53964/24829.mvt",
        "/v1/disputes?limit=20",
        *LISTS,
    ]
    faults = {}
    for question in questions:
        answer = person.send("GET", question)
        assert answer.status_code in (200, 204), (question, answer.text)
        found: list[Any] = []
        wait_until(lambda found=found: found.extend(plans()) or found)
        if whole := scanned(found):
            faults[question] = whole
    for path in ("/v1/reports", "/v1/reports/similar"):
        assert person.send("POST", path, json=report(-300)).is_success
        if whole := scanned(plans()):
            faults[path] = whole
    assert faults == {}
