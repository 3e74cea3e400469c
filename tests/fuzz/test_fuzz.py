"""Every reader of strangers' bytes reads or refuses: inputs that once broke one, and new ones."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from tests.fuzz.fuzzing import KEPT, fuzz
from tests.fuzz.mutations import mutations
from tests.fuzz.readers import READERS, refused, sound_input


@pytest.mark.parametrize("name", READERS)
def test_a_sound_input_is_read(name: str) -> None:
    assert not refused(READERS[name], sound_input(name))


@pytest.mark.parametrize(
    "kept", sorted(KEPT.glob("*/*")), ids=lambda kept: f"{kept.parent.name}/{kept.name}"
)
def test_an_input_that_broke_a_reader_is_read_or_refused(kept: Path) -> None:
    refused(READERS[kept.parent.name], kept.read_bytes())


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_a_reader_outlives_spoilt_inputs(name: str, tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(
        target=fuzz, args=(name, 3.0, 20261129, tmp_path)
    )
    process.start()
    process.join()
    assert process.exitcode == 0, [it.read_bytes()[:2_000] for it in tmp_path.iterdir()]


def test_a_seed_gives_the_same_inputs_again() -> None:
    one, other = mutations(b"some bytes", 7), mutations(b"some bytes", 7)
    assert [next(one) for _ in range(50)] == [next(other) for _ in range(50)]
