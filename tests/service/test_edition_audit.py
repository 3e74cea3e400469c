"""An edition is audited against the level above, what was found is kept, and a page shows it."""

from __future__ import annotations

import datetime as dt
import json
import re

import geopandas
import pytest
import shapely
from sqlalchemy import text
from typer.testing import CliRunner

from gridsvc.cli.app import app
from gridsvc.db import session_factory
from gridsvc.errors import BadInput, Conflict
from gridsvc.registry.audits.repository import areas_to_audit
from gridsvc.registry.audits.service import audit_edition, keep_audit
from gridsvc.registry.editions import repository as edition_repository
from gridsvc.registry.editions.models import EditionState
from gridsvc.registry.editions.service import activate_edition, existing_edition
from gridsvc.settings import get_settings
from gridsvc.spatial.audit import FaultKind
from gridsvc.spatial.ellipsoid import area_m2
from tests import cities
from tests.plane import PLANE
from tests.service import areas_world as world

AT = dt.datetime(2026, 7, 1, 8, tzinfo=dt.UTC)

#: 20 reaches over the district border and over 07; 07 leaves a strip to its neighbour.
STREETS = [
    world.area("110102020", world.box(0, 0, 2.1, 1.05), "广安门外街道"),
    world.area("110102007", world.box(0, 1, 2, 1), "月坛街道"),
    world.area("110106002", world.box(2.1, 0, 1.9, 2), "太平桥街道"),
]


@pytest.fixture
def loaded(session):
    """Districts in force, and a draft of streets with faults of known size."""
    world.load(session, "district-2020", "district", world.DISTRICTS)
    activate_edition(session, "district-2020", without_audit="made up", at=cities.now())
    world.load(session, "street-new", "street", STREETS, effective_from=world.NEW)
    return session


def test_faults_of_known_size_are_found_with_their_codes(loaded):
    report = audit_edition(loaded, "street-new", plane=PLANE)
    (overlap,) = report.of(FaultKind.OVERLAP)
    assert set(overlap.codes) == {"110102007", "110102020"}
    assert overlap.area_m2 == pytest.approx(float(area_m2(world.box(0, 1, 2, 0.05))), rel=1e-9)
    assert not overlap.sliver
    outside = [it for it in report.of(FaultKind.OUTSIDE_PARENT) if it.codes == ("110102020",)]
    assert [it.parent_codes for it in outside] == [("110102", "110106")]
    over = float(area_m2(world.box(2, 0, 0.1, 1.05)))
    assert sum(it.area_m2 for it in outside) == pytest.approx(over, rel=1e-9)
    (parallel,) = [it for it in report.of(FaultKind.PARALLEL_BORDER) if it.codes[0] == "110102020"]
    assert parallel.parent_codes == ("110102", "110106")
    assert parallel.width_m == pytest.approx(85.5, rel=1e-2)
    (share,) = [it for it in report.shares if (it.code, it.parent_code) == ("110102020", "110106")]
    assert share.share == pytest.approx(0.1 / 2.1, rel=1e-6)
    assert [level.source for level in report.above] == ["district-2020"]


def test_an_audit_is_kept_and_lets_the_draft_be_activated(loaded):
    with pytest.raises(Conflict, match="not audited"):
        activate_edition(loaded, "street-new", why="new survey", at=cities.now())
    keep_audit(loaded, audit_edition(loaded, "street-new", plane=PLANE), by="surveyor", at=AT)
    edition = existing_edition(loaded, "street-new")
    assert (edition.state, edition.audited_at) == (EditionState.AUDITED, AT)
    kept = json.loads(json.dumps(edition.audit))
    kinds = {total["kind"]: total["count"] for total in kept["totals"]}
    assert kinds["overlap"] == 1
    assert kept["against"] == {"district": "district-2020"}
    assert len(kept["faults"]) == kept["faults_in_all"]
    activate_edition(loaded, "street-new", why="new survey", at=cities.now())


def test_an_edition_without_a_level_above_is_audited_by_itself(session):
    world.load(session, "street-new", "street", world.STREETS)
    report = audit_edition(session, "street-new", plane=PLANE)
    assert (report.above, report.faults) == ((), ())


def test_a_community_is_compared_with_the_levels_that_are_named(session):
    world.load(session, "district-2020", "district", world.DISTRICTS)
    world.load(session, "street-2020", "street", world.STREETS)
    world.load(session, "community-new", "community", world.COMMUNITIES)
    report = audit_edition(
        session, "community-new", plane=PLANE, against=["district-2020", "street-2020"]
    )
    assert [level.level for level in report.above] == ["district", "street"]
    assert report.faults == ()


def test_a_level_that_is_not_above_is_refused(loaded):
    world.load(loaded, "street-2020", "street", world.STREETS)
    with pytest.raises(BadInput, match="not above street"):
        audit_edition(loaded, "street-new", plane=PLANE, against=["street-2020"])


def test_an_edition_without_areas_is_refused(session):
    world.load(session, "street-new", "street", [])
    with pytest.raises(Conflict, match="holds no areas"):
        audit_edition(session, "street-new", plane=PLANE)


def test_intersections_agree_with_those_of_postgis(loaded):
    report = audit_edition(loaded, "street-new", plane=PLANE)
    rows = loaded.execute(
        text(
            "select st_asbinary(st_intersection(a.geometry, b.geometry)) from area a"
            " join area b on b.edition_id = a.edition_id and b.code > a.code"
            " where a.edition_id = 'street-new'"
        )
    )
    shared = sum(float(area_m2(shapely.from_wkb(bytes(row[0])))) for row in rows)
    found = sum(it.area_m2 for it in report.of(FaultKind.OVERLAP))
    assert found == pytest.approx(shared, rel=1e-9)


def test_the_command_keeps_the_audit_and_writes_a_page(engine, tmp_path, monkeypatch):
    with session_factory(engine).begin() as opened:
        world.load(opened, "district-2020", "district", world.DISTRICTS)
        activate_edition(opened, "district-2020", without_audit="made up", at=cities.now())
        world.load(opened, "street-new", "street", STREETS, effective_from=world.NEW)
    monkeypatch.setenv("DATABASE_URL", engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(tmp_path))
    get_settings.cache_clear()
    page = tmp_path / "audit.html"
    arguments = ["edition", "audit", "street-new", "--by", "surveyor", "--page", str(page)]
    answered = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert answered.exit_code == 0
    found = json.loads(answered.stdout)
    assert found["state"] == "audited"
    assert {total["kind"] for total in found["totals"]} >= {"overlap", "outside_parent"}
    html = page.read_text(encoding="utf-8")
    assert "广安门外街道" in html
    assert "重叠" in html
    assert re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", _own_markup(html)) is None
    shown = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert "overlap" in shown.stdout
    with session_factory(engine)() as opened:
        assert areas_to_audit(opened, "street-new", "street").names[1] == "广安门外街道"
    get_settings.cache_clear()


@pytest.fixture
def command(engine, tmp_path, monkeypatch):
    """The audit command, with districts in force."""
    with session_factory(engine).begin() as opened:
        world.load(opened, "district-2020", "district", world.DISTRICTS)
        activate_edition(opened, "district-2020", without_audit="made up", at=cities.now())
    monkeypatch.setenv("DATABASE_URL", engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(tmp_path))
    get_settings.cache_clear()
    yield lambda *words: CliRunner().invoke(app, ["edition", "audit", "--by", "surveyor", *words])
    get_settings.cache_clear()


def test_a_file_is_audited_whole_whatever_an_import_would_refuse(command, engine, tmp_path):
    file = tmp_path / "streets.gpkg"
    geopandas.GeoDataFrame(
        {
            "code": ["110102020", "110102020", None, "110106003"],
            "name": ["广安门外街道", "月坛街道", "太平桥街道", "无"],
        },
        geometry=[world.box(0, 0, 2, 1), world.box(0, 0.9, 2, 1.1), world.box(2, 0, 2, 2), None],
        crs="EPSG:4326",
    ).to_file(file, engine="pyogrio")

    answered = command("--file", str(file), "--level", "street", "--json")

    assert answered.exit_code == 0, answered.output
    found = json.loads(answered.stdout.splitlines()[-1])
    assert (found["state"], found["against"]) == (None, {"district": "district-2020"})
    faults = {(it["kind"], tuple(it["codes"])): it for it in found["faults"]}
    both = ("110102020#1", "110102020#2")
    overlap = float(area_m2(world.box(0, 0.9, 2, 0.1)))
    assert faults["overlap", both]["area_m2"] == pytest.approx(overlap, abs=0.01)
    assert ("invalid", ("110106003",)) in faults
    assert ("code_conflict", ("#3",)) in faults
    assert "feature 4: it has no geometry" in answered.stderr
    with session_factory(engine)() as opened:
        assert [it.id for it in edition_repository.editions(opened, None)] == ["district-2020"]

    shown = command(
        *("--file", str(file), "--level", "street"),
        *("--code", "110102020#2", "--projected", "EPSG:4548"),
        *("--page", str(tmp_path / "audit.html")),
    )
    assert "若先逐个投影再比较" in (tmp_path / "audit.html").read_text("utf-8")
    assert "Projected to EPSG:4548" in shown.stdout
    assert "110102020#2" in shown.stdout
    assert "#3" not in shown.stdout


def test_one_edition_or_one_file_of_a_level_is_audited_and_not_both(command, tmp_path):
    file = tmp_path / "a.geojson"
    file.touch()
    for words in ([], ["--file", str(file)], ["street-new", "--file", str(file)]):
        assert isinstance(command(*words).exception, BadInput)


def _own_markup(html: str) -> str:
    """The page without its scripts: Leaflet's attribution would link to its home."""
    return re.sub(r"<script>.*?</script>", "", html, flags=re.S)
