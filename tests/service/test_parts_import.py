"""Parts come in by one way: all of a file or none, every bad row named, each in its grid."""

from __future__ import annotations

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
from sqlalchemy import func, select, text

from gridsvc.city.classes import STANDARD
from gridsvc.errors import BadFile, BadInput, CodesExhausted, NotFound, UnknownCrs
from gridsvc.readers.limits import ReadOptions
from gridsvc.registry.classes.service import part_class_names
from gridsvc.registry.grids.models import NationalId
from gridsvc.registry.parts import numbering
from gridsvc.registry.parts.importer import import_parts
from gridsvc.registry.parts.models import Part
from gridsvc.registry.parts.reading import parts_limits, parts_of_table, read_parts
from gridsvc.settings import Settings
from gridsvc.spatial.crs import from_wgs84
from tests import cities
from tests.service import parts_world as world

pytestmark = pytest.mark.system(2)


@pytest.fixture
def register(session):
    world.build(session)
    return session


def load(session, source, *, dry_run=False, **options):
    if isinstance(source, pd.DataFrame):
        raw = parts_of_table(source, **options)
    else:
        names = part_class_names(session, STANDARD).values()
        reading = ReadOptions(parts_limits(Settings()), known_names=set(names))
        raw = read_parts(source, reading, **options)
    return import_parts(
        session, raw, district=world.DISTRICT, dry_run=dry_run, city=cities.city(), now=cities.now()
    )


def reasons(result):
    return [fault.reason for fault in result.refused]


def parts_of(session):
    return session.scalars(select(Part).order_by(Part.code)).all()


def test_a_part_gets_code_ids_place_and_defaults(register):
    lon, lat = world.inside(2.5, 0.5)
    result = load(register, world.rows(1, lon=lon, lat=lat))
    assert (result.loaded, result.refused, result.without_grid) == (1, (), 0)
    (part,) = parts_of(register)
    assert part.code == "00210000"
    assert part.national_id == "11010101037000001"
    assert part.national_id_2013 == "1101010137000001"
    assert (part.street_code, part.community_code) == ("110101002", "110101002001")
    assert part.grid_code == "00200011"
    assert (part.name, part.state, part.position_class) == ("路灯", "intact", "C")
    ids = register.scalars(select(NationalId).where(NationalId.kind == "part")).all()
    assert {(row.id, row.code) for row in ids} == {
        (part.national_id, part.code),
        (part.national_id_2013, part.code),
    }


def test_codes_and_serials_count_on_from_the_register(register):
    lon, lat = world.inside(0.5, 0.5)
    for _ in range(2):
        load(register, world.rows(2, lon=lon, lat=lat))
    parts = parts_of(register)
    assert [part.code for part in parts] == ["00110000", "00110001", "00110002", "00110003"]
    assert [part.national_id[-6:] for part in parts] == ["000001", "000002", "000003", "000004"]


def test_a_citys_own_codes_and_ids_are_kept_and_counted_on(register):
    lon, lat = world.inside(0.5, 0.5)
    given = ["12345678", "11010101037000008", "1101010137000011", "00110005", ""]
    load(register, world.rows(5, code=given, lon=lon, lat=lat))
    parts = {part.code: part for part in parts_of(register)}
    assert set(parts) == {"12345678", "00110005", "00110006", "00110007", "00110008"}
    assert parts["00110006"].national_id == "11010101037000008"
    assert parts["00110006"].national_id_2013 == "1101010137000008"
    assert parts["00110007"].national_id_2013 == "1101010137000011"
    assert {int(part.national_id[-6:]) for part in parts.values()} == {8, 12, 13, 14, 15}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"class_code": "01016"}, "unknown class '01016'"),
        ({"class_code": "06001"}, "unknown class '06001'"),
        ({"class_code": "1037"}, "with its leading zero 01037 is 路灯"),
        ({"class_code": ""}, "no class"),
        ({"state": "坏了"}, "unknown state '坏了'"),
        ({"competent_body": "NOBODY"}, "unknown body 'NOBODY' in competent_body"),
        ({"owner_body": "NOBODY"}, "unknown body 'NOBODY' in owner_body"),
        ({"competent_body": ""}, "no competent body"),
        ({"lon": ""}, "are not two finite numbers"),
        ({"lon": "", "lat": ""}, "no geometry"),
        ({"lon": "east"}, "the coordinates 'east', '39.9015' are not two finite numbers"),
        ({"lon": "inf"}, "are not two finite numbers"),
        ({"lon": 116.30}, "outside district 110101 东城区"),
        ({"lon": 39.9015, "lat": 116.402}, "longitude and latitude seem to be swapped"),
        ({"lon": 447_000.0, "lat": 4_419_000.0}, "wrong CRS: the coordinates are not degrees"),
        ({"code": "1234"}, "does not have 8 digits"),
        ({"code": "00100011"}, "the code 00100011 belongs to a unit grid"),
        ({"code": "11010501037000001"}, "does not belong to district 110101"),
        ({"name": "灯" * 31}, "more than 30 characters"),
        ({"first_date": "22.10.2004"}, "the first date '22.10.2004' is not a date"),
        ({"position_class": "D"}, "the position class is not A, B or C"),
    ],
)
def test_a_bad_row_is_named_with_its_reason_and_nothing_is_loaded(register, change, reason):
    lon, lat = world.inside()
    table = world.rows(3, lon=lon, lat=lat).astype(object)
    for column, value in change.items():
        if column not in table:
            table[column] = "" if column != "competent_body" else "110101-CGW"
        table.loc[1, column] = value
    result = load(register, table)
    assert result.loaded == 0
    assert [(fault.row, reason in fault.reason) for fault in result.refused] == [(2, True)]
    assert register.scalar(select(func.count()).select_from(Part)) == 0
    assert register.scalar(select(func.count()).where(NationalId.kind == "part")) == 0


def test_a_code_that_stands_twice_is_listed_in_both_rows(register):
    result = load(register, world.rows(3, code=["00110001", "", "00110001"]))
    assert [(fault.row, fault.code) for fault in result.refused] == [
        (1, "00110001"),
        (3, "00110001"),
    ]
    assert "is duplicated, in rows 1, 3" in result.refused[0].reason


def test_a_code_and_an_id_of_the_register_cannot_come_again(register):
    load(register, world.rows(1, code="00110001"))
    again = load(register, world.rows(2, code=["00110001", "11010101037000001"]))
    assert reasons(again) == [
        "the code 00110001 belongs to a part in the register",
        "the national id 11010101037000001 is already in the register",
    ]
    derived = load(register, world.rows(1, code="1101010137000001"))
    assert reasons(derived) == ["the national id 1101010137000001 is already in the register"]


def test_the_same_code_may_be_given_in_another_district(register):
    load(register, world.rows(1, code="12345678"))
    lon, lat = world.inside(5, 1)
    table = world.rows(1, code="12345678", lon=lon, lat=lat)
    other = import_parts(
        register,
        parts_of_table(table),
        district=world.NEIGHBOUR,
        city=cities.city(),
        now=cities.now(),
    )
    assert other.loaded == 1


@pytest.mark.parametrize("crs", ["gcj02", "bd09"])
def test_coordinates_of_a_phone_declared_as_wgs84_are_recognised(register, crs):
    lon, lat = world.inside(np.array([0.05, 3.9, 3.95]), np.array([0.05, 3.9, 3.95]))
    x, y = from_wgs84(lon, lat, crs)
    result = load(register, world.rows(3, lon=x, lat=y))
    assert result.loaded == 0
    assert any(f"read as {crs} it would lie inside" in reason for reason in reasons(result))
    assert load(register, world.rows(3, lon=x, lat=y), crs=crs).loaded == 3
    stored = register.execute(text("select st_x(geometry), st_y(geometry) from part order by code"))
    assert np.allclose(sorted(stored.all()), sorted(zip(lon, lat, strict=True)), atol=1e-11)


def test_swapped_coordinates_that_are_both_in_range_are_recognised(register):
    lon, lat = world.inside()
    easting, northing = from_wgs84(lon, lat, "EPSG:4548")
    result = load(register, world.rows(1, lon=northing, lat=easting), crs="EPSG:4548")
    assert "axes swapped" in reasons(result)[0] or "no place in EPSG:4548" in reasons(result)[0]


def test_a_csv_names_the_line_of_a_bad_row(register, tmp_path):
    path = tmp_path / "census.csv"
    lon, lat = world.inside()
    good = f"01037,{lon},{lat},110101-CGW"
    path.write_text(
        "小类代码,经度,纬度,主管部门代码,备注\n"
        f'{good},"two\nlines"\n'
        "\n"
        f"99999,{lon},{lat},110101-CGW,\n"
        f"{good}\n",
        encoding="gb18030",
    )
    result = load(register, path)
    assert [(fault.row, fault.line) for fault in result.refused] == [(2, 5), (3, 6)]
    assert str(result.refused[0]) == "row 2 (line 5): unknown class '99999'"
    assert "4 fields, the header 5" in result.refused[1].reason


def test_a_csv_in_chinese_loads_with_its_words(register, tmp_path):
    path = tmp_path / "census.csv"
    lon, lat = world.inside(1.5, 3.5)
    path.write_text(
        "标识码,部件名称,小类代码,经度,纬度,主管部门代码,部件状态,初始日期,数据来源\n"
        f"00112345,南锣路灯,01037,{lon!r},{lat!r},110101-CGW,破损,2004/10/22,实测\n",
        encoding="utf-8-sig",
    )
    assert load(register, path).loaded == 1
    (part,) = parts_of(register)
    assert (part.code, part.name, part.state) == ("00112345", "南锣路灯", "damaged")
    assert (part.first_date.isoformat(), part.source) == ("2004-10-22", "实测")


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg", ".shp"])
def test_a_vector_file_loads_points_lines_and_polygons_in_its_own_crs(register, tmp_path, suffix):
    lon, lat = world.inside(2.5, 2.5)
    shapes = {
        "01037": shapely.Point(lon, lat),
        "02017": shapely.LineString([(lon, lat), (lon + 0.0005, lat)]),
        "04013": shapely.box(lon, lat, lon + 0.0005, lat + 0.0005),
    }
    kinds = list(shapes) if suffix != ".shp" else ["01037"]
    table = geopandas.GeoDataFrame(
        {"kind": kinds, "owner": ["110101-CGW"] * len(kinds)},
        geometry=[shapes[kind] for kind in kinds],
        crs=4326,
    ).to_crs(4548 if suffix != ".geojson" else 4326)
    path = tmp_path / f"parts{suffix}"
    table.to_file(path)
    result = load(register, path, mapping={"class_code": "kind", "competent_body": "owner"})
    assert (result.loaded, result.refused) == (len(kinds), ())
    assert {part.grid_code for part in parts_of(register)} == {"00200021"}
    kinds_stored = register.scalars(text("select distinct st_geometrytype(geometry) from part"))
    assert len(kinds_stored.all()) == len(kinds)


def test_bad_geometries_of_a_file_are_refused_each_with_its_reason(register):
    lon, lat = world.inside()
    bow_tie = f"POLYGON (({lon} {lat}, {lon + 1e-4} {lat + 1e-4}, {lon + 1e-4} {lat},"
    bow_tie += f" {lon} {lat + 1e-4}, {lon} {lat}))"
    wkts = ["POINT EMPTY", bow_tie, "POINT (", "", "GEOMETRYCOLLECTION (POINT (116.402 39.902))"]
    table = world.rows(5, wkt=wkts).drop(columns=["lon", "lat"])
    found = reasons(load(register, table))
    assert found[0] == "no geometry (it is empty)"
    assert found[1].startswith("the geometry is broken (Self-intersection")
    assert found[2:] == [
        "the geometry is not WKT",
        "no geometry",
        "the geometry is neither point, line nor polygon",
    ]


def test_every_part_lies_in_the_grid_that_geos_names(register):
    table = world.rows(3000)
    on_edges = world.rows(400)
    on_edges["lon"] = world.WEST + np.random.default_rng(1).integers(0, 5, 400) * world.STEP_LON
    load(register, pd.concat([table, on_edges], ignore_index=True))
    grids = register.execute(
        text("select code, st_asbinary(geometry) from unit_grid order by code")
    ).all()
    shapes = [shapely.from_wkb(bytes(row[1])) for row in grids]
    stored = register.execute(text("select grid_code, st_asbinary(geometry) from part")).all()
    assert len(stored) == 3400
    for grid_code, geometry in stored:
        point = shapely.from_wkb(bytes(geometry))
        touched = [
            row[0]
            for row, shape in zip(grids, shapes, strict=True)
            if shapely.intersects(shape, point)
        ]
        assert grid_code == touched[0]


def test_a_dry_run_checks_and_loads_nothing(register):
    result = load(register, world.rows(2), dry_run=True)
    assert (result.rows, result.loaded, result.refused) == (2, 0, ())
    assert parts_of(register) == []


def test_numbers_skip_to_what_is_free_when_an_imported_code_holds_the_last(register):
    lon, lat = world.inside(0.5, 0.5)
    load(register, world.rows(2, code=["00199999", "00110001"], lon=lon, lat=lat))
    result = load(register, world.rows(2, lon=lon, lat=lat))
    assert sorted(result.codes) == ["00110000", "00110002"]


def test_a_street_without_numbers_says_what_to_do(register, monkeypatch):
    monkeypatch.setattr(numbering, "_LAST", 10_001)
    lon, lat = world.inside(0.5, 0.5)
    with pytest.raises(CodesExhausted, match="2 part numbers left, but 3 are needed"):
        load(register, world.rows(3, lon=lon, lat=lat))


@pytest.mark.parametrize(
    ("table", "mapping", "error", "words"),
    [
        (
            pd.DataFrame({"lon": [1], "lat": [1]}),
            None,
            BadFile,
            "no column for the class of the parts",
        ),
        (pd.DataFrame({"class_code": ["01037"]}), None, BadFile, "has no geometry"),
        (
            pd.DataFrame({"class_code": ["1"], "class": ["1"], "lon": [1], "lat": [1]}),
            None,
            BadFile,
            "both mean class_code",
        ),
        (world.rows(1), {"colour": "lon"}, BadInput, "'colour', which is not a column"),
        (world.rows(1), {"note": "remark"}, BadFile, "no column 'remark'"),
        (world.rows(0), None, BadFile, "has no rows"),
    ],
)
def test_a_file_whose_columns_cannot_be_told_is_refused(register, table, mapping, error, words):
    with pytest.raises(error, match=words):
        load(register, table, mapping=mapping)


def test_a_missing_file_an_unknown_crs_and_an_unknown_district_are_refused(register, tmp_path):
    with pytest.raises(BadFile, match="There is no file"):
        load(register, tmp_path / "no.csv")
    broken = tmp_path / "broken.geojson"
    broken.write_text("{")
    with pytest.raises(BadFile, match="its last bracket is missing"):
        load(register, broken)
    with pytest.raises(UnknownCrs):
        load(register, world.rows(1), crs="mars")
    with pytest.raises(NotFound, match="no district 110199"):
        import_parts(
            register,
            parts_of_table(world.rows(1)),
            district="110199",
            city=cities.city(),
            now=cities.now(),
        )
