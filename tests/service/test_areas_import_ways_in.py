"""``gridsvc import areas``: columns shown and confirmed, dry by default, reports in two forms."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
from click.testing import Result
from sqlalchemy import select
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from gridsvc.cli import area_import
from gridsvc.cli.app import app
from gridsvc.errors import BadInput
from gridsvc.registry.areas.models import Area
from gridsvc.registry.editions import repository as edition_repository
from gridsvc.registry.editions.service import activate_edition
from gridsvc.settings import get_settings
from gridsvc.spatial.crs import from_wgs84
from tests import cities
from tests.service import areas_world as world
from tests.service.areas_world import box

ROWS = [
    ("110102020", "广安门外街道", box(0, 0, 2.1, 1)),
    ("110102007", "月坛街道", box(0, 1, 2, 1)),
    ("110106002", "太平桥街道", box(2, 0, 2, 2)),
    ("110106003", "<b>no ${street}</b>", shapely.Point(116.33, 39.89)),
]
#: The only thing that the page links to is its own empty icon.
LINKED = '<link rel="icon" href='
# Bow tie: mended.
BROKEN = shapely.Polygon([(116.30, 39.89), (116.32, 39.90), (116.32, 39.89), (116.30, 39.90)])


@pytest.fixture(autouse=True)
def service(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(tmp_path / "var"))
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.fixture(autouse=True)
def districts(session: Session) -> None:
    world.put_in_force(session, "districts", "district", world.DISTRICTS)
    session.commit()


@pytest.fixture
def streets(tmp_path: Path) -> Path:
    rows = [ROWS[0], (*ROWS[1][:2], BROKEN), *ROWS[2:]]
    return write(tmp_path / "streets.geojson", rows)


def write(path: Path, rows: list[Any], datum: str = "wgs84") -> Path:
    codes, names, shapes = zip(*rows, strict=True)
    moved = [
        shapely.transform(it, lambda xy: np.column_stack(from_wgs84(xy[:, 0], xy[:, 1], datum)))
        for it in shapes
    ]
    frame = geopandas.GeoDataFrame(
        {"JDDM": list(codes), "JDMC": list(names)}, geometry=moved, crs="EPSG:4326"
    )
    frame.to_file(path, engine="pyogrio")
    return path


def run(path: Path, *options: str, typed: str | None = None) -> Result:
    given = ["--level", "street", "--edition", "new", "--accuracy-m", "1", "--source", "made up"]
    return CliRunner().invoke(app, ["import", "areas", str(path), *given, *options], input=typed)


def test_guessed_columns_are_refused_where_nobody_can_confirm_them(streets: Path) -> None:
    answered = run(streets)

    assert isinstance(answered.exception, BadInput)
    assert answered.exception.detail.startswith(
        "The columns were guessed: code = JDDM (4 of 4 cells are codes of a street"
    )
    assert "--column code=JDDM --column name=JDMC" in answered.exception.detail


@pytest.mark.parametrize(("typed", "taken"), [("y\n", True), ("n\n", False)])
def test_somebody_at_the_keyboard_is_asked(
    streets: Path, monkeypatch: pytest.MonkeyPatch, typed: str, taken: bool
) -> None:
    monkeypatch.setattr(area_import, "_somebody_is_there", lambda: True)
    answered = run(streets, typed=typed)

    assert (answered.exit_code == 0) is taken
    assert "JDDM" in answered.stderr
    assert "Is that right?" in answered.stderr


def test_a_dry_run_keeps_nothing_and_commit_keeps_a_draft(streets: Path, session: Session) -> None:
    dry = run(streets, "--yes", "--json")
    assert dry.exit_code == 0, dry.output
    told = json.loads(dry.stdout.splitlines()[-1])
    assert (told["committed"], told["loaded"], told["mended"], told["refused"]) == (False, 2, 1, 1)
    assert told["columns"] == {"code": "JDDM", "name": "JDMC"}
    assert edition_repository.edition(session, "new") is None
    session.rollback()

    kept = run(streets, "--column", "code=JDDM", "--column", "name=JDMC", "--commit", "--json")
    assert json.loads(kept.stdout.splitlines()[-1])["committed"] is True
    edition = edition_repository.edition(session, "new")
    assert edition is not None
    assert edition.state == "draft"
    assert sorted(edition_repository.codes_in(session, "new")) == [
        "110102007",
        "110102020",
        "110106002",
    ]


def test_who_imports_and_why_is_kept_and_is_the_reason_of_what_changes(
    streets: Path, session: Session
) -> None:
    world.put_in_force(session, "old", "street", world.STREETS)
    session.commit()
    kept = run(streets, "--yes", "--commit", "--by", "li", "--reason", "a new river wall")
    assert kept.exit_code == 0, kept.output

    (loaded,) = edition_repository.events_of(session, "new")
    assert (loaded.actor, loaded.reason) == ("li", "a new river wall")
    activate_edition(session, "new", without_audit="made up", at=cities.now())
    changed = select(Area.version, Area.reason).where(
        Area.edition_id == "new", Area.code == "110102007"
    )
    assert session.execute(changed).one() == (2, "a new river wall")


def test_areas_in_force_that_a_file_lacks_are_told(tmp_path: Path, session: Session) -> None:
    world.put_in_force(session, "old", "street", world.STREETS)
    session.commit()
    answered = run(write(tmp_path / "streets.geojson", ROWS[:1]), "--yes", "--json")

    (remark,) = json.loads(answered.stdout.splitlines()[-1])["remarks"]
    assert remark.startswith("2 of the 3 areas of level street in force are not loaded (110102007,")
    assert "110106002" in remark


def test_the_report_tells_every_area_as_json_and_on_a_page(streets: Path, tmp_path: Path) -> None:
    reports = [tmp_path / "report.json", tmp_path / "report.html"]
    answered = run(streets, "--yes", *(word for it in reports for word in ("--report", str(it))))
    assert answered.exit_code == 0, answered.output
    assert "Nothing was kept: add --commit" in answered.stdout

    report = json.loads(reports[0].read_text("utf-8"))
    assert [(it["features"], it["what"]) for it in report["areas"]] == [
        ([1], "loaded"),
        ([2], "mended"),
        ([3], "loaded"),
        ([4], "refused"),
    ]
    assert report["areas"][1]["changed_m2"] > 0
    assert {"overlap", "outside its parent"} <= {it["kind"] for it in report["faults"]}

    page = reports[1].read_text("utf-8")
    assert "试运行，未保存" in page
    assert "广安门外街道" in page
    assert "both claim" in page
    assert "&lt;b&gt;no" in page
    assert "<b>no" not in page
    assert re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=", page) == [LINKED]


def test_a_name_that_looks_like_markup_is_shown_as_it_is_written(tmp_path: Path) -> None:
    rows = [(*ROWS[0][:2], ROWS[0][2]), ("110102007", "[bold]a[/] [/b] :smile:", BROKEN)]
    answered = run(write(tmp_path / "streets.geojson", rows), "--yes")

    assert answered.exit_code == 0, answered.output
    assert "[bold]a[/]" in answered.stdout
    assert ":smile:" in answered.stdout


def test_a_suspected_datum_is_told_before_anything_else(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    path = write(tmp_path / "gcj.geojson", ROWS[:3], "gcj02")
    answered = run(path, "--yes", "--json", "--report", str(page))

    told = json.loads(answered.stdout.splitlines()[-1])
    assert told["shift"]["suspected"] == "gcj02"
    assert told["shift"]["metres"] == pytest.approx(told["shift"]["expected_m"], abs=60)
    assert "坐标系可疑" in page.read_text("utf-8")
    assert (
        json.loads(run(path, "--yes", "--json", "--crs", "gcj02").stdout.splitlines()[-1])["shift"]
        is None
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--report", "report.pdf"], "FILE.json or FILE.html"),
        (["--report", "/nowhere/at/all.json"], "There is no folder"),
        (["--column", "JDDM"], "ours=theirs"),
        (["--yes", "--effective-from", "tomorrow"], "takes a day"),
    ],
)
def test_wrong_options_are_refused_before_any_work(
    streets: Path, options: list[str], words: str
) -> None:
    answered = run(streets, *options)
    assert isinstance(answered.exception, BadInput)
    assert words in answered.exception.detail
