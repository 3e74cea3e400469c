"""The areas of a file that nobody loaded, ready for an audit: all of them, whatever is wrong.

An import refuses a feature without a code, or with another's; an audit has to look at its ground
all the same. So an area is called by its code where that is its own, else by its feature's number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gridsvc.codes import Level, level_of, parent_of
from gridsvc.errors import BadCode, BadFile, BadInput
from gridsvc.readers.limits import ReadOptions
from gridsvc.readers.vector_file import Feature, read_vector_file
from gridsvc.registry.audits.model import AreasToAudit

_ROLES = {"code", "name", "parent"}
_PARENT_DIGITS = {Level.DISTRICT: 0, Level.STREET: 6, Level.COMMUNITY: 9}


@dataclass(frozen=True, slots=True)
class FileToAudit:
    """The areas of a file, the CRS they were read by, and remarks on the reading."""

    areas: AreasToAudit
    crs: str
    remarks: tuple[str, ...]


def areas_of_file(
    path: Path,
    level: Level,
    columns: Mapping[str, str],
    options: ReadOptions,
    *,
    crs: str | None = None,
) -> FileToAudit:
    """Read all features of a file as areas of a level.

    ``columns`` maps ``code`` and, where there are any, ``name`` and ``parent`` to the file's
    columns. An area's parent is the one that its column names, where a code below it does too, else
    the one that its own code names. Features without a geometry stay, empty, and are told in the
    remarks with all that cannot be read. Raises what ``read_vector_file`` raises; BadFile when
    there is no feature.
    """
    if not set(columns) <= _ROLES:
        raise BadInput("--column takes code, name and parent.", field="columns")
    file = read_vector_file(path, list(columns.values()), options, crs=crs)
    if not file.features:
        raise BadFile(f"{path.name} holds no features; there is nothing to audit.", field="path")
    told = [f"feature {it.number}: {it.trouble}" for it in file.features if it.trouble is not None]
    shapes = np.empty(len(file.features), dtype=object)
    shapes[:] = [it.geometry for it in file.features]
    areas = AreasToAudit(
        codes=_called(file.features, columns),
        names=tuple(_text(it, columns, "name") or "" for it in file.features),
        parent_codes=tuple(_parent(it, columns, level) for it in file.features),
        geometries=shapes,
    )
    return FileToAudit(areas, file.crs.name, (*file.remarks, *told))


def _text(feature: Feature, columns: Mapping[str, str], role: str) -> str | None:
    return feature.texts[columns[role]] if role in columns else None


def _called(features: tuple[Feature, ...], columns: Mapping[str, str]) -> tuple[str, ...]:
    codes = [_text(it, columns, "code") for it in features]
    bearers = Counter(codes)
    return tuple(
        f"#{it.number}" if code is None else code if bearers[code] == 1 else f"{code}#{it.number}"
        for it, code in zip(features, codes, strict=True)
    )


def _parent(feature: Feature, columns: Mapping[str, str], level: Level) -> str | None:
    named = _text(feature, columns, "parent")
    if named is not None:
        # The code of the area itself, or one filled up with zeros, names the parent as well.
        return named[: _PARENT_DIGITS[level]]
    code = _text(feature, columns, "code")
    try:
        return None if code is None or level_of(code) is not level else parent_of(code)
    except BadCode:
        return None
