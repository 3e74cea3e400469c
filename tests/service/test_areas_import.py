"""A city's own files: what is sound is loaded, what is broken is mended or refused, all is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from gridsvc.errors import BadFile, BadInput, Conflict, UnknownCrs
from gridsvc.readers.limits import ReadLimits, ReadOptions
from gridsvc.registry.areas import repository
from gridsvc.registry.areas.importer import import_areas
from gridsvc.registry.areas.report import AreaImport, FaultKind, report_rows, summary
from gridsvc.registry.areas.service import NewArea
from gridsvc.registry.districts import read_districts, read_divisions
from gridsvc.registry.editions import repository as edition_repository
from gridsvc.settings import Settings
from gridsvc.spatial.crs import from_wgs84
from gridsvc.spatial.ellipsoid import area_m2
from tests import cities
from tests.plane import PLANE
from tests.service import areas_world as world
from tests.service.areas_world import NEW, box

# Three streets that tile the two districts of the made-up city.
SOUND = [
    ("110102020", "广安门外街道", box(0, 0, 2, 1)),
    ("110102007", "月坛街道", box(0, 1, 2, 1)),
    ("110106002", "太平桥街道", box(2, 0, 2, 2)),
]
BOW_TIE = shapely.Polygon([(116.30, 39.88), (116.32, 39.89), (116.32, 39.88), (116.30, 39.89)])

Row = tuple[str | None, str | None, Any]


@pytest.fixture(autouse=True)
def districts(session: Session) -> None:
    world.put_in_force(session, "districts", "district", world.DISTRICTS)


def write(path: Path, rows: Sequence[Row], crs: str | None = "EPSG:4326", **options: Any) -> Path:
    codes, names, shapes = zip(*rows, strict=True)
    frame = geopandas.GeoDataFrame(
        {"CODE": list(codes), "NAME": list(names)}, geometry=list(shapes), crs=crs
    )
    frame.to_file(path, engine="pyogrio", **options)
    return path


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
        "columns": {"code": "CODE", "name": "NAME"},
        "effective_from": NEW,
        "accuracy_m": 10.0,
        "source": "made up for a test",
        "licence": "CC0",
        "divisions": divisions,
        "options": ReadOptions(ReadLimits.of(Settings()), layer, encoding, names),
    }
    return import_areas(session, path, plane=PLANE, **(fields | options), now=cities.now())


def with_row(code: str | None, name: str | None, shape: Any) -> list[Row]:
    """The sound streets, the first one replaced."""
    return [(code, name, shape), *SOUND[1:]]


def in_gcj02(shape: Any) -> Any:
    return shapely.transform(
        shape, lambda xy: np.column_stack(from_wgs84(xy[:, 0], xy[:, 1], "gcj02"))
    )


def faults(result: AreaImport, kind: FaultKind) -> list[Any]:
    return [fault for fault in result.faults if fault.kind is kind]


@pytest.mark.parametrize("name", ["streets.geojson", "streets.gpkg", "streets.fgb"])
def test_a_sound_file_is_loaded_whole_as_a_draft(
    session: Session, tmp_path: Path, name: str
) -> None:
    result = load(session, write(tmp_path / name, SOUND))

    assert (len(result.loaded), result.mended, result.refused) == (3, (), ())
    assert result.faults == ()
    (street,) = edition_repository.editions(session, "street")
    assert (street.id, street.state, street.accuracy_m) == ("imported", "draft", 10.0)
    codes, shapes = repository.geometries_in(session, "imported")
    assert codes == ["110102007", "110102020", "110106002"]
    assert shapes[1].equals(box(0, 0, 2, 1))
    assert edition_repository.codes_in(session, "imported")["110106002"] == "太平桥街道"


def test_a_shapefile_in_gbk_without_a_word_about_it_keeps_its_names(
    session: Session, tmp_path: Path
) -> None:
    path = write(tmp_path / "streets.shp", SOUND, encoding="GBK")
    path.with_suffix(".cpg").unlink()
    table = bytearray(path.with_suffix(".dbf").read_bytes())
    table[29] = 0
    path.with_suffix(".dbf").write_bytes(table)

    result = load(session, path)

    assert [outcome.name for outcome in result.loaded] == [
        "月坛街道",
        "广安门外街道",
        "太平桥街道",
    ]
    assert result.remarks == (
        "streets.shp does not name an encoding; its text was read as gb18030",
    )


def test_a_declared_crs_is_believed_before_the_files_own(session: Session, tmp_path: Path) -> None:
    path = write(tmp_path / "gcj.geojson", [(code, name, in_gcj02(it)) for code, name, it in SOUND])
    result = load(session, path, crs="gcj02")

    assert result.remarks == ("gcj.geojson calls its CRS EPSG:4326; read as gcj02, as declared",)
    _, shapes = repository.geometries_in(session, "imported")
    # GeoJSON is written with 15 digits; the inverse is exact to 1e-6 m.
    assert shapely.hausdorff_distance(shapes[1], box(0, 0, 2, 1)) < 1e-10


def test_a_shift_by_gcj02_is_noticed_and_left_to_a_person(session: Session, tmp_path: Path) -> None:
    path = write(tmp_path / "gcj.geojson", [(code, name, in_gcj02(it)) for code, name, it in SOUND])
    result = load(session, path)

    (remark,) = result.remarks
    assert "it is suspected to be gcj02" in remark
    assert result.shift is not None
    assert (result.shift.against, result.shift.suspected) == ("parents", "gcj02")
    _, shapes = repository.geometries_in(session, "imported")
    assert shapely.hausdorff_distance(shapes[1], box(0, 0, 2, 1)) > 0.004


def test_a_projected_file_is_brought_to_wgs84(session: Session, tmp_path: Path) -> None:
    frame = geopandas.GeoDataFrame(
        {"CODE": [code for code, _, _ in SOUND], "NAME": [name for _, name, _ in SOUND]},
        geometry=[shape for _, _, shape in SOUND],
        crs="EPSG:4326",
    ).to_crs("EPSG:32650")
    frame.to_file(tmp_path / "utm.gpkg", engine="pyogrio")

    result = load(session, tmp_path / "utm.gpkg")

    assert len(result.loaded) == 3
    _, shapes = repository.geometries_in(session, "imported")
    assert shapely.hausdorff_distance(shapes[1], box(0, 0, 2, 1)) < 1e-9


def test_a_file_without_a_crs_needs_one_declared(session: Session, tmp_path: Path) -> None:
    path = write(tmp_path / "streets.gpkg", SOUND, crs="EPSG:4326")
    bare = write(tmp_path / "streets.shp", SOUND, encoding="UTF-8")
    bare.with_suffix(".prj").unlink()

    with pytest.raises(BadFile, match="does not name its CRS; declare it"):
        load(session, bare)
    with pytest.raises(UnknownCrs):
        load(session, path, crs="EPSG:2414")
    assert len(load(session, bare, crs="wgs84").loaded) == 3


def test_a_broken_ring_is_mended_and_the_place_is_told(session: Session, tmp_path: Path) -> None:
    result = load(session, write(tmp_path / "s.geojson", with_row("110102020", "广外", BOW_TIE)))

    (mended,) = result.mended
    assert (mended.features, mended.code) == ((1,), "110102020")
    assert "Self-intersection" in mended.words
    assert (mended.lon, mended.lat) == (pytest.approx(116.31), pytest.approx(39.885))
    _, shapes = repository.geometries_in(session, "imported", ["110102020"])
    assert shapes[0].is_valid
    stored = repository.area_in(session, "imported", "110102020", all_edition_ids=[])
    assert stored is not None
    assert stored.note == mended.words


def test_a_hair_on_an_area_is_dropped_and_told(session: Session, tmp_path: Path) -> None:
    hair = shapely.LineString([(116.32, 39.89), (116.33, 39.89)])
    shape = shapely.GeometryCollection([box(0, 0, 2, 1), hair])
    result = load(session, write(tmp_path / "s.geojson", with_row("110102020", "广外", shape)))

    assert [outcome.words for outcome in result.mended] == ["dropped lines and points"]


def test_a_missing_name_is_taken_from_the_list_of_divisions(
    session: Session, tmp_path: Path
) -> None:
    result = load(
        session, write(tmp_path / "s.geojson", with_row("110102020", None, box(0, 0, 2, 1)))
    )

    assert [outcome.words for outcome in result.mended] == [
        "no name: took 广安门外街道 from the list of divisions"
    ]
    assert edition_repository.codes_in(session, "imported")["110102020"] == "广安门外街道"


def test_a_code_filled_up_with_zeros_is_shortened_and_told(
    session: Session, tmp_path: Path
) -> None:
    rows = with_row("110102020000", "广外", box(0, 0, 2, 1))
    result = load(session, write(tmp_path / "s.geojson", rows))

    assert [outcome.words for outcome in result.mended] == [
        "wrote the code 110102020000 as 110102020"
    ]


@pytest.mark.parametrize(
    ("code", "shape", "reason"),
    [
        (None, box(0, 0), "it has no code"),
        ("  ", box(0, 0), "it has no code"),
        ("1101020", box(0, 0), "not an area code"),
        ("110102", box(0, 0), "the code of a district, not of a street"),
        ("110102999", box(0, 0), "in no list of divisions"),
        ("110102020", None, "no geometry"),
        ("110102020", shapely.Polygon(), "no geometry"),
        ("110102020", shapely.Point(116.3, 39.9), "holds no polygon"),
        ("110102020", box(-200, 0), "outside the city, at 114.3"),
        ("110102020", shapely.box(39.88, 116.30, 39.89, 116.31), "seem to be swapped"),
    ],
)
def test_what_cannot_be_mended_is_refused_and_the_rest_is_loaded(
    session: Session, tmp_path: Path, code: str | None, shape: Any, reason: str
) -> None:
    result = load(session, write(tmp_path / "s.geojson", with_row(code, "somewhere", shape)))

    (refused,) = result.refused
    assert refused.features == (1,)
    assert reason in refused.words
    assert len(result.loaded) == 2
    assert list(edition_repository.codes_in(session, "imported")) == ["110102007", "110106002"]


def test_areas_that_get_no_name_are_told(session: Session, tmp_path: Path) -> None:
    rows = [("110102901", None, box(0, 0, 2, 1)), *SOUND[1:]]
    (remark,) = load(session, write(tmp_path / "a.geojson", rows), new_codes=True).remarks
    assert remark == (
        "1 of 3 areas have no name (110102901), in the file or in the list of divisions: name"
        " their column with --column name=..."
    )


def test_new_codes_are_taken_when_they_are_allowed(session: Session, tmp_path: Path) -> None:
    rows = with_row("110102999", "a new street", box(0, 0, 2, 1))
    result = load(session, write(tmp_path / "s.geojson", rows), new_codes=True)

    assert "110102999" in edition_repository.codes_in(session, "imported")
    assert result.refused == ()


def test_features_that_share_a_code_are_all_refused(session: Session, tmp_path: Path) -> None:
    rows = [*SOUND, ("110106002", "西罗园街道", box(2, 0))]
    result = load(session, write(tmp_path / "s.geojson", rows), join_parts=True)

    assert [outcome.features for outcome in result.refused] == [(3,), (4,)]
    assert result.refused[0].words == (
        "the code 110106002 is also that of feature 4: correct one of them"
    )
    assert "110106002" not in edition_repository.codes_in(session, "imported")


def test_parts_of_one_area_are_joined_only_when_that_is_allowed(
    session: Session, tmp_path: Path
) -> None:
    parts = [("110106002", "太平桥街道", box(2, 0)), ("110106002", "太平桥街道", box(3, 1))]
    path = write(tmp_path / "s.geojson", [*SOUND[:2], *parts])

    apart = load(session, path)
    assert len(apart.refused) == 2
    assert "if they are parts of one area, allow joining" in apart.refused[0].words
    joined = load(session, path, edition_id="joined", join_parts=True)

    assert joined.refused == ()
    (mended,) = joined.mended
    assert (mended.features, mended.words) == ((3, 4), "joined features 3 and 4")
    row = repository.area_in(session, "joined", "110106002", all_edition_ids=[])
    assert row is not None
    assert row.area_m2 == pytest.approx(float(area_m2([box(2, 0), box(3, 1)]).sum()))


def test_features_of_one_code_that_overlap_are_never_joined(
    session: Session, tmp_path: Path
) -> None:
    twice = [("110106002", "太平桥街道", box(2, 0, 2, 2)), ("110106002", "太平桥街道", box(3, 1))]
    result = load(session, write(tmp_path / "s.geojson", [*SOUND[:2], *twice]), join_parts=True)

    assert [outcome.features for outcome in result.refused] == [(3,), (4,)]
    assert result.mended == ()


def test_districts_come_in_before_any_other_district_is_there(
    session: Session, tmp_path: Path
) -> None:
    session.execute(text("delete from area"))
    session.execute(text("delete from edition"))
    rows = [("110102", "西城区", box(0, 0, 2, 2)), ("110106", "丰台区", box(2000, 0, 2, 2))]
    result = load(session, write(tmp_path / "s.geojson", rows), level="district")

    assert [outcome.code for outcome in result.loaded] == ["110102"]
    assert ["outside the city" in outcome.words for outcome in result.refused] == [True]


def test_a_parent_that_the_code_denies_is_refused(session: Session, tmp_path: Path) -> None:
    frame = geopandas.GeoDataFrame(
        {"CODE": ["110102020", "110106002"], "UP": ["110102000000", "110102"]},
        geometry=[box(0, 0, 2, 1), box(2, 0)],
        crs="EPSG:4326",
    )
    frame.to_file(tmp_path / "s.gpkg", engine="pyogrio")
    result = load(session, tmp_path / "s.gpkg", columns={"code": "CODE", "parent": "UP"})

    assert [outcome.code for outcome in result.loaded] == ["110102020"]
    assert [outcome.words for outcome in result.refused] == [
        "the code 110106002 does not begin with the parent that it names, 110102"
    ]


def test_faults_between_areas_are_told_with_their_size_and_left(
    session: Session, tmp_path: Path
) -> None:
    rows = [
        ("110102020", "广安门外街道", box(0, 0, 2.1, 1)),
        ("110102007", "月坛街道", box(0, 1, 2, 1)),
        ("110106002", "太平桥", box(2, 0, 2, 2)),
    ]
    result = load(session, write(tmp_path / "s.geojson", rows))

    strip = float(area_m2(box(2, 0, 0.1, 1)))
    (overlap,) = faults(result, FaultKind.OVERLAP)
    assert overlap.codes == ("110102020", "110106002")
    assert overlap.area_m2 == pytest.approx(strip, rel=1e-4)
    assert 116.32 <= overlap.lon <= 116.321
    (outside,) = faults(result, FaultKind.OUTSIDE_PARENT)
    assert outside.codes == ("110102020", "110102")
    assert outside.area_m2 == pytest.approx(strip, rel=1e-4)
    assert [fault.codes for fault in faults(result, FaultKind.OTHER_NAME)] == [("110106002",)]
    assert len(result.loaded) == 3
    _, shapes = repository.geometries_in(session, "imported", ["110102020"])
    assert shapes[0].equals(box(0, 0, 2.1, 1))


def test_the_account_is_kept_with_the_edition(session: Session, tmp_path: Path) -> None:
    result = load(session, write(tmp_path / "s.geojson", with_row("110102020", "广外", BOW_TIE)))

    session.expire_all()
    (edition,) = edition_repository.editions(session, "street")
    assert edition.audit == json.loads(json.dumps(summary(result)))
    assert edition.audit is not None
    assert (edition.audit["features"], edition.audit["mended"]) == (3, 1)


def test_when_nothing_can_be_loaded_nothing_is_left_behind(
    session: Session, tmp_path: Path
) -> None:
    path = write(tmp_path / "s.geojson", [(None, "a", box(0, 0)), (None, "b", box(1, 0))])

    with pytest.raises(BadFile, match=r"None of the 2 features .* it has no code"):
        load(session, path)
    assert edition_repository.editions(session, "street") == []
    assert session.execute(text("select count(*) from area where level = 'street'")).scalar() == 0


def test_a_file_that_is_none_says_what_is_wrong(session: Session, tmp_path: Path) -> None:
    words = tmp_path / "words.geojson"
    words.write_text("no json")
    sound = write(tmp_path / "s.gpkg", SOUND, layer="one")
    with pytest.raises(BadFile, match=r"cannot be read as a vector file: it is none"):
        load(session, words)
    with pytest.raises(BadFile, match="There is no file"):
        load(session, tmp_path / "nothing.shp")
    with pytest.raises(BadFile, match="has no column 'Code'; it has CODE, NAME"):
        load(session, sound, columns={"code": "Code"})
    with pytest.raises(BadInput, match="column for code"):
        load(session, sound, columns={"name": "NAME"})
    write(sound, SOUND, layer="two")
    with pytest.raises(BadFile, match=r"has 2 layers \(one, two\); say which"):
        load(session, sound)
    assert len(load(session, sound, layer="two").loaded) == 3
    with pytest.raises(Conflict, match="'imported' already exists"):
        load(session, sound, layer="two")


def test_the_real_streets_of_the_inner_city_come_in_and_lose_nothing(
    session: Session, shared_data: Path
) -> None:
    real = [NewArea(it.code, it.name, it.geometry) for it in read_districts()]
    world.put_in_force(session, "real", "district", real, effective_from=NEW)
    path = shared_data / "streets_inner_beijing.geojson"
    columns = {"code": "street_code_2016", "name": "street"}
    result = load(session, path, columns=columns)

    groups = (result.loaded, result.mended, result.refused)
    assert sum(len(it.features) for group in groups for it in group) == 111
    assert [len(group) for group in groups] == [97, 5, 9]
    reasons = [outcome.words for outcome in result.refused]
    assert reasons.count("it has no code") == 3
    assert sum("is also that of feature" in words for words in reasons) == 6
    assert any("repaired" in outcome.words for outcome in result.mended)
    assert 300 < summary(result)["overlapping_m2"] < 333
    assert faults(result, FaultKind.SLIVER)
    joined = load(session, path, columns=columns, edition_id="joined", join_parts=True)
    assert [len(joined.loaded), len(joined.mended), len(joined.refused)] == [97, 8, 3]
    assert 300 < summary(joined)["overlapping_m2"] < 333
    assert report_rows(joined)[0].what == "refused"
