"""Any vector file becomes features with texts and WGS84 geometries."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pytest
import shapely

from gridsvc.errors import BadFile
from gridsvc.readers.limits import ReadLimits, ReadOptions
from gridsvc.readers.vector_file import read_vector_file
from gridsvc.settings import Settings

OPTIONS = ReadOptions(ReadLimits.of(Settings()))
BOX = shapely.box(116.30, 39.88, 116.32, 39.90)


def geojson(path: Path, *features: tuple[dict[str, Any], Any]) -> Path:
    document = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": values, "geometry": geometry}
            for values, geometry in features
        ],
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_cells_are_texts_whatever_their_type(tmp_path: Path) -> None:
    square = shapely.geometry.mapping(BOX)
    path = geojson(
        tmp_path / "a.geojson",
        ({"whole": 110102020, "real": 110102020.0, "word": " 名 "}, square),
        ({"whole": None, "real": None, "word": ""}, square),
        ({"whole": 1, "real": 0.5, "word": "x"}, square),
    )

    file = read_vector_file(path, ["whole", "real", "word"], OPTIONS)

    assert [feature.texts for feature in file.features] == [
        {"whole": "110102020", "real": "110102020", "word": "名"},
        {"whole": None, "real": None, "word": None},
        {"whole": "1", "real": "0.5", "word": "x"},
    ]
    assert [feature.number for feature in file.features] == [1, 2, 3]


def test_a_feature_without_geometry_says_so_and_the_others_stay(tmp_path: Path) -> None:
    path = geojson(
        tmp_path / "a.geojson", ({"c": "1"}, None), ({"c": "2"}, shapely.geometry.mapping(BOX))
    )

    first, second = read_vector_file(path, ["c"], OPTIONS).features

    assert (first.geometry, first.trouble) == (None, "it has no geometry")
    assert second.geometry.equals(BOX)
    assert second.trouble is None


def test_a_file_without_features_has_none(tmp_path: Path) -> None:
    path = tmp_path / "empty.geojson"
    path.write_text('{"type": "FeatureCollection", "features": []}')

    with pytest.raises(BadFile, match="has no column 'c'; it has none"):
        read_vector_file(path, ["c"], OPTIONS)


def test_arcs_arrive_as_short_straight_pieces(tmp_path: Path) -> None:
    curve = "CURVEPOLYGON (CIRCULARSTRING (116.30 39.88, 116.31 39.89, 116.32 39.88, 116.31 39.87,"
    curve += " 116.30 39.88))"
    path = tmp_path / "c.csv"
    path.write_text(f'c,WKT\n1,"{curve}"\n', encoding="utf-8")

    (feature,) = read_vector_file(path, ["c"], OPTIONS, crs="wgs84").features

    assert feature.geometry.geom_type == "Polygon"
    assert feature.geometry.area == pytest.approx(math.pi * 0.01**2, rel=1e-3)


def test_texts_that_are_in_no_known_encoding_ask_for_one(tmp_path: Path) -> None:
    path = tmp_path / "s.shp"
    pyogrio.raw.write(
        path,
        geometry=shapely.to_wkb([BOX]),
        field_data=[np.array(["xy"], dtype=object)],
        fields=["C"],
        geometry_type="Polygon",
        crs="EPSG:4326",
        encoding="ISO-8859-1",
    )
    path.with_suffix(".cpg").unlink()
    table = path.with_suffix(".dbf").read_bytes()
    table = table[:29] + b"\0" + table[30:]
    path.with_suffix(".dbf").write_bytes(table.replace(b"xy", b"\xff\xff"))

    with pytest.raises(BadFile, match="declare the encoding"):
        read_vector_file(path, ["C"], OPTIONS)
    latin = ReadOptions(OPTIONS.limits, encoding="ISO-8859-1")
    (feature,) = read_vector_file(path, ["C"], latin).features
    assert feature.texts == {"C": "ÿÿ"}
