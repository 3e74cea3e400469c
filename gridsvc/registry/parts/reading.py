"""Parts as they come, in a CSV, a vector file or a data frame, and which column holds what."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridsvc.errors import BadFile, BadInput
from gridsvc.readers.crs import declared_crs
from gridsvc.readers.limits import ReadLimits, ReadOptions
from gridsvc.readers.table import points_of, read_csv, shapes_of_wkt, texts_of
from gridsvc.readers.vector_file import opened_layer, read_layer
from gridsvc.settings import Settings
from gridsvc.spatial.crs import Crs

#: Our column names, each with the names that a file may use instead (case does not matter).
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "code": ("编码", "八位编码", "8位编码", "部件编码", "部件代码"),
    "national_id": ("标识码", "部件标识码", "国家标识码"),
    "class_code": ("class", "小类代码", "部件小类代码", "类别代码", "分类代码", "部件类别"),
    "name": ("部件名称", "名称"),
    "lon": ("x", "longitude", "经度"),
    "lat": ("y", "latitude", "纬度"),
    "wkt": ("几何", "坐标串"),
    "state": ("status", "部件状态", "状态"),
    "competent_body": ("主管部门代码", "主管部门"),
    "owner_body": ("权属单位代码", "权属单位"),
    "maintainer_body": ("养护单位代码", "养护单位", "维护单位代码"),
    "position_class": ("定位精度", "精度等级", "定位等级"),
    "first_date": ("初始日期", "初始时间", "普查日期"),
    "change_date": ("变更日期", "变更时间"),
    "source": ("数据来源",),
    "note": ("备注",),
}
_GEOMETRY_COLUMNS = ("lon", "lat", "wkt")

#: The five states, and the standard's words for them.
STATES: Mapping[str, str] = {
    "完好": "intact",
    "破损": "damaged",
    "丢失": "missing",
    "废弃": "abandoned",
    "移除": "removed",
} | {state: state for state in ("intact", "damaged", "missing", "abandoned", "removed")}

# A note may be long; what is longer is not a note.
_LONGEST_NOTE = 100_000


@dataclass(frozen=True, slots=True)
class RawParts:
    """n rows as read, nothing judged yet but the form.

    ``columns`` has every column of ``COLUMNS`` but the three of the geometry, as text, empty for
    absent. ``geometries`` (object, n) is in ``crs``, two-dimensional, None where the row has none
    that can be read. ``faults`` are reasons for which a row cannot be used, by row from 0, and
    ``lines`` the rows' lines in a CSV file.
    """

    columns: pd.DataFrame
    geometries: NDArray[np.object_]
    faults: dict[int, str]
    crs: Crs
    title: str
    remarks: tuple[str, ...] = ()
    lines: NDArray[np.int64] | None = None
    ragged: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.columns)


def parts_limits(settings: Settings) -> ReadLimits:
    """How much of a file of parts is taken: more rows than of areas, and long notes."""
    return dataclasses.replace(
        ReadLimits.of(settings),
        features=settings.import_max_parts,
        features_setting="PARTS",
        text_chars=_LONGEST_NOTE,
    )


def read_parts(
    path: Path,
    options: ReadOptions,
    *,
    crs: str | None = None,
    mapping: Mapping[str, str] | None = None,
) -> RawParts:
    """Read every row of a CSV (``.csv``, ``.txt``) or a vector file.

    ``crs`` declares the coordinates' system; when None, the file's own, of a CSV WGS84. ``mapping``
    gives the file's name of a column for ours. Raises BadFile when the file cannot be read or its
    columns cannot be told, TooLarge above the limits, UnknownCrs as ``declared_crs`` does.
    """
    if path.suffix.lower() in (".csv", ".txt"):
        table = read_csv(path, options.limits)
        raw = parts_of_table(table.cells, crs=crs, mapping=mapping, title=path.name)
        return dataclasses.replace(raw, lines=table.lines, ragged=table.ragged)
    aliases = {alias for names in COLUMNS.values() for alias in names}
    known_names = {*options.known_names, *STATES, *aliases}
    with opened_layer(path, dataclasses.replace(options, known_names=known_names)) as opened:
        chosen = _match_columns(opened.columns, mapping)
        wanted = [theirs for ours, theirs in chosen.items() if ours not in _GEOMETRY_COLUMNS]
        file = read_layer(opened, wanted, options.limits, crs=crs, as_read=True)
    columns = {
        theirs: np.array([it.texts[theirs] or "" for it in file.features], dtype=object)
        for theirs in wanted
    }
    geometries = np.full(len(file.features), None, dtype=object)
    geometries[:] = [it.geometry for it in file.features]
    return RawParts(
        _text_columns(columns, chosen, len(geometries)),
        geometries,
        {it.number - 1: it.trouble for it in file.features if it.trouble is not None},
        file.crs,
        path.name,
        file.remarks,
    )


def parts_of_table(
    table: pd.DataFrame,
    *,
    crs: str | None = None,
    mapping: Mapping[str, str] | None = None,
    title: str = "data frame",
) -> RawParts:
    """The parts of a data frame, which has columns lon and lat, or wkt, in ``crs`` (else WGS84).

    Raises BadFile when its columns cannot be told, UnknownCrs as ``declared_crs`` does.
    """
    known = declared_crs(crs or "wgs84")
    chosen = _match_columns([str(name) for name in table.columns], mapping)
    if "wkt" in chosen:
        geometries, missing = shapes_of_wkt(texts_of(table[chosen["wkt"]].to_numpy()))
    elif "lon" in chosen and "lat" in chosen:
        geometries, missing = points_of(table[chosen["lon"]], table[chosen["lat"]])
    else:
        raise BadFile(
            f"{title} has no geometry; name the columns lon and lat (or x and y), or wkt, or map"
            f" them; it has {', '.join(map(str, table.columns))}.",
            field="mapping",
        )
    columns = {theirs: texts_of(table[theirs].to_numpy()) for theirs in chosen.values()}
    return RawParts(_text_columns(columns, chosen, len(table)), geometries, missing, known, title)


def _text_columns(
    columns: Mapping[str, NDArray[np.object_]], chosen: Mapping[str, str], count: int
) -> pd.DataFrame:
    absent = np.full(count, "", dtype=object)
    return pd.DataFrame(
        {
            ours: columns[chosen[ours]] if ours in chosen else absent
            for ours in COLUMNS
            if ours not in _GEOMETRY_COLUMNS
        }
    )


def _match_columns(present: Iterable[str], mapping: Mapping[str, str] | None) -> dict[str, str]:
    """Give, for each of our columns that the file has, the file's name for it.

    ``mapping`` (ours to the file's) goes before every alias. Raises BadInput when it names a
    column that is not ours, BadFile when the file lacks a mapped column, when two columns claim
    one meaning, or when there is no column of the class.
    """
    names = list(present)
    chosen = dict(mapping or {})
    for ours, theirs in chosen.items():
        if ours not in COLUMNS:
            raise BadInput(
                f"The mapping names {ours!r}, which is not a column of parts; use"
                f" {', '.join(COLUMNS)}.",
                field="mapping",
            )
        if theirs not in names:
            raise BadFile(
                f"The file has no column {theirs!r}, which the mapping gives for {ours}; it has"
                f" {', '.join(names)}.",
                field="mapping",
            )
    taken = set(chosen.values())
    for ours, aliases in COLUMNS.items():
        if ours in chosen:
            continue
        known = {ours, *aliases}
        found = [name for name in names if name.strip().lower() in known and name not in taken]
        if len(found) > 1:
            raise BadFile(
                f"The columns {' and '.join(found)} both mean {ours}; say which one counts by a"
                f" mapping, as in {ours}={found[0]}.",
                field="mapping",
            )
        if found:
            chosen[ours] = found[0]
    if "class_code" not in chosen:
        raise BadFile(
            "The file has no column for the class of the parts; name it class_code, or map it, as"
            f" in class_code=COLUMN; it has {', '.join(names)}.",
            field="mapping",
        )
    return chosen
