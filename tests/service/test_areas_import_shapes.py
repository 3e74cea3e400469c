"""Every format, every kind of bad geometry: loaded, mended, or refused by its feature's number."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyogrio
import pyproj
import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from gridsvc.errors import BadFile, UnknownCrs
from gridsvc.readers.limits import ReadLimits, ReadOptions
from gridsvc.registry.areas import repository
from gridsvc.registry.areas.importer import import_areas
from gridsvc.registry.areas.report import AreaImport, full_report
from gridsvc.registry.districts import read_divisions
from gridsvc.registry.editions import repository as edition_repository
from gridsvc.settings import Settings
from gridsvc.spatial.ellipsoid import area_m2
from tests import cities
from tests.plane import PLANE
from tests.service import areas_world as world
from tests.service.areas_world import NEW, box

SOUND = [
    ("110102020", "广安门外街道", box(0, 0, 2, 1)),
    ("110102007", "月坛街道", box(0, 1, 2, 1)),
    ("110106002", "太平桥街道", box(2, 0, 2, 2)),
]
# A survey's own seven parameters for Beijing 1954; any will do that are not nothing.
TOWGS84 = (15.8, -154.4, -82.3, 0.1, 0.2, -1.3, 4.7)


@pytest.fixture(autouse=True)
def districts(session: Session) -> None:
    world.put_in_force(session, "districts", "district", world.DISTRICTS)


def frame(rows: list[tuple[str, str, Any]], crs: str = "EPSG:4326") -> geopandas.GeoDataFrame:
    codes, names, shapes = zip(*rows, strict=True)
    return geopandas.GeoDataFrame(
        {"CODE": list(codes), "LABEL": list(names)}, geometry=list(shapes), crs=crs
    )


def load(
    session: Session,
    path: Path,
    *,
    layer: str | None = None,
    encoding: str | None = None,
    **options: Any,
) -> AreaImport:
    divisions = read_divisions(cities.BOUNDARIES)
    names = {it.name for it in divisions}
    fields: dict[str, Any] = {
        "level": "street",
        "edition_id": "imported",
        "columns": {"code": "CODE", "name": "LABEL"},
        "effective_from": NEW,
        "accuracy_m": 10.0,
        "source": "made up for a test",
        "licence": "CC0",
        "divisions": divisions,
        "options": ReadOptions(ReadLimits.of(Settings()), layer, encoding, names),
    }
    return import_areas(session, path, plane=PLANE, **(fields | options), now=cities.now())


def first_replaced(shape: Any) -> list[tuple[str, str, Any]]:
    return [("110102020", "广安门外街道", shape), *SOUND[1:]]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.shp", {"encoding": "UTF-8"}),
        ("a.shp", {"encoding": "GBK"}),
        ("a.gpkg", {}),
        ("a.geojson", {}),
        ("a.geojsonl", {}),
        ("a.fgb", {}),
        ("a.kml", {"driver": "KML"}),
        ("a.gdb", {"driver": "OpenFileGDB"}),
        ("a.parquet", {}),
        ("a.zip", {}),
    ],
)
def test_every_format_brings_the_same_areas(
    session: Session, tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    path, areas = tmp_path / name, frame(SOUND)
    if name == "a.parquet":
        areas.to_parquet(path)
    elif name == "a.zip":
        areas.to_file(tmp_path / "a.shp", engine="pyogrio", encoding="GBK")
        with zipfile.ZipFile(path, "w") as archive:
            for part in tmp_path.glob("a.???"):
                if part != path:
                    archive.write(part, f"折叠/{part.name}")
    else:
        areas.to_file(path, engine="pyogrio", **options)

    result = load(session, path)

    assert (len(result.loaded), result.refused, result.remarks) == (3, (), ())
    assert edition_repository.codes_in(session, "imported") == {
        code: label for code, label, _ in SOUND
    }
    _, shapes = repository.geometries_in(session, "imported", ["110102020"])
    assert shapely.hausdorff_distance(shapes[0], box(0, 0, 2, 1)) < 1e-9


@pytest.mark.parametrize("claim", [None, "ISO-8859-1", "UTF-8", "1252"])
def test_gbk_is_told_from_the_names_whatever_the_file_claims(
    session: Session, tmp_path: Path, claim: str | None
) -> None:
    path = tmp_path / "a.shp"
    frame(SOUND).to_file(path, engine="pyogrio", encoding="GBK")
    path.with_suffix(".cpg").unlink()
    if claim is not None:
        path.with_suffix(".cpg").write_text(claim)

    result = load(session, path)

    assert {it.name for it in result.loaded} == {label for _, label, _ in SOUND}
    (remark,) = result.remarks
    assert remark.endswith("gb18030 and was read as that" if claim else "read as gb18030")


def test_a_gbk_name_that_is_sound_utf8_by_accident_is_read_with_the_others(
    session: Session, tmp_path: Path
) -> None:
    path = tmp_path / "a.shp"
    rows = [("110102020", "联通", SOUND[0][2]), *SOUND[1:]]
    assert "联通".encode("gbk").decode("utf-8", "replace").isprintable()
    frame(rows).to_file(path, engine="pyogrio", encoding="GBK")
    path.with_suffix(".cpg").unlink()

    assert "联通" in {it.name for it in load(session, path).loaded}


def test_a_column_that_was_cut_in_the_middle_of_a_character_loses_that_character(
    session: Session, tmp_path: Path
) -> None:
    path = tmp_path / "a.shp"
    # Four characters are twelve bytes; a .dbf keeps ten of them.
    frame(SOUND).rename(columns={"LABEL": "ABCDEFGHIJ"}).to_file(
        path, engine="pyogrio", encoding="UTF-8"
    )
    table = path.with_suffix(".dbf").read_bytes()
    path.with_suffix(".dbf").write_bytes(table.replace(b"ABCDEFGHIJ", "街道名称".encode()[:10]))

    result = load(session, path, columns={"code": "CODE", "name": "街道名"})

    assert {it.name for it in result.loaded} == {label for _, label, _ in SOUND}


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ("POINT Z (116.31 39.885 4)", "holds no polygon with an area (point)"),
        ("LINESTRING (116.30 39.88, 116.32 39.89)", "holds no polygon with an area (linestring)"),
        (
            "POLYGON ((116.30 39.88, 116.31 39.88, 116.31 39.89, 116.30 39.88),"
            " (116.33 39.88, 116.34 39.88, 116.34 39.89, 116.33 39.88))",
            "a hole lies outside its shell (Hole lies outside shell[116.33 39.88])",
        ),
        (
            "POLYGON ((116.30 39.88, 116.32 39.88, 116.32 39.89, 116.30 39.89, 116.30 39.88),"
            " (116.31 39.882, 116.33 39.884, 116.33 39.886, 116.31 39.888, 116.31 39.882))",
            "can be read in two ways, as ",
        ),
        ("POLYGON ((116.30 39.88, 116.31 39.88, 116.30 39.88, 116.30 39.88))", "holds no polygon"),
    ],
)
def test_geometries_without_one_meaning_are_refused_by_number_and_the_rest_is_loaded(
    session: Session, tmp_path: Path, shape: str, words: str
) -> None:
    frame(first_replaced(shapely.from_wkt(shape))).to_file(tmp_path / "a.gpkg", engine="pyogrio")
    result = load(session, tmp_path / "a.gpkg")

    (refused,) = result.refused
    assert (refused.features, refused.code) == ((1,), "110102020")
    assert words in refused.words
    assert len(result.loaded) == 2


def test_heights_and_measures_are_dropped_and_told(session: Session, tmp_path: Path) -> None:
    corners = shapely.get_coordinates(SOUND[0][2])
    xyzm = ", ".join(f"{lon} {lat} 41.5 7" for lon, lat in corners.tolist())
    path = tmp_path / "a.csv"
    path.write_text(f'CODE,LABEL,WKT\n110102020,广安门外街道,"POLYGON ZM (({xyzm}))"\n', "utf-8")

    (mended,) = load(session, path, crs="wgs84").mended

    assert mended.words == "dropped measures; dropped heights"
    _, shapes = repository.geometries_in(session, "imported")
    assert shapes[0].equals(SOUND[0][2])
    assert not shapely.has_z(shapes[0])


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4548", "EPSG:4490"])
def test_heights_are_told_in_whatever_system_they_came(
    session: Session, tmp_path: Path, crs: str
) -> None:
    high = shapely.force_3d(SOUND[0][2], 41.5)
    frame(first_replaced(high)).to_crs(crs).to_file(tmp_path / "a.geojson", engine="pyogrio")

    result = load(session, tmp_path / "a.geojson", crs=crs)

    assert [(it.features, it.words) for it in result.mended] == [((1,), "dropped heights")]
    assert result.refused == ()


def test_heights_on_wgs84_are_no_other_system(session: Session, tmp_path: Path) -> None:
    high = shapely.force_3d(SOUND[0][2], 41.5)
    frame(first_replaced(high)).to_file(tmp_path / "a.geojson", engine="pyogrio")
    whole = json.loads((tmp_path / "a.geojson").read_text("utf-8"))
    path = tmp_path / "b.geojson"
    path.write_text(json.dumps({it: whole[it] for it in ("type", "features")}), "utf-8")
    assert pyogrio.read_info(path)["crs"] == "EPSG:4979"

    result = load(session, path)

    assert (result.crs, result.remarks) == ("wgs84", ())


def test_arcs_are_drawn_as_pieces_and_told(session: Session, tmp_path: Path) -> None:
    arcs = "CURVEPOLYGON (CIRCULARSTRING (116.305 39.885, 116.31 39.889, 116.315 39.885,"
    arcs += " 116.31 39.881, 116.305 39.885))"
    path = tmp_path / "a.csv"
    rows = [("110102020", "广安门外街道", arcs), *((c, n, s.wkt) for c, n, s in SOUND[1:])]
    lines = [f'{code},{label},"{wkt}"' for code, label, wkt in rows]
    path.write_text("\n".join(["CODE,LABEL,WKT", *lines, ""]), "utf-8")

    result = load(session, path, crs="wgs84")

    (mended,) = result.mended
    assert mended.words == "drew its arcs as straight pieces of four degrees"
    assert (len(result.loaded), result.refused) == (2, ())


def test_what_mending_changed_is_told_in_square_metres(session: Session, tmp_path: Path) -> None:
    bow_tie = shapely.Polygon([(116.30, 39.88), (116.32, 39.89), (116.32, 39.88), (116.30, 39.89)])
    frame(first_replaced(bow_tie)).to_file(tmp_path / "a.gpkg", engine="pyogrio")
    result = load(session, tmp_path / "a.gpkg")

    (mended,) = result.mended
    lobes = float(area_m2(shapely.make_valid(bow_tie)))
    assert mended.changed_m2 == pytest.approx(lobes - float(area_m2(bow_tie)), abs=1e-3)
    report = json.loads(json.dumps(full_report(result)))
    assert [it["what"] for it in report["areas"]] == ["mended", "loaded", "loaded"]
    assert report["areas"][0]["changed_m2"] == mended.changed_m2
    assert sum(len(it["features"]) for it in report["areas"]) == report["features"] == 3


def test_a_name_whose_bytes_are_no_text_is_refused_by_number(
    session: Session, tmp_path: Path
) -> None:
    path = tmp_path / "a.geojson"
    frame(SOUND).to_file(path, engine="pyogrio")
    path.write_bytes(path.read_bytes().replace("月坛".encode(), b"\xd4\xc2\xcc\xb3"))

    (refused,) = load(session, path).refused

    assert refused.features == (2,)
    assert refused.words == "the bytes of its LABEL are not text (d4 c2 cc b3 e8 a1 97 e9)"


def test_a_file_that_breaks_off_late_leaves_nothing_behind(
    session: Session, tmp_path: Path
) -> None:
    path = tmp_path / "a.fgb"
    frame(SOUND * 200).to_file(path, engine="pyogrio")
    path.write_bytes(path.read_bytes()[:-40])

    with pytest.raises(BadFile, match=r"cannot be read after feature \d+ .*Nothing was loaded"):
        load(session, path)
    count = text("select count(*) from area where level = 'street'")
    assert session.execute(count).scalar() == 0
    assert [it.id for it in edition_repository.editions(session)] == ["districts"]


@pytest.mark.parametrize("epsg", [4214, 4610, 4555, 2414, 2364])
def test_old_datums_are_refused_with_the_reason(
    session: Session, tmp_path: Path, epsg: int
) -> None:
    frame(SOUND).set_crs(epsg=epsg, allow_override=True).to_file(
        tmp_path / "a.gpkg", engine="pyogrio"
    )
    with pytest.raises(
        UnknownCrs, match="only a ballpark transformation leads to WGS84, tens of metres off"
    ):
        load(session, tmp_path / "a.gpkg")


def test_parameters_that_are_all_zero_are_none(session: Session, tmp_path: Path) -> None:
    frame(SOUND).to_file(tmp_path / "a.gpkg", engine="pyogrio")
    zeros = "+proj=longlat +ellps=krass +towgs84=0,0,0,0,0,0,0"
    with pytest.raises(UnknownCrs, match="only a ballpark transformation leads to WGS84"):
        load(session, tmp_path / "a.gpkg", crs=zeros)


@pytest.mark.parametrize(
    ("member", "words"),
    [
        ({"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::999999"}}, "999999"),
        ({"type": "link", "properties": {"href": "http://somewhere/else"}}, "is not known"),
    ],
)
def test_a_system_that_nobody_knows_is_never_taken_for_wgs84(
    session: Session, tmp_path: Path, member: dict[str, Any], words: str
) -> None:
    path = with_crs(tmp_path / "a.geojson", member)
    assert pyogrio.read_info(path)["crs"] == "EPSG:4326"
    with pytest.raises(UnknownCrs, match=words):
        load(session, path)
    assert load(session, path, crs="wgs84").remarks[0].endswith("read as wgs84, as declared")


def test_a_file_that_calls_itself_gcj02_is_read_so(session: Session, tmp_path: Path) -> None:
    path = with_crs(tmp_path / "a.geojson", {"type": "name", "properties": {"name": "GCJ-02"}})

    assert load(session, path).crs == "gcj02"


def with_crs(path: Path, member: dict[str, Any]) -> Path:
    frame(SOUND).to_file(path, engine="pyogrio")
    features = json.loads(path.read_text("utf-8"))["features"]
    whole = {"type": "FeatureCollection", "crs": member, "features": features}
    path.write_text(json.dumps(whole, ensure_ascii=False), "utf-8")
    return path


@pytest.mark.parametrize("written", ["proj", "wkt", "prj file"])
def test_an_old_datum_with_its_own_parameters_is_taken(
    session: Session, tmp_path: Path, written: str
) -> None:
    parameters = ",".join(str(it) for it in TOWGS84)
    proj = f"+proj=tmerc +lon_0=117 +x_0=500000 +ellps=krass +towgs84={parameters} +units=m"
    # The oracle is PROJ's own pipeline, spelled out step by step.
    x, y, z, rx, ry, rz, scale = TOWGS84
    pipeline = pyproj.Transformer.from_pipeline(
        "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart"
        f" +ellps=WGS84 +step +inv +proj=helmert +x={x} +y={y} +z={z} +rx={rx} +ry={ry} +rz={rz}"
        f" +s={scale} +convention=position_vector +step +inv +proj=cart +ellps=krass"
        " +step +proj=tmerc +lon_0=117 +x_0=500000 +ellps=krass"
    )
    moved = [
        (
            code,
            label,
            shapely.transform(
                shape,
                lambda xy: np.column_stack(
                    pipeline.transform(xy[:, 0], xy[:, 1], np.zeros(len(xy)))[:2]
                ),
            ),
        )
        for code, label, shape in SOUND
    ]
    frame(moved, crs="EPSG:2437").to_file(tmp_path / "a.gpkg", engine="pyogrio")
    declared = {
        "proj": proj,
        "wkt": pyproj.CRS.from_proj4(proj).to_wkt(),
        "prj file": str(tmp_path / "own.prj"),
    }[written]
    (tmp_path / "own.prj").write_text(pyproj.CRS.from_proj4(proj).to_wkt("WKT1_GDAL"))

    result = load(session, tmp_path / "a.gpkg", crs=declared)

    assert (len(result.loaded), result.refused) == (3, ())
    _, shapes = repository.geometries_in(session, "imported", ["110102020"])
    # A metre is 1e-5 degree; height is left out of the way there and back.
    assert shapely.hausdorff_distance(shapes[0], SOUND[0][2]) < 1e-8


def test_a_layer_without_geometries_beside_the_areas_is_passed_over(
    session: Session, tmp_path: Path
) -> None:
    path = tmp_path / "a.gpkg"
    frame(SOUND).to_file(path, layer="streets", engine="pyogrio")
    pyogrio.write_dataframe(frame(SOUND).drop(columns="geometry"), path, layer="words", append=True)

    assert len(load(session, path).loaded) == 3
