"""The function that every way of bulk work calls: a record batch in, the same with codes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gridsvc.bulk.near import NearCells
from gridsvc.bulk.points import read_points, why_bad
from gridsvc.errors import BadFile
from gridsvc.registry.placement.model import LEVELS
from gridsvc.registry.placement.store import Atlas
from gridsvc.spatial.locator import Locator

#: The columns that are added, in this order.
COLUMNS = pa.schema(
    [
        ("district_code", pa.string()),
        ("street_code", pa.string()),
        ("community_code", pa.string()),
        ("grid_code", pa.string()),
        ("near_border", pa.bool_()),
    ]
)


@dataclass(frozen=True, slots=True)
class BatchFault:
    """A row that is not a place: its number, from 0, and a sentence that says why."""

    row: int
    reason: str


class BulkIndex:
    """An atlas made ready for many batches; may be shared by threads.

    ``crs`` is the system of the points, ``accuracy_m`` theirs in metres (it decides what is near a
    border, as in :func:`gridsvc.registry.placement.service.place_many`).
    """

    def __init__(self, atlas: Atlas, *, crs: str = "wgs84", accuracy_m: float = 30.0) -> None:
        self.atlas = atlas
        self.crs = crs
        self.accuracy_m = accuracy_m
        self._levels: list[tuple[Locator, pa.Array] | None] = []
        for level in LEVELS[:3]:
            area = atlas.areas.get(level)
            self._levels.append(
                None
                if area is None
                else (area.locator, pa.array([ref.code for ref in area.refs], pa.string()))
            )
        self._levels.append(
            None
            if atlas.grids is None
            else (atlas.grids.locator, pa.array([r.code for r in atlas.grids.refs], pa.string()))
        )
        self._near = NearCells(atlas, accuracy_m)

    def columns(self, lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]) -> list[pa.Array]:
        """The five columns of n WGS84 points; codes are null where no area covers the point."""
        found = [
            pa.nulls(len(lon), pa.string()) if level is None else _codes(*level, lon, lat)
            for level in self._levels
        ]
        return [*found, pa.array(self._near.near_border(lon, lat))]


def _codes(
    locator: Locator,
    codes: pa.Array,
    lon: npt.NDArray[np.float64],
    lat: npt.NDArray[np.float64],
) -> pa.Array:
    index = locator.locate(lon, lat)
    return codes.take(pa.array(index, mask=index < 0))


def located_schema(schema: pa.Schema) -> pa.Schema:
    """The schema with the five columns added. Raises BadFile when it has one of them already."""
    for name in COLUMNS.names:
        if schema.get_field_index(name) >= 0 or schema.get_all_field_indices(name):
            raise BadFile(
                f"There already is a column {name}; rename it, or give the original file.",
                field="columns",
            )
    for field in COLUMNS:
        schema = schema.append(field)
    return schema


def locate_batch(batch: pa.RecordBatch, index: BulkIndex) -> pa.RecordBatch:
    """The batch with ``district_code, street_code, community_code, grid_code, near_border`` added.

    The points are in its GeoParquet or GeoArrow column of WKB points, or in its columns ``lon`` and
    ``lat`` (numbers or texts), in the index's CRS. A code is null where no area covers the point;
    ``near_border`` is null, and every code, where the row is not a place (:func:`faults_of` says
    why). Raises BadFile without such columns or when one of the five is there already, UnknownCrs.
    """
    schema = located_schema(batch.schema)
    points = read_points(batch, index.crs)
    if points.good.all():
        added = index.columns(points.lon, points.lat)
    else:
        rows = np.flatnonzero(points.good)
        places = np.cumsum(points.good) - 1
        take = pa.array(places, mask=~points.good)
        added = [c.take(take) for c in index.columns(points.lon[rows], points.lat[rows])]
    return pa.RecordBatch.from_arrays([*batch.columns, *added], schema=schema)


def faults_of(located: pa.RecordBatch, crs: str) -> Sequence[BatchFault]:
    """The rows of a located batch that are not places, each with its reason."""
    near = located.column("near_border")
    if near.null_count == 0:
        return ()
    rows = np.flatnonzero(near.is_null().to_numpy(zero_copy_only=False))
    return [BatchFault(row, why_bad(located, row, crs)) for row in rows.tolist()]
