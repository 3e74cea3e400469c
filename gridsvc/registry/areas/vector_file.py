"""A file of areas becomes features: number, texts, and a geometry in WGS84, within the limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from gridsvc.errors import BadCoordinate, BadFile, TooLarge, UnknownCrs
from gridsvc.registry.areas.declared_crs import declared_crs
from gridsvc.registry.areas.file_source import opened_source
from gridsvc.registry.areas.layer import Batch, Layer
from gridsvc.registry.areas.layer_reader import open_layer
from gridsvc.settings import get_settings
from gridsvc.spatial.crs import Crs, geometry_to_wgs84, parse_crs

__all__ = ["Feature", "VectorFile", "read_columns", "read_vector_file"]

# What is said of a feature whose arcs were replaced.
_ARCS = "drew its arcs as straight pieces of four degrees"
# A code or a name is short; a cell of a whole book is not kept.
_LONGEST_TEXT = 1_000


@dataclass(frozen=True, slots=True)
class Feature:
    """A row of a file, numbered from 1.

    ``texts`` holds the columns that were asked for (None: empty). ``geometry`` is in WGS84, None
    when there is none or when it cannot be used; ``trouble`` says why the row cannot be used.
    ``how`` tells what reading changed: arcs that became straight pieces, heights and measures that
    were dropped.
    """

    number: int
    texts: dict[str, str | None]
    geometry: Any
    trouble: str | None
    how: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VectorFile:
    """The features of one layer, the CRS they were read by, and remarks on the reading."""

    features: tuple[Feature, ...]
    crs: Crs
    remarks: tuple[str, ...]


def read_columns(
    path: Path, rows: int, *, layer: str | None = None, encoding: str | None = None
) -> dict[str, list[str | None]]:
    """The texts of all columns in the first rows of a layer, to tell what the columns hold.

    A cell that is no text counts as empty. Raises what ``read_vector_file`` raises on opening and
    reading, and BadFile when there are no rows or a column is no text in most of them.
    """
    with opened_source(path) as source, open_layer(source, layer, encoding) as opened:
        table: dict[str, list[str | None]] = {column: [] for column in opened.columns}
        no_text: dict[str, list[int]] = {column: [] for column in opened.columns}
        read = 0
        for batch in opened.read(opened.columns):
            for column, cells in batch.cells.items():
                table[column] += [
                    it[:_LONGEST_TEXT] if isinstance(it, str) else None for it in cells
                ]
                no_text[column] += [
                    number for number, it in enumerate(cells, read + 1) if isinstance(it, bytes)
                ]
            read += len(batch.geometries)
            if read >= rows:
                break
    if not read:
        raise BadFile(f"{path.name} holds no features: there is nothing to load.", field="path")
    for column, numbers in no_text.items():
        if len(numbers) > sum(it is not None for it in table[column]):
            raise BadFile(
                f"The column {column} of {path.name} is no text in {encoding or 'UTF-8'} (look at "
                f"features {', '.join(str(it) for it in numbers[:5])}): declare its encoding, as "
                "--encoding GBK.",
                field="encoding",
            )
    return table


def read_vector_file(
    path: Path,
    columns: Sequence[str],
    *,
    crs: str | None = None,
    layer: str | None = None,
    encoding: str | None = None,
) -> VectorFile:
    """Read the given columns and the geometries of one layer (the only one when None).

    ``crs``, when declared, is believed before the file's own. Raises BadFile when the file cannot
    be read to its end, has several layers, lacks a column or names no CRS; TooLarge above the
    limits on bytes, features, vertices and one geometry; UnknownCrs as ``declared_crs`` does.
    """
    remarks: list[str] = []
    with opened_source(path) as source, open_layer(source, layer, encoding) as opened:
        for column in columns:
            if column not in opened.columns:
                raise BadFile(
                    f"{path.name} has no column {column!r}: it has "
                    f"{', '.join(opened.columns) or 'none'}.",
                    field="columns",
                )
        known = _crs_of(path, crs, opened.crs, remarks)
        features = tuple(_features(path, opened, list(dict.fromkeys(columns)), known))
        remarks += opened.remarks
    return VectorFile(features, known, tuple(remarks))


def _features(path: Path, layer: Layer, columns: Sequence[str], crs: Crs) -> Iterator[Feature]:
    settings = get_settings()
    number = vertices = 0
    for batch in layer.read(columns):
        for index in range(len(batch.geometries)):
            number += 1
            if number > settings.import_max_features:
                raise TooLarge(
                    f"{path.name} has more than the {settings.import_max_features:,} features that "
                    "are taken: split it, or raise GRIDSVC_IMPORT_MAX_FEATURES.",
                    field="path",
                )
            blob = batch.geometries[index]
            if blob is not None and len(blob) > settings.import_max_geometry_bytes:
                raise TooLarge(
                    f"Feature {number:,} of {path.name} has a geometry of {len(blob):,} bytes, more"
                    f" than the {settings.import_max_geometry_bytes:,} that are taken: split it, or"
                    " raise GRIDSVC_IMPORT_MAX_GEOMETRY_BYTES where there is memory for it.",
                    field="path",
                )
            feature = _feature(number, batch, index, blob, crs)
            vertices += int(shapely.get_num_coordinates(feature.geometry))
            if vertices > settings.import_max_vertices:
                raise TooLarge(
                    f"{path.name} has more than the {settings.import_max_vertices:,} vertices that "
                    f"are taken, up to feature {number:,}: split it, or raise "
                    "GRIDSVC_IMPORT_MAX_VERTICES where there is memory for it.",
                    field="path",
                )
            yield feature


def _feature(number: int, batch: Batch, index: int, blob: bytes | None, crs: Crs) -> Feature:
    texts: dict[str, str | None] = {}
    troubles: list[str] = []
    for column, cells in batch.cells.items():
        cell = cells[index]
        if isinstance(cell, bytes):
            shown = " ".join(f"{byte:02x}" for byte in cell[:8])
            troubles.append(f"the bytes of its {column} are no text ({shown})")
            cell = None
        if cell is not None and len(cell) > _LONGEST_TEXT:
            troubles.append(f"its {column} has {len(cell):,} characters")
            cell = None
        texts[column] = cell
    geometry, how, trouble = _geometry(blob, crs)
    troubles += [trouble] if trouble is not None else []
    how = (_ARCS, *how) if index in batch.curved else how
    return Feature(number, texts, geometry, "; ".join(troubles) or None, how)


def _crs_of(path: Path, declared: str | None, own: str | None, remarks: list[str]) -> Crs:
    if declared is not None:
        known = declared_crs(declared)
        if own is not None and _name_or_none(own) != known.name:
            remarks.append(
                f"{path.name} calls its CRS {own[:60]}; read as {known.name}, as declared"
            )
        return known
    if own is None:
        raise BadFile(
            f"{path.name} names no CRS: declare it (wgs84, gcj02, bd09, EPSG:n or WKT).",
            field="crs",
        )
    return parse_crs(own)


def _name_or_none(text: str) -> str | None:
    try:
        return parse_crs(text).name
    except UnknownCrs:
        return None


def _geometry(blob: bytes | None, crs: Crs) -> tuple[Any, tuple[str, ...], str | None]:
    """The geometry in the plane of WGS84, what was dropped from it, and why it cannot be used."""
    if blob is None:
        return None, (), "it has no geometry"
    try:
        geometry = shapely.from_wkb(blob)
    except (shapely.errors.GEOSException, NotImplementedError) as error:
        return None, (), f"its geometry cannot be read: {error}"
    if not np.isfinite(shapely.get_coordinates(geometry)).all():
        return None, (), "a coordinate is no finite number"
    dropped = (("dropped measures", shapely.has_m), ("dropped heights", shapely.has_z))
    how = tuple(words for words, has in dropped if has(geometry))
    try:
        return geometry_to_wgs84(shapely.force_2d(geometry) if how else geometry, crs), how, None
    except BadCoordinate as error:
        return None, how, error.detail
