"""Files that are cut, empty, bombs or too large: one clear error, and nothing is loaded."""

from __future__ import annotations

import dataclasses
import random
import shutil
import sqlite3
import struct
import zipfile
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyogrio
import pytest
import shapely

from gridsvc.errors import BadFile, TooLarge
from gridsvc.readers.formats import format_of
from gridsvc.readers.largest_geometry import largest_geometry_bytes
from gridsvc.readers.limits import ReadLimits, ReadOptions
from gridsvc.readers.vector_file import read_columns, read_vector_file
from gridsvc.settings import Settings

OPTIONS = ReadOptions(ReadLimits.of(Settings()))
ROWS = 400
FORMATS = ["shp", "gpkg", "geojson", "geojsonl", "fgb", "parquet", "kml"]


def write(path: Path, rows: int = ROWS, **options: Any) -> Path:
    frame = geopandas.GeoDataFrame(
        {"CODE": [f"{110102000001 + it}" for it in range(rows)], "NAME": ["广安门外街道"] * rows},
        geometry=[
            shapely.box(116.3 + it * 1e-3, 39.8, 116.301 + it * 1e-3, 39.9) for it in range(rows)
        ],
        crs="EPSG:4326",
    )
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".kml":
        frame.rename(columns={"NAME": "LABEL"}).to_file(path, engine="pyogrio", driver="KML")
    else:
        frame.to_file(path, engine="pyogrio", **options)
    return path


def zipped(path: Path, *members: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members:
            archive.write(member, member.name)
    return path


GBK = dataclasses.replace(OPTIONS, encoding="GBK")


def limited(name: str, value: object) -> ReadOptions:
    """The limits of a service that sets one of them, by the end of its name."""
    return ReadOptions(ReadLimits.of(Settings(**{f"import_max_{name.lower()}": value})))


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_that_was_cut_anywhere_is_refused_whole(tmp_path: Path, suffix: str) -> None:
    whole = write(tmp_path / f"a.{suffix}")
    assert len(read_vector_file(whole, ["CODE"], OPTIONS).features) == ROWS
    blob = whole.read_bytes().rstrip(b"\n")
    chance = random.Random(4)
    for size in [1, 3, 50, len(blob) - 1, len(blob) // 2, *chance.choices(range(len(blob)), k=10)]:
        # A line of GeoJSON ends a file as well as any other: such a cut cannot be seen.
        if suffix == "geojsonl" and blob[:size].rstrip().endswith(b"}"):
            continue
        whole.write_bytes(blob[:size])
        with pytest.raises(BadFile):
            read_vector_file(whole, ["CODE"], OPTIONS)


@pytest.mark.parametrize("suffix", ["dbf", "shx"])
def test_a_shapefile_whose_other_files_were_cut_or_lost_is_refused(
    tmp_path: Path, suffix: str
) -> None:
    path = write(tmp_path / "a.shp", encoding="UTF-8")
    other = path.with_suffix(f".{suffix}")
    blob = other.read_bytes()
    for size in (0, 20, 100, len(blob) // 2, len(blob) - 9):
        other.write_bytes(blob[:size])
        with pytest.raises(BadFile):
            read_vector_file(path, ["CODE"], OPTIONS)
    other.unlink()
    with pytest.raises(BadFile, match=f"there is no .{suffix} beside it"):
        read_vector_file(path, ["CODE"], OPTIONS)


@pytest.mark.parametrize("name", ["a.shp", "a.gpkg", "a.geojson", "a.parquet", "a.gdb", "a"])
def test_an_empty_file_says_that_it_is_empty(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(BadFile, match="is empty; ask for the file again"):
        read_vector_file(tmp_path / name, ["CODE"], OPTIONS)


def test_a_zipped_shapefile_is_read_and_nothing_of_it_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "unpacked"))
    (tmp_path / "unpacked").mkdir()
    write(tmp_path / "a.shp", encoding="GBK")
    path = zipped(tmp_path / "a.zip", *tmp_path.glob("a.*"))

    features = read_vector_file(path, ["NAME"], OPTIONS).features

    assert {feature.texts["NAME"] for feature in features} == {"广安门外街道"}
    assert list((tmp_path / "unpacked").iterdir()) == []


def test_a_zipped_file_geodatabase_is_read(tmp_path: Path) -> None:
    write(tmp_path / "a.gdb", driver="OpenFileGDB")
    shutil.make_archive(str(tmp_path / "a"), "zip", tmp_path, "a.gdb")

    assert len(read_vector_file(tmp_path / "a.zip", ["CODE"], OPTIONS).features) == ROWS


def test_a_zip_that_swells_too_much_is_refused_before_anything_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "unpacked"))
    (tmp_path / "unpacked").mkdir()
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.geojson", b" " * 50_000_000)
    with pytest.raises(
        TooLarge, match=r"unpack to 1,0\d\d times its size, 50,000,000 bytes.*Nothing was"
    ):
        read_vector_file(tmp_path / "bomb.zip", ["CODE"], OPTIONS)

    write(tmp_path / "a.gpkg")
    path = zipped(tmp_path / "a.zip", tmp_path / "a.gpkg")
    options = limited("BYTES", path.stat().st_size + 1)
    with pytest.raises(TooLarge, match="GRIDSVC_IMPORT_MAX_BYTES"):
        read_vector_file(path, ["CODE"], options)
    assert list((tmp_path / "unpacked").iterdir()) == []


def test_a_zip_that_lies_about_its_sizes_unpacks_no_more_than_it_declares(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.geojson", b" " * 50_000_000)
    blob = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(
        blob.replace(struct.pack("<I", 50_000_000), struct.pack("<I", 1_000))
    )
    with pytest.raises(BadFile, match="cannot be unpacked"):
        read_vector_file(tmp_path / "a.zip", ["CODE"], OPTIONS)


def test_a_cut_zip_or_one_without_areas_or_with_two_is_refused(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a.gpkg"), write(tmp_path / "b.gpkg")
    (tmp_path / "words.txt").write_text("words")
    whole = zipped(tmp_path / "z.zip", first)
    blob = whole.read_bytes()
    for size in (10, len(blob) // 2, len(blob) - 5):
        whole.write_bytes(blob[:size])
        with pytest.raises(BadFile, match="cannot be unpacked"):
            read_vector_file(whole, ["CODE"], OPTIONS)
    with pytest.raises(BadFile, match=r"one vector file, but holds 2 \(a.gpkg, b.gpkg\)"):
        read_vector_file(zipped(tmp_path / "two.zip", first, second), ["CODE"], OPTIONS)
    with pytest.raises(BadFile, match="one vector file, but holds 0"):
        read_vector_file(zipped(tmp_path / "no.zip", tmp_path / "words.txt"), ["CODE"], OPTIONS)


def test_a_member_that_climbs_out_of_its_zip_stays_inside(tmp_path: Path) -> None:
    write(tmp_path / "a.gpkg", 3)
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.write(tmp_path / "a.gpkg", "../../climbed.gpkg")

    assert len(read_vector_file(tmp_path / "z.zip", ["CODE"], OPTIONS).features) == 3
    assert list(tmp_path.parent.glob("**/climbed.gpkg")) == []


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("BYTES", "1000", "bytes, more than the 1,000 that are accepted"),
        ("FEATURES", "399", "more than the 399 features"),
        ("VERTICES", "1000", "up to feature 201, more than the 1,000 vertices that are accepted"),
    ],
)
def test_a_file_above_a_limit_is_refused_with_the_limit(
    tmp_path: Path, setting: str, value: str, words: str
) -> None:
    path = write(tmp_path / "a.fgb")
    with pytest.raises(TooLarge, match=words) as refused:
        read_vector_file(path, ["CODE"], limited(setting, value))
    assert f"GRIDSVC_IMPORT_MAX_{setting}" in str(refused.value)


def test_a_file_that_only_leads_to_others_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "a.gpkg")
    virtual = tmp_path / "a.vrt"
    virtual.write_text(
        f'<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>{tmp_path / "a.gpkg"}'
        "</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
    )
    assert pyogrio.read_info(virtual)["features"] == ROWS
    with pytest.raises(BadFile, match="refers to other files"):
        read_vector_file(virtual, ["CODE"], OPTIONS)


@pytest.mark.parametrize("suffix", ["geojson", "gpkg"])
def test_bytes_that_are_no_text_are_told_by_feature_and_column(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"a.{'gpkg' if suffix == 'gpkg' else 'geojson'}", 3)
    if suffix == "gpkg":
        with sqlite3.connect(path) as base:
            for (name,) in base.execute(
                "select name from sqlite_master where type = 'trigger'"
            ).fetchall():
                base.execute(f'drop trigger "{name}"')
            base.execute("update a set NAME = cast(x'b9e3fffe' as text) where fid = 2")
        base.close()
    else:
        first, second, third = path.read_bytes().split("广安门外街道".encode(), 2)
        path.write_bytes(first + "广安门外街道".encode() + second + b"\xb9\xe3\xff\xfe" + third)

    features = read_vector_file(path, ["CODE", "NAME"], OPTIONS).features

    assert [feature.trouble for feature in features] == [
        None,
        "the bytes of its NAME are not text (b9 e3 ff fe)",
        None,
    ]
    assert read_columns(path, 10, OPTIONS)["NAME"][1] is None


def test_a_column_that_is_no_text_asks_for_its_encoding_and_is_read_by_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.geojson", 7)
    path.write_bytes(path.read_text("utf-8").encode("gbk"))

    with pytest.raises(
        BadFile, match=r"column NAME .* not text in UTF-8 \(look at features 1, 2, 3"
    ):
        read_columns(path, 10, OPTIONS)
    assert read_columns(path, 10, GBK)["NAME"] == ["广安门外街道"] * 7
    features = read_vector_file(path, ["NAME"], GBK).features
    assert {it.texts["NAME"] for it in features} == {"广安门外街道"}


def test_a_file_without_features_says_so_before_its_columns_are_guessed(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(BadFile, match=r"a.geojson holds no features"):
        read_columns(path, 10, OPTIONS)


def test_parquet_without_the_metadata_of_geoparquet_is_refused(tmp_path: Path) -> None:
    frame = geopandas.read_file(write(tmp_path / "a.gpkg"), engine="pyogrio")
    frame.drop(columns="geometry").to_parquet(tmp_path / "a.parquet")
    with pytest.raises(BadFile, match="without the metadata of GeoParquet"):
        read_vector_file(tmp_path / "a.parquet", ["CODE"], OPTIONS)


@pytest.mark.parametrize("suffix", ["shp", "gpkg", "fgb", "gdb", "kml", "parquet", "geojson"])
def test_one_geometry_above_the_limit_is_refused_before_it_is_read(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
) -> None:
    path = write_circle(tmp_path / f"a.{suffix}", 80_000)
    assert len(read_vector_file(path, ["CODE"], OPTIONS).features) == 1
    if suffix not in ("parquet", "geojson"):  # they tell it when they are opened
        monkeypatch.setattr("gridsvc.readers.vector_file.open_layer", None)
    error = BadFile if suffix == "geojson" else TooLarge
    with pytest.raises(error, match="GRIDSVC_IMPORT_MAX_GEOMETRY_BYTES"):
        read_vector_file(path, ["CODE"], limited("GEOMETRY_BYTES", 1_000_000))


def write_circle(path: Path, vertices: int, rows: int = 1) -> Path:
    """Features of which the last one is a circle of so many vertices."""
    angles = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    circle = shapely.Polygon(np.column_stack([np.cos(angles) + 116, np.sin(angles) + 39]))
    boxes = [shapely.box(116.3, 39.8, 116.4, 39.9)] * (rows - 1)
    frame = geopandas.GeoDataFrame(
        {"CODE": ["110102"] * rows}, geometry=[*boxes, circle], crs="EPSG:4326"
    )
    drivers = {".kml": {"driver": "KML"}, ".gdb": {"driver": "OpenFileGDB"}}
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path, engine="pyogrio", **drivers.get(path.suffix, {}))
    return path


@pytest.mark.parametrize("suffix", ["shp", "gpkg", "fgb", "gdb", "kml"])
@pytest.mark.parametrize("rows", [1, 2, 300])
def test_the_largest_geometry_is_found_wherever_it_stands(
    tmp_path: Path, suffix: str, rows: int
) -> None:
    path = write_circle(tmp_path / f"a.{suffix}", 20_000, rows)
    found = largest_geometry_bytes(path, format_of(path), OPTIONS.limits.features)

    assert 20_000 * 16 <= found < 20_000 * 16 * 8


def test_a_geometry_that_only_its_reader_can_measure_is_refused_by_number(
    tmp_path: Path,
) -> None:
    path = write_circle(tmp_path / "a.parquet", 80_000, rows=300)
    with pytest.raises(TooLarge, match=r"Feature 300 of a.parquet .*GEOMETRY_BYTES"):
        read_vector_file(path, ["CODE"], limited("GEOMETRY_BYTES", 1_000_000))


def test_a_small_parquet_that_swells_is_refused_before_it_is_read(tmp_path: Path) -> None:
    corners = np.tile([[116.4, 39.9], [116.41, 39.9]], (2_000_000, 1))
    ring = shapely.Polygon(np.vstack([corners, corners[:1]]))
    frame = geopandas.GeoDataFrame({"CODE": ["110102"]}, geometry=[ring], crs="EPSG:4326")
    frame.to_parquet(tmp_path / "bomb.parquet", compression="zstd")
    assert (tmp_path / "bomb.parquet").stat().st_size < 50_000
    with pytest.raises(TooLarge, match="one geometry of more than the 50,000,000 bytes"):
        read_columns(tmp_path / "bomb.parquet", 1, OPTIONS)


@pytest.mark.parametrize("kind", ["polygon", "multipolygon"])
@pytest.mark.parametrize("height", [None, 41.5])
def test_parquet_whose_geometries_are_lists_gives_the_same_areas(
    tmp_path: Path, kind: str, height: float | None
) -> None:
    ring = [(116.31, 39.81), (116.32, 39.81), (116.32, 39.82)]
    shapes = [shapely.Polygon(shapely.box(116.3, 39.8, 116.4, 39.9).exterior, [ring])] * 200
    shapes[3] = shapely.box(116, 39, 117, 40)
    if kind == "multipolygon":
        shapes = [shapely.MultiPolygon([it]) for it in shapes]
        shapes[5] = shapely.MultiPolygon([*shapes[5].geoms, shapely.box(117, 39, 118, 40)])
    drawn = shapes if height is None else [shapely.force_3d(it, height) for it in shapes]
    frame = geopandas.GeoDataFrame(
        {"CODE": [str(it) for it in range(201)]}, geometry=[*drawn, None], crs="EPSG:4326"
    )
    frame.to_parquet(tmp_path / "a.parquet", geometry_encoding="geoarrow")

    features = read_vector_file(tmp_path / "a.parquet", ["CODE"], OPTIONS).features

    assert features[200].trouble == "it has no geometry"
    assert [it.texts["CODE"] for it in features] == [str(it) for it in range(201)]
    assert all(it.geometry.equals(shape) for it, shape in zip(features, shapes, strict=False))
    assert {it.how for it in features[:200]} == {() if height is None else ("dropped heights",)}


def test_cells_and_geometries_that_repeat_in_parquet_stay_whole(tmp_path: Path) -> None:
    frame = geopandas.GeoDataFrame(
        {"CODE": ["110102020", None, "110102020"], "N": [1, None, 3]},
        geometry=[shapely.box(116.3, 39.8, 116.4, 39.9), None, shapely.box(116, 39, 117, 40)],
        crs="EPSG:4326",
    )
    frame.to_parquet(tmp_path / "a.parquet")

    features = read_vector_file(tmp_path / "a.parquet", ["CODE", "N"], OPTIONS).features

    assert [it.texts["CODE"] for it in features] == ["110102020", None, "110102020"]
    assert [it.texts["N"] for it in features] == ["1", None, "3"]
    assert [it.trouble for it in features] == [None, "it has no geometry", None]
    assert features[2].geometry.equals(shapely.box(116, 39, 117, 40))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.kml", "<kml>"),
        ("a.json", '{"type": "Topology", "arcs": []}'),
        ("a.json", '{"geometryType": "esriGeometryPolygon"}'),
    ],
)
def test_a_kind_that_is_held_whole_in_memory_has_a_lower_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    for limit in ("_MOST_KML_BYTES", "_MOST_JSON_BYTES"):
        monkeypatch.setattr(f"gridsvc.readers.source.{limit}", len(text) - 1)
    with pytest.raises(TooLarge, match="held in memory whole"):
        read_vector_file(tmp_path / name, ["CODE"], OPTIONS)
