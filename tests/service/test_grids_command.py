"""``gridsvc grids`` and what ``gridsvc edition activate`` says of unit grids, on a made-up city."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from gridsvc.cli.app import app
from gridsvc.errors import BadFile, NotFound
from gridsvc.settings import get_settings
from tests.service import areas_world as world
from tests.service.test_grids_rebuild import GROWING, SHRINKING, moved_border

ROAD = shapely.LineString([(116.3012, 39.8805), (116.3088, 39.8891)])
HOUSES = [shapely.box(116.302 + n * 0.001, 39.886, 116.3025 + n * 0.001, 39.8863) for n in range(5)]

Run = Callable[..., Any]


@pytest.fixture
def run(
    database: str, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Run]:
    """Runs a command on the made-up city and gives its JSON."""
    world.make_city(session)
    session.commit()
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(tmp_path))
    get_settings.cache_clear()

    def answer(*arguments: object) -> Any:
        result = CliRunner().invoke(app, [*map(str, arguments), "--json"], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout.splitlines()[-1])

    yield answer
    get_settings.cache_clear()


def file_of(folder: Path, name: str, shapes: list[Any]) -> Path:
    """A GeoJSON file of these shapes."""
    features = [
        {"type": "Feature", "properties": {"n": n}, "geometry": shapely.geometry.mapping(shape)}
        for n, shape in enumerate(shapes)
    ]
    path = folder / name
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_a_build_along_files_says_how_it_fits_the_city(run: Run, tmp_path: Path) -> None:
    roads = file_of(tmp_path, "roads.geojson", [ROAD])
    houses = file_of(tmp_path, "houses.geojson", HOUSES)

    built = run("grids", "build", world.WEST, "--roads", roads, "--buildings", houses)

    assert built["total"] > 200
    assert built["city"]["buildings"] == 5
    assert built["city"]["cut_buildings"] == 0
    assert built["city"]["barrier_used"] > 0.5


def test_a_rebuild_is_shown_first_and_written_with_commit(
    run: Run, session: Session, tmp_path: Path
) -> None:
    run("grids", "build", world.WEST)
    roads = file_of(tmp_path, "roads.geojson", [ROAD])
    command = ("grids", "rebuild", "--community", SHRINKING, "--roads", roads)

    shown = run(*command)
    assert session.execute(text("select count(*) from grid_successor")).scalar_one() == 0
    done = run(*command, "--commit")

    assert (shown["committed"], done["committed"]) == (False, True)
    assert shown["voided"] == done["voided"]
    void = done["voided"][0]
    history = run("grids", "show", void["district_code"], void["code"])
    assert history["state"] == "void"
    assert history["successor_code"] == void["successors"][0]["code"]
    heir = history["successors"][0]
    followed = run("grids", "show", heir["district_code"], heir["code"])
    assert void["code"] in [it["code"] for it in followed["predecessors"]]


def test_activating_communities_names_the_grids_that_no_longer_fit(
    run: Run, session: Session
) -> None:
    run("grids", "build", world.WEST, world.EAST)
    world.load(session, "later", "community", moved_border(), effective_from=world.NEW)
    session.commit()

    said = run("edition", "activate", "later", "--why", "moved", "--without-audit", "a test")

    assert [it["code"] for it in said["unfit_grids"]] == [SHRINKING, GROWING]
    done = run("grids", "rebuild", "--commit")
    assert [it["code"] for it in done["communities"]] == [SHRINKING, GROWING]
    assert run("grids", "rebuild")["communities"] == []


def test_people_read_tables(run: Run, session: Session, tmp_path: Path) -> None:
    roads = file_of(tmp_path, "roads.geojson", [ROAD])
    first = CliRunner().invoke(app, ["grids", "build", world.WEST, "--roads", str(roads)])
    assert "barriers that are cell borders" in first.stdout
    world.put_in_force(session, "later", "community", moved_border(), effective_from=world.NEW)
    session.commit()

    command = ["grids", "rebuild", "--roads", str(roads)]
    shown = CliRunner().invoke(app, command, env={"COLUMNS": "160"})
    assert SHRINKING in shown.stdout
    assert "Nothing is written yet" in shown.stdout
    done = CliRunner().invoke(app, [*command, "--commit"], env={"COLUMNS": "160"})
    assert "parts got another place" in done.stdout
    code = session.execute(
        text("select code from unit_grid where state = 'void' order by code limit 1")
    ).scalar_one()
    history = CliRunner().invoke(app, ["grids", "show", world.WEST, code])
    assert "void since" in history.stdout
    assert "successor" in history.stdout


def test_a_file_of_the_wrong_kind_is_refused_by_feature_numbers(run: Run, tmp_path: Path) -> None:
    mixed = file_of(tmp_path, "mixed.geojson", [HOUSES[0], ROAD, shapely.Point(116.301, 39.881)])
    with pytest.raises(BadFile, match="2 features that are not polygons: number 2, 3"):
        run("grids", "build", world.WEST, "--buildings", mixed)
    with pytest.raises(BadFile, match="1 features that are not lines or polygons: number 3"):
        run("grids", "build", world.WEST, "--rivers", mixed)


def test_a_building_that_crosses_itself_is_mended_and_named(run: Run, tmp_path: Path) -> None:
    bow = shapely.Polygon(
        [(116.302, 39.886), (116.3026, 39.8863), (116.3026, 39.886), (116.302, 39.8863)]
    )
    houses = file_of(tmp_path, "houses.geojson", [HOUSES[1], bow])
    command = ["grids", "build", world.WEST, "--buildings", str(houses)]
    said = CliRunner().invoke(app, command).stderr
    assert "1 buildings cross themselves and were repaired: number 2" in " ".join(said.split())


def test_a_grid_that_is_not_there_is_said_not_to_be(run: Run) -> None:
    with pytest.raises(NotFound, match="has no unit grid 00000001"):
        run("grids", "show", world.WEST, "00000001")
