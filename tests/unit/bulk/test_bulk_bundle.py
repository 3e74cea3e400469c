"""A bundle answers like the atlas that it was made of, or not at all."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from gridsvc.bulk import BulkIndex, locate_batch
from gridsvc.bulk.bundle import open_bundle, save_bundle
from gridsvc.bulk.run import atlas_identity
from gridsvc.errors import DamagedIndex
from gridsvc.registry.placement.service import place
from gridsvc.registry.placement.store import Atlas
from tests.unit.bulk.bulk_world import points


def test_a_bundle_answers_like_the_atlas_that_it_was_made_of(atlas: Atlas, tmp_path: Path) -> None:
    save_bundle(atlas, tmp_path / "bundle")
    opened = open_bundle(tmp_path / "bundle")
    assert opened.editions == atlas.editions
    assert atlas_identity(opened) == atlas_identity(atlas)
    lon, lat = points(2_000)
    batch = pa.record_batch({"lon": lon, "lat": lat})
    assert locate_batch(batch, BulkIndex(opened)).equals(locate_batch(batch, BulkIndex(atlas)))
    for x, y in zip(lon[:50].tolist(), lat[:50].tolist(), strict=True):
        assert place(opened, x, y, 30.0) == place(atlas, x, y, 30.0)


def test_two_bundles_of_one_atlas_have_one_digest(atlas: Atlas, tmp_path: Path) -> None:
    assert save_bundle(atlas, tmp_path / "a") == save_bundle(atlas, tmp_path / "b")


def test_a_bundle_can_be_saved_over_an_older_one(atlas: Atlas, tmp_path: Path) -> None:
    first = save_bundle(atlas, tmp_path)
    assert save_bundle(atlas, tmp_path) == first
    assert open_bundle(tmp_path).stamp == atlas.stamp


def test_a_bundle_with_one_other_byte_is_refused(atlas: Atlas, tmp_path: Path) -> None:
    save_bundle(atlas, tmp_path)
    for path in sorted(tmp_path.iterdir()):
        sound = path.read_bytes()
        if path.name != "bundle.json":
            path.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
            with pytest.raises(DamagedIndex, match=path.name):
                open_bundle(tmp_path)
        path.unlink()
        with pytest.raises(DamagedIndex, match=path.name):
            open_bundle(tmp_path)
        path.write_bytes(sound)
    open_bundle(tmp_path)


def test_a_bundle_in_which_two_levels_changed_places_is_refused(
    atlas: Atlas, tmp_path: Path
) -> None:
    save_bundle(atlas, tmp_path)
    one, other = tmp_path / "district.locator", tmp_path / "street.locator"
    whole = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(whole)
    with pytest.raises(DamagedIndex, match=r"district\.locator"):
        open_bundle(tmp_path)
