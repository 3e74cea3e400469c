"""A saved index answers as the one that was built, and a damaged one does not answer at all."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import shapely

from gridsvc.errors import DamagedIndex
from gridsvc.spatial.locator import Locator


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


def _resident_bytes(path: Path) -> int:
    """How much of a mapped file this process holds."""
    held, ours = 0, False
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        name, *rest = line.split()
        if not name.endswith(":"):
            ours = rest[-1:] == [str(path)]
        elif ours and name == "Rss:":
            held += int(rest[0]) * 1024
    return held


def test_a_process_holds_what_it_looks_at_and_not_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "street.locator"
    fields(0.01).save(path)
    opened = Locator.open(path)
    assert _resident_bytes(path) == 0
    assert opened.locate_one(116.505, 39.505) == 5050
    assert 0 < _resident_bytes(path) < path.stat().st_size / 2


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
    with pytest.raises(DamagedIndex, match="not a locator index"):
        Locator.open(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DamagedIndex, match="No such file"):
        Locator.open(tmp_path / "absent")
