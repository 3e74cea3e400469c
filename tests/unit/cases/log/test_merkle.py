"""The tree, held to another implementation of it, and its proofs to the steps of RFC 9162."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from gridsvc.cases.log import merkle

_SCRIPT = Path(__file__).parents[4] / "docs" / "check_receipt.py"
MOST = 1_300


def _loaded(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


rfc = _loaded(_SCRIPT)
LEAVES = [f"leaf {n}".encode() for n in range(MOST)]
HASHES = [merkle.leaf_hash(leaf) for leaf in LEAVES]
ORACLE = InmemoryTree(algorithm="sha256")
for _leaf in LEAVES:
    ORACLE.append_entry(_leaf)


class Stored:
    """What a database would have of a tree that grew in batches."""

    def __init__(self) -> None:
        self.levels: dict[int, dict[int, bytes]] = {0: {}}

    def grow(self, hashes: list[bytes]) -> None:
        before = len(self.levels[0])
        self.levels[0].update(enumerate(hashes, before))
        for level in (8, 16):
            new = merkle.new_nodes(self.read, level, before, before + len(hashes))
            self.levels.setdefault(level, {}).update(new)

    def read(self, level: int, start: int, stop: int) -> list[bytes]:
        return [self.levels[level][n] for n in range(start, stop)]


def batches(sizes: list[int]) -> Iterator[list[bytes]]:
    at = 0
    for size in sizes:
        yield HASHES[at : at + size]
        at += size


@pytest.fixture(scope="module")
def stored() -> Stored:
    tree = Stored()
    tree.grow(HASHES)
    return tree


@given(st.lists(st.integers(0, 400), max_size=6).filter(lambda sizes: sum(sizes) <= MOST))
def test_however_it_grew_its_root_is_that_of_another_implementation(sizes: list[int]) -> None:
    tree, growing = Stored(), merkle.GrowingRoot()
    for batch in batches(sizes):
        tree.grow(batch)
        for leaf in batch:
            growing.append(leaf)
    expected = ORACLE.get_root(sum(sizes))
    assert merkle.root(tree.read, sum(sizes)) == expected == growing.root()


@given(st.data())
def test_a_leaf_is_proved_as_the_other_implementation_does(stored: Stored, data: Any) -> None:
    size = data.draw(st.integers(1, MOST))
    index = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion_path(stored.read, index, size)
    assert path == [bytes(one) for one in ORACLE.prove_inclusion(index + 1, size).path[1:]]
    found = rfc.root_of_inclusion(index, size, HASHES[index], path)
    assert found == ORACLE.get_root(size)


@given(st.data())
def test_a_tree_is_proved_to_begin_with_an_earlier_one(stored: Stored, data: Any) -> None:
    second = data.draw(st.integers(1, MOST))
    first = data.draw(st.integers(1, second))
    path = merkle.consistency_path(stored.read, first, second)
    roots = (ORACLE.get_root(first), ORACLE.get_root(second))
    assert rfc.roots_of_consistency(first, second, roots[0], path) == roots


def test_an_empty_tree_has_the_hash_of_nothing() -> None:
    assert merkle.root(Stored().read, 0) == ORACLE.get_root(0) == merkle.GrowingRoot().root()
