"""Lists as files: the same rows as CSV and Excel, in which nothing runs; callbacks due."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pyogrio
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.conftest import Person, refusal, token_of
from tests.service.procedures_world import Case, Clock, World, register
from tests.service.slow_clients import connected, request
from tests.service.test_slow_clients import goes_on, nobody_waits
from tests.waiting import GRIDSVC, Command, wait_until

RUNS = '=HYPERLINK("http://evil.example","井盖")'


@pytest.fixture
def filed(citizen: Person) -> list[Any]:
    """Two reports; what the second says would run in a spreadsheet."""
    return [
        citizen.report(-400, description="井盖丢失，\n请尽快"),
        citizen.report(-700, description=RUNS, **{"class": "06002"}),
    ]


def table(answer: httpx.Response) -> list[dict[str, str]]:
    """The rows of a CSV by the names at the end of its titles."""
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    return [{name.split()[-1]: value for name, value in row.items()} for row in rows]


def test_a_csv_has_the_rows_of_the_list_and_no_formula(
    as_: Callable[..., Person], filed: list[Any]
) -> None:
    person = as_(Role.DISTRICT, city.WEST)
    answer = person.send("GET", "/v1/lists/reports.csv?order=newest")
    assert answer.headers["content-disposition"].endswith('.csv"')
    rows = table(answer)
    assert [row["id"] for row in rows] == [filed[1]["id"], filed[0]["id"]]
    assert [row["description"] for row in rows] == [f"'{RUNS}", "井盖丢失，\n请尽快"]
    listed = person.get("/v1/lists/reports", order="newest")["rows"]
    assert [row["class_name"] for row in rows] == [row["class_name"] for row in listed]
    # As the clocks of the city show it, eight hours before Greenwich.
    hours = {
        (int(row["created_at"][11:13]) - int(one["created_at"][11:13])) % 24
        for row, one in zip(rows, listed, strict=True)
    }
    assert hours == {8}


def test_an_excel_file_has_the_same_rows_as_texts_numbers_and_times(
    as_: Callable[..., Person], filed: list[Any], tmp_path: Path
) -> None:
    person = as_(Role.DISTRICT, city.WEST)
    answer = person.send("GET", "/v1/lists/reports.xlsx")
    assert answer.status_code == 200, answer.text
    file = tmp_path / "reports.xlsx"
    file.write_bytes(answer.content)
    sheet = zipfile.ZipFile(file).read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "hyperlink>" not in sheet
    read = pyogrio.read_dataframe(file, read_geometry=False)
    read.columns = [name.split()[-1] for name in read.columns]
    listed = person.get("/v1/lists/reports")["rows"]
    assert list(read.columns) == list(listed[0])
    assert list(read["id"]) == [one["id"] for one in filed]
    assert list(read["description"]) == ["井盖丢失，\n请尽快", RUNS]
    assert list(read["lon"]) == pytest.approx([row["lon"] for row in listed])
    assert read["created_at"].dt.hour.tolist() == [
        (int(row["created_at"][11:13]) + 8) % 24 for row in listed
    ]


@pytest.mark.parametrize("end", ["csv", "xlsx"])
def test_a_file_beyond_its_bound_is_refused_in_words(
    serve: Callable[..., httpx.Client], filed: list[Any], city_engine: Engine, end: str
) -> None:
    multiply(city_engine)
    person = Person(serve(export_max_bytes=10_000), token_of(Role.CITY))
    answer = person.send("GET", f"/v1/lists/reports.{end}")
    assert "filters" in refusal(answer, 422)["detail"]
    assert person.send("GET", f"/v1/lists/reports.{end}?channel=none").status_code == 200


def multiply(engine: Engine) -> None:
    """Ten thousand reports more of the cases that there are."""
    with engine.begin() as connection:
        names = connection.scalars(
            text("select column_name from information_schema.columns where table_name = 'report'")
        ).all()
        values = ", ".join("gen_random_uuid()" if name == "id" else name for name in names)
        connection.execute(
            text(
                f"insert into report ({', '.join(names)})"  # noqa: S608 - names of our own
                f" select {values} from report, generate_series(1, 5000)"
            )
        )


def test_files_that_nobody_reads_hold_no_connection(
    client: httpx.Client, filed: list[Any], city_engine: Engine, city_session: Session
) -> None:
    multiply(city_engine)
    asked = request("GET", "/v1/lists/reports.csv", f"Authorization: Bearer {token_of(Role.CITY)}")
    with ExitStack() as unread:
        begun = [unread.enter_context(connected(client, asked)) for _ in range(12)]
        for own in begun[:4]:
            assert own.recv(12).startswith(b"HTTP/1.1 ")
        goes_on(client)
        wait_until(lambda: nobody_waits(city_session))


def test_the_command_gives_the_same_rows(
    service_database: str, filed: list[Any], tmp_path: Path
) -> None:
    def run(*words: str) -> str:
        command = Command(
            [*GRIDSVC, "list", *words],
            environment={"DATABASE_URL": service_database, "GRIDSVC_VAR_DIR": str(tmp_path)},
        )
        code = command.wait()
        command.kill()
        assert code == 0, command.said
        return command.said

    out, book = tmp_path / "cases.csv", tmp_path / "cases.xlsx"
    run("cases", "--where", "class=06002", "--csv", str(out), "--xlsx", str(book))
    rows = list(csv.reader(io.StringIO(out.read_text(encoding="utf-8-sig"), newline="")))
    assert [row[0] for row in rows[1:]] == [filed[1]["case_id"]]
    assert len(pyogrio.read_dataframe(book, read_geometry=False)) == 1
    assert '"count": 2' in run("reports", "--by", "street", "--json")
    assert filed[0]["case_id"] in re.sub(r"\s", "", run("cases", "--json"))


@pytest.fixture
def world(city_engine: Engine, client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> World:
    register(city_engine)
    clock = Clock.held(monkeypatch)
    monkeypatch.setattr("gridsvc.api.clock.utc_now", lambda: clock.now)
    return World(client, clock)


def test_a_callback_is_due_until_the_reporter_was_reached(world: World) -> None:
    hotline = world.person(Role.CITY, subject="12345")
    contact = {"reporter": {"name": "Li", "phone": "010-1"}}
    filed, silent = (
        world["citizen"].report(-300 - 400 * n, **more) for n, more in enumerate((contact, {}))
    )
    assert hotline.get("/v1/lists/callbacks-due")["rows"] == []
    for one in (filed, silent):
        case = Case(world, one["case_id"])
        case.take(city.LEAD, "handle", note="taken down")
        case.take(city.LEAD, "feed_back", note="done")
        case.take("supervision", "verify", note="seen")
        case.take("supervision", "assess", score=90)
    # Whoever left no telephone number cannot be called back.
    (row,) = hotline.get("/v1/lists/callbacks-due")["rows"]
    assert (row["report_id"], row["attempts"]) == (filed["id"], 0)
    path = f"/v1/reports/{filed['id']}/callbacks"
    hotline.post(path, {"contacted": False})
    assert hotline.get("/v1/lists/callbacks-due", attempted="false")["rows"] == []
    (row,) = hotline.get("/v1/lists/callbacks-due", attempted="true")["rows"]
    assert row["attempts"] == 1
    assert hotline.get("/v1/lists/callbacks-due", to="2020-01-01")["rows"] == []
    far = world.person(Role.DISTRICT, area=city.EAST)
    assert far.get("/v1/lists/callbacks-due")["rows"] == []
    hotline.post(
        path, {"contacted": True, "unit_contacted": True, "solved": True, "satisfied": "fairly"}
    )
    assert hotline.get("/v1/lists/callbacks-due")["rows"] == []


def test_an_appeal_is_listed_until_and_after_it_is_decided(world: World) -> None:
    filed = world["citizen"].report(-300)
    case = Case(world, filed["case_id"])
    case.take(city.LEAD, "handle", note="taken down")
    case.take(city.LEAD, "feed_back", note="done")
    case.take("supervision", "verify", note="seen")
    case.take("supervision", "assess", score=90)
    path = f"/v1/cases/{filed['case_id']}/appeals"
    world[city.LEAD].post(path, {"body": city.LEAD, "reason": "it rained"})
    city_wide = world.person(Role.CITY, subject="another")
    (row,) = city_wide.get("/v1/lists/appeals", state="undecided", body=city.LEAD)["rows"]
    assert (row["reason"], row["state"]) == ("it rained", "undecided")
    city_wide.post(f"{path}/{city.LEAD}/decision", {"accepted": True, "note": "so it did"})
    assert city_wide.get("/v1/lists/appeals", state="undecided")["rows"] == []
    counted = city_wide.get("/v1/lists/appeals/counts", by="state")["groups"]
    assert counted == [{"key": "accepted", "count": 1}]
