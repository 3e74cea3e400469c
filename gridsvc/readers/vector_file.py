"""A vector file becomes features: number, texts and a geometry, within the limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely

from gridsvc.errors import BadCoordinate, BadFile, UnknownCrs
from gridsvc.readers.crs import declared_crs
from gridsvc.readers.formats import Format
from gridsvc.readers.gdal_layer import gdal_layer, gdal_within, quietly
from gridsvc.readers.layer import READ_ERRORS, Batch, Blobs, Layer, in_short
from gridsvc.readers.limits import ReadLimits, ReadOptions, above
from gridsvc.readers.parquet_layer import parquet_layer
from gridsvc.readers.source import FileSource, opened_source
from gridsvc.spatial.crs import Crs, geometry_to_wgs84, parse_crs
from gridsvc.spatial.crs_text import Parameters

# What is said of a feature whose arcs were replaced.
_ARCS = "drew its arcs as straight pieces of four degrees"
# Geometries of a batch up to so many bytes are parsed together, larger ones each by itself.
_TOGETHER_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Feature:
    """A row of a file, numbered from 1.

    ``texts`` holds the columns that were asked for (None: empty). ``geometry`` is in WGS84 (or as
    it was read, see ``read_layer``), None when there is none or when it cannot be used;
    ``trouble`` says why the row cannot be used.
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


class _Shape(NamedTuple):
    """A geometry, or why it cannot be used; and what was dropped from it."""

    geometry: Any
    trouble: str | None
    dropped: tuple[str, ...] = ()


@contextmanager
def opened_layer(path: Path, options: ReadOptions) -> Iterator[Layer]:
    """Open one layer of a vector file.

    Raises BadFile when the file cannot be read or has several layers; TooLarge above the limits on
    bytes and one geometry.
    """
    with opened_source(path, options.limits) as source, gdal_within(options.limits):
        yield open_layer(source, options)


def open_layer(source: FileSource, options: ReadOptions) -> Layer:
    """The layer of a source, by the reader of its format. Raises BadFile, TooLarge."""
    try:
        with quietly():
            if source.format is Format.GEOPARQUET:
                return parquet_layer(source, options.limits)
            return gdal_layer(source, options)
    except READ_ERRORS as error:
        raise BadFile(
            f"{source.name} cannot be read as a vector file: {in_short(error)}", field="path"
        ) from error


def read_columns(path: Path, rows: int, options: ReadOptions) -> dict[str, list[str | None]]:
    """The texts of all columns in the first rows of a layer, to tell what the columns hold.

    A cell that is not text counts as empty. Raises what ``opened_layer`` and reading raise, and
    BadFile when there are no rows or a column is not text in most of them.
    """
    with opened_layer(path, options) as opened:
        table: dict[str, list[str | None]] = {column: [] for column in opened.columns}
        no_text: dict[str, list[int]] = {column: [] for column in opened.columns}
        read = 0
        for batch in opened.read(opened.columns):
            for column, cells in batch.cells.items():
                table[column] += [
                    it[: options.limits.text_chars] if isinstance(it, str) else None for it in cells
                ]
                no_text[column] += [
                    number for number, it in enumerate(cells, read + 1) if isinstance(it, bytes)
                ]
            read += len(batch.geometries)
            if read >= rows:
                break
    if not read:
        raise BadFile(f"{path.name} holds no features; there is nothing to load.", field="path")
    for column, numbers in no_text.items():
        if len(numbers) > sum(it is not None for it in table[column]):
            raise BadFile(
                f"The column {column} of {path.name} is not text in {options.encoding or 'UTF-8'}"
                f" (look at features {', '.join(str(it) for it in numbers[:5])}); declare its"
                " encoding, as in --encoding GBK.",
                field="encoding",
            )
    return table


def read_vector_file(
    path: Path, columns: Sequence[str], options: ReadOptions, *, crs: str | None = None
) -> VectorFile:
    """Read the given columns and the geometries (WGS84) of one layer.

    Raises what ``opened_layer`` and ``read_layer`` raise.
    """
    with opened_layer(path, options) as opened:
        return read_layer(opened, columns, options.limits, crs=crs)


def read_layer(
    layer: Layer,
    columns: Sequence[str],
    limits: ReadLimits,
    *,
    crs: str | None = None,
    as_read: bool = False,
) -> VectorFile:
    """Read the given columns and the geometries of a layer that is open.

    ``crs``, when declared, is believed before the file's own. With ``as_read`` geometries stay in
    it, whatever their coordinates. Raises BadFile when the file cannot be read to its end, lacks a
    column or names no CRS; TooLarge above the limits on features, vertices and one geometry;
    UnknownCrs as ``declared_crs`` does.
    """
    for column in columns:
        if column not in layer.columns:
            raise BadFile(
                f"{layer.name} has no column {column!r}; it has"
                f" {', '.join(layer.columns) or 'none'}.",
                field="columns",
            )
    remarks: list[str] = []
    known = _crs_of(layer, crs, remarks)
    wanted = list(dict.fromkeys(columns))
    features = tuple(_features(layer, wanted, limits, None if as_read else known))
    return VectorFile(features, known, (*remarks, *layer.remarks))


def _features(
    layer: Layer, columns: Sequence[str], limits: ReadLimits, crs: Crs | None
) -> Iterator[Feature]:
    number = vertices = 0
    for batch in layer.read(columns):
        for rows in _portions(batch.geometries):
            blobs: list[bytes | None] = []
            for row in rows:
                blob = batch.geometries[row]
                _check_feature(layer.name, number + len(blobs) + 1, blob, limits)
                blobs.append(blob)
            shapes = _shapes(blobs, crs)
            counts = shapely.get_num_coordinates([it.geometry for it in shapes])
            for row, shape, count in zip(rows, shapes, counts.tolist(), strict=True):
                number += 1
                vertices += count
                if vertices > limits.vertices:
                    words = f"up to feature {number:,}, more than the {limits.vertices:,} vertices"
                    raise above(f"{layer.name} has, {words}", "VERTICES")
                yield _feature(number, batch, row, shape, limits.text_chars)


def _portions(blobs: Blobs) -> Iterator[range]:
    """The rows of a batch that are copied and parsed together: all, or one where they are large."""
    together = len(blobs) if blobs.nbytes <= _TOGETHER_BYTES else 1
    for first in range(0, len(blobs), max(1, together)):
        yield range(first, min(first + together, len(blobs)))


def _check_feature(name: str, number: int, blob: bytes | None, limits: ReadLimits) -> None:
    if number > limits.features:
        words = f"more than the {limits.features:,} features"
        raise above(f"{name} has {words}", limits.features_setting)
    if blob is not None and len(blob) > limits.geometry_bytes:
        words = f"a geometry of {len(blob):,} bytes, more than the {limits.geometry_bytes:,}"
        raise above(f"Feature {number:,} of {name} has {words}", "GEOMETRY_BYTES")


def _feature(number: int, batch: Batch, row: int, shape: _Shape, text_chars: int) -> Feature:
    texts: dict[str, str | None] = {}
    troubles: list[str] = []
    for column, cells in batch.cells.items():
        cell = cells[row]
        if isinstance(cell, bytes):
            shown = " ".join(f"{byte:02x}" for byte in cell[:8])
            troubles.append(f"the bytes of its {column} are not text ({shown})")
            cell = None
        if cell is not None and len(cell) > text_chars:
            troubles.append(f"its {column} has {len(cell):,} characters")
            cell = None
        texts[column] = cell
    if shape.trouble is not None:
        troubles.append(shape.trouble)
    how = (_ARCS, *shape.dropped) if row in batch.curved else shape.dropped
    return Feature(number, texts, shape.geometry, "; ".join(troubles) or None, how)


def _crs_of(layer: Layer, declared: str | None, remarks: list[str]) -> Crs:
    own = layer.crs
    if declared is not None:
        known = declared_crs(declared)
        if own is not None and _name_or_none(own) != known.name:
            remarks.append(
                f"{layer.name} calls its CRS {own[:60]}; read as {known.name}, as declared"
            )
        return known
    if own is None:
        raise BadFile(
            f"{layer.name} does not name its CRS; declare it (wgs84, gcj02, bd09, EPSG:n or WKT).",
            field="crs",
        )
    return parse_crs(own, Parameters.NUMBERS)


def _name_or_none(text: str) -> str | None:
    try:
        return parse_crs(text, Parameters.NUMBERS).name
    except UnknownCrs:
        return None


def _shapes(blobs: list[bytes | None], crs: Crs | None) -> list[_Shape]:
    """The flat geometries of WKB, in WGS84, or as they are read when ``crs`` is None."""
    try:
        read = shapely.from_wkb(np.array(blobs, dtype=object))
    except (shapely.errors.GEOSException, NotImplementedError) as error:
        if len(blobs) > 1:
            return [shape for blob in blobs for shape in _shapes([blob], crs)]
        return [_Shape(None, f"its geometry cannot be read: {error}")]
    coordinates, owner = shapely.get_coordinates(read, return_index=True)
    endless = set(owner[~np.isfinite(coordinates).all(axis=1)].tolist())
    measured, high = shapely.has_m(read), shapely.has_z(read)
    flat = shapely.force_2d(read) if (measured | high).any() else read
    shapes = []
    for row, geometry in enumerate(flat.tolist()):
        if geometry is None or row in endless:
            words = (
                "it has no geometry" if geometry is None else "a coordinate is not a finite number"
            )
            shapes.append(_Shape(None, words))
            continue
        dropped: tuple[str, ...] = ()
        if measured[row] or high[row]:
            both = (("dropped measures", measured), ("dropped heights", high))
            dropped = tuple(words for words, has in both if has[row])
        try:
            moved = geometry if crs is None else geometry_to_wgs84(geometry, crs)
        except BadCoordinate as error:
            shapes.append(_Shape(None, error.detail, dropped))
        else:
            shapes.append(_Shape(moved, None, dropped))
    return shapes
