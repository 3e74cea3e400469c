"""The catalogue of layers: whole, named apart, and told in the documents."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from gridsvc.callers import Caller, Role
from gridsvc.errors import NotFound
from gridsvc.layers import catalogue
from gridsvc.layers.catalogue import LAYERS, PARTS, exported_layer, tile_layer
from gridsvc.layers.model import Column, Layer

DOCUMENT = (Path(__file__).parents[3] / "docs" / "layers.md").read_text("utf-8")

each_layer = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)


@each_layer
def test_what_is_in_force_of_a_layer_has_all_of_its_columns(layer: Layer) -> None:
    names = {column.name for column in layer.columns}
    for rows in (layer.in_force, layer.placed, layer.of_edition and layer.of_edition("any")):
        if rows is not None:
            assert names | {"geometry"} <= set(rows.subquery().c.keys())


@each_layer
def test_a_layer_names_only_columns_that_it_has(layer: Layer) -> None:
    names = [column.name for column in layer.columns]
    assert len(names) == len(set(names))
    drawn = {name for it in layer.tiles.drawings for name in it.properties} if layer.tiles else ()
    measure = () if layer.measure is None else (layer.measure,)
    assert {*layer.key, layer.feature_id, *layer.inside, *measure, *drawn} <= set(names)


@each_layer
def test_every_column_has_a_title_in_both_languages(layer: Layer) -> None:
    for column in layer.columns:
        assert re.search(r"[\u4e00-\u9fff]", column.title_zh), column
        assert not re.search(r"[\u4e00-\u9fff]", column.title), column
        assert column.name.endswith("_m2") == (column.unit == "m²"), column


@each_layer
def test_every_column_is_told_in_the_documents(layer: Layer) -> None:
    heading = f"\n## {layer.title} ({layer.title_zh})\n"
    section = DOCUMENT.partition(heading)[2].partition("\n## ")[0]
    told = re.findall(r"^\| `.*$", section, flags=re.MULTILINE)
    assert told == [_row(column) for column in layer.columns]
    assert layer.tiles is not None
    assert f"from zoom {layer.tiles.min_zoom}" in section


def _row(column: Column) -> str:
    unit = "" if column.unit is None else f", {column.unit}"
    only = "" if column.exported else " (in tiles alone)"
    return f"| `{column.name}` | {column.type} | {column.title_zh} | {column.title}{unit}{only} |"


def test_a_layer_for_some_roles_is_there_for_them_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = replace(PARTS, roles=frozenset({Role.ANALYST}))
    monkeypatch.setattr(catalogue, "LAYERS", (*(it for it in LAYERS if it is not PARTS), closed))
    analyst = Caller("an analyst", Role.ANALYST, area="", body=None, token_id=uuid.uuid4())
    for look_up in (exported_layer, tile_layer):
        with pytest.raises(NotFound, match="there are districts") as refused:
            look_up("parts")
        assert "parts" not in refused.value.detail.split("there are")[1]
    assert exported_layer("parts", analyst) is closed
