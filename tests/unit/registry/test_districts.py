"""The real districts and the list of divisions are read whole."""

from __future__ import annotations

import struct
from collections import Counter

import numpy as np
import pytest
import shapely

from gridsvc.errors import BadFile
from gridsvc.registry import districts
from tests import cities


@pytest.fixture(scope="module")
def real():
    return districts.read_districts("1101")


def test_beijing_has_sixteen_districts_in_order_of_code(real):
    assert len(real) == 16
    assert [district.code for district in real] == sorted(district.code for district in real)
    assert real[1].code == "110102"
    assert real[1].name == "西城区"


def test_the_districts_have_14130_vertices(real):
    assert sum(shapely.get_num_coordinates(district.geometry) for district in real) == 14_130


def test_the_districts_are_a_valid_coverage(real):
    geometries = [district.geometry for district in real]
    assert all(shapely.is_valid(geometries))
    assert shapely.coverage_is_valid(geometries)


def test_the_centre_of_the_city_lies_in_dongcheng_and_the_airport_in_chaoyang(real):
    by_code = {district.code: district.geometry for district in real}
    assert by_code["110101"].contains(shapely.Point(116.4035, 39.9150))
    assert by_code["110105"].contains(shapely.Point(116.5850, 40.0725))
    assert len(by_code["110105"].geoms) == 2


def test_only_districts_of_the_city_are_read():
    assert {d.code for d in districts.read_districts("110102")} == {"110102"}
    assert districts.read_districts("9999") == []


def test_names_and_codes_of_all_divisions_are_read():
    divisions = districts.read_divisions(cities.BOUNDARIES)
    assert Counter(division.level for division in divisions) == {
        "district": 16,
        "street": 349,
        "community": 7535,
    }
    by_code = {division.code: division for division in divisions}
    assert by_code["110102020"].name == "广安门外街道"
    assert by_code["110102020"].parent == "110102"
    assert by_code["110106002"].name == "太平桥街道"


def test_the_polygons_and_the_list_name_the_same_districts(real):
    listed = {
        d.code: d.name for d in districts.read_divisions(cities.BOUNDARIES) if d.level == "district"
    }
    assert listed == {district.code: district.name for district in real}


@pytest.mark.parametrize(
    "row",
    ["110102,again,district,", "110103001,orphan,street,110103", "110102x,letters,street,110102"],
)
def test_a_row_that_does_not_fit_is_refused_with_its_line(tmp_path, row):
    path = tmp_path / "beijing_divisions_2023.csv"
    path.write_text(f"code,name,level,parent\n110102,西城区,district,\n{row}\n", "utf-8")
    with pytest.raises(BadFile, match="line 3"):
        districts.read_divisions(tmp_path)


def test_a_ring_of_absolute_vertices_is_decoded_as_one_of_differences():
    corners = np.array([[100, 100], [110, 100], [110, 115], [100, 100]])
    absolute = struct.pack("<I", 0) + corners.astype("<u4").tobytes()
    steps = np.diff(corners, axis=0).astype("<i2").tobytes()
    differences = struct.pack("<I", 1) + corners[0].astype("<u4").tobytes() + steps
    expected = corners * 2e-6 - (180.0, 90.0)
    assert np.array_equal(districts._decode_ring(absolute), expected)
    assert np.array_equal(districts._decode_ring(differences), expected)


def test_a_truncated_file_is_not_decoded():
    with pytest.raises(ValueError, match="does not fill"):
        list(districts._children(struct.pack("<III", 1, 8, 0)))
