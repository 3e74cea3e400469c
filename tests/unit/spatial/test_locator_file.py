"""A saved index answers as the one that was built, and a damaged one does not answer at all."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import shapely

from gridsvc.errors import DamagedIndex, NotFound
from gridsvc.spatial.locator import Locator, LocatorSet


def fields(step: float) -> Locator:
    """A chessboard of fields of `step` degrees over one square degree, by rows."""
    places = np.arange(round(1 / step)) * step
    x, y = (grid.ravel() for grid in np.meshgrid(116 + places, 39 + places))
    boxes = shapely.box(x, y, x + step, y + step)
    return Locator.build(list(boxes), [f"街{k:04d}" for k in range(len(boxes))])


@pytest.fixture(scope="module")
def built() -> Locator:
    return fields(0.1)


@pytest.fixture
def saved(built: Locator, tmp_path: Path) -> Path:
    path = tmp_path / "new" / "street.locator"
    built.save(path)
    return path


def test_a_saved_index_answers_as_the_built_one(built: Locator, saved: Path) -> None:
    opened = Locator.open(saved)
    random = np.random.default_rng(0)
    lon, lat = random.uniform(115.9, 117.1, 20_000), random.uniform(38.9, 40.1, 20_000)
    np.testing.assert_array_equal(opened.locate(lon, lat), built.locate(lon, lat))
    assert opened.codes == built.codes
    assert opened.nbytes == built.nbytes
    assert list(saved.parent.iterdir()) == [saved]


def _answer(path: Path) -> list[int]:
    return Locator.open(path).claims(116.1, 39.05)


def test_another_process_opens_the_same_file(built: Locator, saved: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_answer, (saved,)) == built.claims(116.1, 39.05)


def test_an_open_index_outlives_its_replacement(built: Locator, saved: Path) -> None:
    opened = Locator.open(saved)
    Locator.build([shapely.box(0, 0, 1, 1)], ["other"]).save(saved)
    assert opened.claims(116.1, 39.05) == built.claims(116.1, 39.05)
    assert Locator.open(saved).codes == ("other",)


def test_an_index_of_no_areas_can_be_kept(tmp_path: Path) -> None:
    Locator.build([], []).save(tmp_path / "none")
    assert Locator.open(tmp_path / "none").locate_one(116.0, 39.0) == -1


def test_any_changed_byte_is_noticed(saved: Path) -> None:
    whole = saved.read_bytes()
    random = np.random.default_rng(1)
    places = {0, 17, 20, 4095, 4096, len(whole) - 1, *random.integers(0, len(whole), 300).tolist()}
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << (place % 8)
        saved.write_bytes(damaged)
        with pytest.raises(DamagedIndex, match=r"street\.locator"):
            Locator.open(saved)


def test_words_that_changed_places_are_noticed(saved: Path) -> None:
    whole = saved.read_bytes()
    words = np.frombuffer(whole, np.uint64).copy()
    first = 4096 // 8 * 3
    other = first + 8 * int(np.flatnonzero(words[first::8] != words[first])[0])
    words[[first, other]] = words[[other, first]]
    saved.write_bytes(words.tobytes())
    with pytest.raises(DamagedIndex, match="checksum"):
        Locator.open(saved)


@pytest.mark.parametrize("keep", [0, 100, 4096, 8192, -4096, -1])
def test_a_file_cut_short_is_refused(saved: Path, keep: int) -> None:
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(DamagedIndex, match="build it again"):
        Locator.open(saved)


def test_a_file_with_something_behind_its_end_is_refused(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes() + bytes(4096))
    with pytest.raises(DamagedIndex, match="longer"):
        Locator.open(saved)


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG\r\n" * 10_000)
    with pytest.raises(DamagedIndex, match="no locator index"):
        Locator.open(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DamagedIndex, match="No such file"):
        Locator.open(tmp_path / "absent")


@pytest.fixture
def levels(built: Locator) -> LocatorSet:
    return LocatorSet(
        {"district": fields(0.5), "street": built},
        {"district": "real 2023", "street": "approximate 2023"},
    )


def test_one_call_places_a_point_in_all_levels(levels: LocatorSet) -> None:
    place = levels.place(116.5, 39.25)
    assert place.codes == {"district": "街0000", "street": "街0024"}
    assert place.claims["district"] == ("街0000", "街0001")
    assert place.editions == {"district": "real 2023", "street": "approximate 2023"}
    assert levels.place(0.0, 0.0).codes == {"district": None, "street": None}
    assert levels.locate_one(116.7, 39.75) == {"district": 3, "street": 77}
    many = levels.locate([116.7, 0.0], [39.75, 0.0])
    assert {level: found.tolist() for level, found in many.items()} == {
        "district": [3, -1],
        "street": [77, -1],
    }


def test_a_set_is_kept_with_the_editions_of_its_levels(levels: LocatorSet, tmp_path: Path) -> None:
    levels.save(tmp_path / "set")
    opened = LocatorSet.open(tmp_path / "set")
    assert opened.levels == ("district", "street")
    assert opened.editions == levels.editions
    assert opened.place(116.33, 39.77) == levels.place(116.33, 39.77)


def test_a_level_that_a_set_does_not_have_is_named(levels: LocatorSet) -> None:
    with pytest.raises(NotFound, match=r"'village'.*district, street"):
        levels["village"]


def test_levels_without_editions_are_refused(built: Locator) -> None:
    with pytest.raises(NotFound, match="same levels"):
        LocatorSet({"street": built}, {})


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "[]",
        "{}",
        '{"format": 2, "editions": []}',
        '{"format": 2, "editions": {"street": "real 2023"}, "files": {}}',
        '{"format": 9, "editions": {}}',
    ],
)
def test_a_damaged_list_of_levels_is_refused(
    levels: LocatorSet, tmp_path: Path, manifest: str
) -> None:
    levels.save(tmp_path)
    (tmp_path / "levels.json").write_text(manifest, encoding="utf-8")
    with pytest.raises(DamagedIndex, match=r"levels\.json"):
        LocatorSet.open(tmp_path)


def test_a_set_that_lacks_a_level_is_refused(levels: LocatorSet, tmp_path: Path) -> None:
    levels.save(tmp_path)
    next(tmp_path.glob("street.*.locator")).unlink()
    with pytest.raises(DamagedIndex, match=r"street\.\w+\.locator"):
        LocatorSet.open(tmp_path)


def test_a_set_in_which_two_levels_changed_places_is_refused(
    levels: LocatorSet, tmp_path: Path
) -> None:
    levels.save(tmp_path)
    district, street = (next(tmp_path.glob(f"{level}.*")) for level in levels.levels)
    whole = district.read_bytes()
    district.write_bytes(street.read_bytes())
    street.write_bytes(whole)
    with pytest.raises(DamagedIndex, match="another index"):
        LocatorSet.open(tmp_path)


def test_a_set_whose_replacement_was_cut_off_is_still_the_older_one(
    levels: LocatorSet, built: Locator, tmp_path: Path
) -> None:
    levels.save(tmp_path)
    newer = LocatorSet(
        {"district": built, "street": fields(0.5)}, {"district": "new", "street": "new"}
    )
    (tmp_path / "levels.json.new").mkdir()  # the list of levels cannot be written
    with pytest.raises(IsADirectoryError):
        newer.save(tmp_path)
    opened = LocatorSet.open(tmp_path)
    assert opened.place(116.33, 39.77) == levels.place(116.33, 39.77)
    (tmp_path / "levels.json.new").rmdir()
    newer.save(tmp_path)
    assert LocatorSet.open(tmp_path).place(116.33, 39.77) == newer.place(116.33, 39.77)
    assert len(list(tmp_path.glob("*.locator"))) == 2


def test_the_list_of_levels_says_its_format(levels: LocatorSet, tmp_path: Path) -> None:
    levels.save(tmp_path)
    assert json.loads((tmp_path / "levels.json").read_text(encoding="utf-8"))["format"] == 2
