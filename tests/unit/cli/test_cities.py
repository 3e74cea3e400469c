"""The folder that another city begins with, and the tables that lie in its var folder."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import shape
from typer.testing import CliRunner

from gridsvc.city.calendar import Calendar
from gridsvc.cli.app import app
from gridsvc.errors import BadFile, BadInput, Conflict, GridsvcError
from gridsvc.registry.classes.service import read_class_list
from gridsvc.registry.districts import divisions_of
from gridsvc.settings import Settings, get_settings

Run = Callable[..., Any]


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(tmp_path / "var"))
    get_settings.cache_clear()
    yield tmp_path / "var"
    get_settings.cache_clear()


@pytest.fixture
def run(var: Path) -> Run:
    """The command; gives its words, or the error that it ended with."""

    def call(*words: object) -> Any:
        result = CliRunner().invoke(app, [str(word) for word in words])
        return result.stdout if result.exit_code == 0 else result.exception

    return call


@pytest.fixture
def folder(run: Run, tmp_path: Path) -> Path:
    assert "Begin with" in run("init-city", tmp_path / "章贡")
    return tmp_path / "章贡"


def refusal(error: Any, kind: type[GridsvcError]) -> str:
    assert isinstance(error, kind), error
    return error.detail


def test_every_table_of_the_template_has_one_row_and_its_columns_are_told(folder: Path) -> None:
    told = (folder / "README.md").read_text("utf-8")
    assert told.startswith("# The tables of 章贡\n")
    sections = dict(re.findall(r"^## (\S+\.csv)\n(.*?)(?=^## |\Z)", told, re.M | re.S))
    tables = {path.name: path.read_text("utf-8").splitlines() for path in folder.glob("*.csv")}
    assert tables.keys() == sections.keys()
    for name, lines in tables.items():
        assert len(lines) == 2, name
        assert re.findall(r"^\| `(\w+)` \|", sections[name], re.M) == lines[0].split(","), name
        assert f" {name}\n" in told


def test_the_template_has_an_area_that_is_in_its_list_of_divisions(folder: Path) -> None:
    (area,) = json.loads((folder / "districts.geojson").read_text("utf-8"))["features"]
    divisions = (folder / "divisions.csv").read_text("utf-8")
    assert f"{area['properties']['code']},{area['properties']['name']},district" in divisions
    assert shape(area["geometry"]).is_valid
    assert "## districts.geojson\n" in (folder / "README.md").read_text("utf-8")


def test_a_folder_that_holds_something_is_left_as_it_is(run: Run, folder: Path) -> None:
    (folder / "bodies.csv").write_text("mine", "utf-8")
    assert "new folder" in refusal(run("init-city", folder), Conflict)
    assert (folder / "bodies.csv").read_text("utf-8") == "mine"


def test_the_divisions_of_a_city_take_the_place_of_the_shipped_ones(
    run: Run, folder: Path, var: Path
) -> None:
    settings = Settings(var_dir=var)
    assert len(divisions_of(settings)) == 16 + 349 + 7_535
    table = folder / "divisions.csv"
    assert json.loads(run("import", "divisions", table, "--dry-run", "--json"))["kept"] is None
    assert len(divisions_of(settings)) == 16 + 349 + 7_535
    run("import", "divisions", table)
    assert [(it.code, it.name) for it in divisions_of(settings)] == [("360702", "章贡区")]


def test_the_calendar_of_a_city_counts_once_it_is_imported(
    run: Run, folder: Path, var: Path
) -> None:
    table, day = folder / "working_days.csv", dt.date(2027, 3, 15)
    table.write_text(f"date,kind,name\n{day},holiday,of the city\n", "utf-8")
    settings = Settings(var_dir=var)
    assert Calendar.load(settings).is_working(day)
    run("import", "calendar", table)
    assert not Calendar.load(settings).is_working(day)


def test_a_setting_that_names_a_calendar_is_not_overruled_in_silence(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = folder / "working_days.csv"
    monkeypatch.setenv("GRIDSVC_WORKING_DAYS", str(table))
    get_settings.cache_clear()
    assert "GRIDSVC_WORKING_DAYS names" in refusal(run("import", "calendar", table), BadInput)


@pytest.mark.parametrize(
    ("command", "table", "row", "says"),
    [
        ("divisions", "divisions.csv", "360702001,解放街道,street,360703", "line 3"),
        ("divisions", "divisions.csv", "360702,章贡区,district,", "line 3"),
        ("calendar", "working_days.csv", "2027-13-01,holiday,x", "line 3"),
        ("calendar", "working_days.csv", "2027-01-02,rest,x", "line 3"),
    ],
)
def test_a_bad_row_is_told_with_its_line_and_nothing_is_kept(
    run: Run, folder: Path, var: Path, command: str, table: str, row: str, says: str
) -> None:
    path = folder / table
    path.write_text(path.read_text("utf-8") + row + "\n", "utf-8")
    assert says in refusal(run("import", command, path), BadFile)
    assert not (var / "city").exists()


def test_the_example_of_a_class_list_is_one(folder: Path) -> None:
    assert [row["code"] for row in read_class_list(folder / "classes.csv")] == ["06010"]


def test_the_list_that_is_shipped_has_its_own_name_alone(run: Run, folder: Path) -> None:
    assert "give the file" in refusal(run("import", "classes", "--standard", "CJ/T 214"), BadInput)
    long = run("import", "classes", folder / "classes.csv", "--standard", "x" * 31)
    assert "at most 30" in refusal(long, BadInput)
