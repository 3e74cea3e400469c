"""Parts are read as guardedly as areas, and nothing in a cell changes on the way."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path

import geopandas
import pytest
import shapely

from gridsvc.errors import BadFile, BadInput, TooLarge, UnknownCrs
from gridsvc.readers.limits import ReadOptions
from gridsvc.registry.parts.reading import RawParts, parts_limits, read_parts
from gridsvc.settings import Settings

LIMITS = parts_limits(Settings())
PLACE = shapely.Point(116.4, 39.9)
HEADER = "class_code,lon,lat,note\n"


def frame(**columns: list[object]) -> geopandas.GeoDataFrame:
    count = len(next(iter(columns.values())))
    return geopandas.GeoDataFrame(
        {"class_code": ["01037"] * count, **columns}, geometry=[PLACE] * count, crs="EPSG:4326"
    )


def zipped(path: Path, *members: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members:
            archive.write(member, member.name)
    return path


def read(
    path: Path, layer: str | None = None, encoding: str | None = None, **options: object
) -> RawParts:
    return read_parts(path, ReadOptions(LIMITS, layer, encoding), **options)


def test_gbk_without_a_word_about_it_is_told_from_the_columns_and_the_texts(tmp_path: Path) -> None:
    table = frame(名称=["路灯", "井盖"], 部件状态=["完好", "破损"])
    table.to_file(tmp_path / "p.shp", engine="pyogrio", encoding="GBK")
    (tmp_path / "p.cpg").unlink()
    dbf = (tmp_path / "p.dbf").read_bytes()
    (tmp_path / "p.dbf").write_bytes(dbf[:29] + b"\0" + dbf[30:])

    raw = read(tmp_path / "p.shp")

    assert raw.columns["name"].tolist() == ["路灯", "井盖"]
    assert raw.columns["state"].tolist() == ["完好", "破损"]
    assert raw.remarks == ("p.shp does not name an encoding; its text was read as gb18030",)


def test_a_declared_encoding_goes_before_all_others(tmp_path: Path) -> None:
    frame(note=["广"]).to_file(tmp_path / "p.shp", engine="pyogrio", encoding="GBK")
    assert read(tmp_path / "p.shp", encoding="latin-1").columns["note"].tolist() == ["¹ã"]


def test_long_ids_beside_an_empty_cell_keep_their_last_digits(tmp_path: Path) -> None:
    ids = [11010101037000001, None]
    document = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"class_code": "01037", "national_id": it},
                "geometry": shapely.geometry.mapping(PLACE),
            }
            for it in ids
        ],
    }
    (tmp_path / "p.geojson").write_text(json.dumps(document), "utf-8")
    raw = read(tmp_path / "p.geojson")
    assert raw.columns["national_id"].tolist() == ["11010101037000001", ""]


@pytest.mark.parametrize("name", ["GCJ-02", "urn:ogc:def:crs:EPSG::999999"])
def test_a_crs_of_geojson_that_nobody_knows_is_not_wgs84(tmp_path: Path, name: str) -> None:
    document = json.loads(frame(note=["x"]).to_json())
    document = {"crs": {"type": "name", "properties": {"name": name}}} | {
        key: value for key, value in document.items() if key != "crs"
    }
    (tmp_path / "p.geojson").write_text(json.dumps(document), "utf-8")
    if name == "GCJ-02":
        assert read(tmp_path / "p.geojson").crs.name == "gcj02"
    else:
        with pytest.raises(UnknownCrs):
            read(tmp_path / "p.geojson")
    assert read(tmp_path / "p.geojson", crs="bd09").crs.name == "bd09"


def test_a_file_without_crs_asks_for_one_and_takes_the_text_of_a_prj(tmp_path: Path) -> None:
    frame(note=["x"]).to_file(tmp_path / "p.shp", engine="pyogrio")
    (tmp_path / "p.prj").rename(tmp_path / "other.prj")
    with pytest.raises(BadFile, match="does not name its CRS; declare it"):
        read(tmp_path / "p.shp")
    assert read(tmp_path / "p.shp", crs=str(tmp_path / "other.prj")).crs.in_degrees


def test_one_of_several_layers_must_be_named(tmp_path: Path) -> None:
    for layer, note in (("lamps", "one"), ("covers", "two")):
        frame(note=[note]).to_file(tmp_path / "p.gpkg", layer=layer, engine="pyogrio")
    with pytest.raises(BadFile, match=r"has 2 layers \(lamps, covers\); say which"):
        read(tmp_path / "p.gpkg")
    assert read(tmp_path / "p.gpkg", layer="covers").columns["note"].tolist() == ["two"]


def test_a_zip_is_read_and_one_that_swells_is_refused(tmp_path: Path) -> None:
    frame(note=["x"]).to_file(tmp_path / "p.shp", engine="pyogrio")
    assert len(read(zipped(tmp_path / "p.zip", *tmp_path.glob("p.*")))) == 1
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("p.geojson", b" " * 50_000_000)
    with pytest.raises(TooLarge, match="Nothing was unpacked"):
        read(tmp_path / "bomb.zip")


@pytest.mark.parametrize("suffix", ["gml", "gpx", "dxf", "parquet", "kml"])
def test_formats_that_gdal_or_arrow_reads_are_taken(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"p.{suffix}"
    columns = {"gpx": "desc", "dxf": "Layer", "kml": "description"}
    column = columns.get(suffix, "note")
    table = frame(note=["01037", "01037"]).rename(columns={"note": column})
    if suffix == "parquet":
        table.to_parquet(path)
    else:
        driver = {"driver": "KML"} if suffix == "kml" else {}
        table[[column, "geometry"]].to_file(path, engine="pyogrio", **driver)
    options = {} if suffix in ("gml", "parquet", "kml") else {"crs": "wgs84"}
    if suffix == "gpx":
        options["layer"] = "waypoints"
    raw = read(path, mapping={"class_code": column}, **options)
    assert raw.columns["class_code"].tolist() == ["01037", "01037"]
    assert [it.equals(PLACE) for it in raw.geometries] == [True, True]


def test_cells_and_geometries_that_cannot_be_used_are_told_by_row(tmp_path: Path) -> None:
    table = frame(note=["x", "x" * 2_000, "x" * 100_001])
    table.geometry = [None, PLACE, PLACE]
    table.to_file(tmp_path / "p.gpkg", engine="pyogrio")
    raw = read(tmp_path / "p.gpkg")
    assert raw.faults == {0: "it has no geometry", 2: "its note has 100,001 characters"}
    assert raw.columns["note"][1] == "x" * 2_000


def test_more_rows_than_are_taken_are_refused_with_the_setting(tmp_path: Path) -> None:
    few = dataclasses.replace(LIMITS, features=2)
    frame(note=["a", "b", "c"]).to_file(tmp_path / "p.fgb", engine="pyogrio")
    (tmp_path / "p.csv").write_text(HEADER + "01037,116.4,39.9,x\n" * 3)
    for name in ("p.fgb", "p.csv"):
        with pytest.raises(TooLarge, match="GRIDSVC_IMPORT_MAX_PARTS"):
            read_parts(tmp_path / name, ReadOptions(few))
    (tmp_path / "p.csv").write_text(HEADER + "01037,116.4,39.9,x\n" * 2)
    assert len(read_parts(tmp_path / "p.csv", ReadOptions(few))) == 2
    with pytest.raises(TooLarge, match="GRIDSVC_IMPORT_MAX_BYTES"):
        read_parts(tmp_path / "p.csv", ReadOptions(dataclasses.replace(LIMITS, file_bytes=10)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("class_code,lon,lat,lon\n", "p.csv, line 1: the column 'lon' is duplicated"),
        (HEADER + '01037,1,2,a\n01037,1,2,"b\n', "p.csv is not a CSV file: line 3"),
        ("", "p.csv is empty"),
        ("\udcff\udcff", "neither UTF-8 nor GB18030"),
    ],
)
def test_a_csv_that_cannot_be_told_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "p.csv").write_text(text, "utf-8", errors="surrogateescape")
    with pytest.raises(BadInput, match=words):
        read(tmp_path / "p.csv")
