"""A city's own boundaries from any vector file: load what is sound, mend, refuse, and say so.

Nothing is guessed. The CRS is the file's or the declared one. An area without a code is refused,
also when its name would tell the code, because names repeat. When several features bear one code
they are all refused, because either one of them has the wrong code or they are parts of one area,
and the file does not say which; an operator who knows that they are parts sets ``join_parts``, and
then features of one code and one name that do not overlap become one area, listed as mended.

Overlaps, gaps, slivers and areas that reach outside their parent are reported and left: which side
of a border is right is for people to settle.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from sqlalchemy.orm import Session

from gridsvc.codes import Level, level_of, parent_of
from gridsvc.errors import BadCode, BadFile, BadGeometry, BadInput, Conflict
from gridsvc.registry.areas import fit, repository
from gridsvc.registry.areas.report import AreaImport, Outcome, summary
from gridsvc.registry.areas.service import NewArea, load_edition
from gridsvc.registry.areas.vector_file import Feature, VectorFile, read_vector_file
from gridsvc.registry.districts import read_divisions
from gridsvc.settings import get_settings
from gridsvc.spatial.coverage import mend
from gridsvc.spatial.crs import Crs, area_m2, from_wgs84, geometry_to_wgs84

__all__ = ["import_areas"]

_ABOVE = {Level.STREET: Level.DISTRICT, Level.COMMUNITY: Level.STREET}
_DIGITS = {Level.DISTRICT: 6, Level.STREET: 9, Level.COMMUNITY: 12}
# Two parts of one area may overlap by a drawn line's width, not by more.
_PARTS_OVERLAP_M2 = 1.0
# Without districts to compare with, farther than this from the city's centre is another city.
_FAR_DEGREES = 3.0


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An area on its way in: the features it comes from, and how it was mended so far."""

    features: tuple[int, ...]
    code: str
    name: str
    geometry: Any
    how: tuple[str, ...]
    changed_m2: float
    place: tuple[float | None, float | None]

    def outcome(self, words: str) -> Outcome:
        return Outcome(self.features, self.code, self.name, words, self.changed_m2, *self.place)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the areas are held against: names by code, the city, and the areas above by code."""

    names: Mapping[str, str]
    city: Any
    parents: Mapping[str, Any]
    new_codes: bool


class _Refused(Exception):
    """One feature cannot be loaded; the message says why."""


def import_areas(
    session: Session,
    path: Path,
    *,
    level: str,
    edition_id: str,
    columns: Mapping[str, str],
    effective_from: dt.datetime,
    accuracy_m: float,
    source: str,
    licence: str,
    title: str | None = None,
    approximate: bool = False,
    crs: str | None = None,
    layer: str | None = None,
    encoding: str | None = None,
    join_parts: bool = False,
    new_codes: bool = False,
    progress: Callable[[str], None] | None = None,
) -> AreaImport:
    """Load a vector file as a new edition in draft, and tell what became of every feature.

    ``columns`` maps ``code`` and, where the file has them, ``name`` and ``parent`` to the file's
    columns. ``crs`` is the declared CRS, believed before the file's own. ``new_codes`` takes codes
    that are in no list of divisions and no edition in force. The result is kept as the edition's
    audit. Raises what ``read_vector_file`` and ``load_edition`` raise, and BadFile when not one
    feature can be loaded; then nothing is stored.
    """
    tell = progress or (lambda _: None)
    if level not in _DIGITS:
        raise BadInput(f"{level!r} is no level of areas: give {', '.join(Level)}.", field="level")
    wanted = Level(level)
    if "code" not in columns or not set(columns) <= {"code", "name", "parent"}:
        raise BadInput(
            "columns must name the file's column for code, and may for name and parent.",
            field="columns",
        )
    if repository.edition(session, edition_id) is not None:
        raise Conflict(
            f"The edition {edition_id!r} is there already: choose another id, or discard it if it "
            "is a draft.",
            field="edition_id",
        )
    tell(f"Reading {path.name}.")
    file = read_vector_file(path, list(columns.values()), crs=crs, layer=layer, encoding=encoding)
    known = _known(session, wanted, effective_from, new_codes)
    candidates, refused = _sift(file, wanted, columns, known)
    kept = _one_each(candidates, refused, join_parts=join_parts)
    if not kept:
        reasons = {outcome.words for outcome in refused}
        raise BadFile(
            f"Not one of the {len(file.features)} features of {path.name} can be loaded; the first "
            f"reasons: {'; '.join(sorted(reasons)[:3]) or 'the file is empty'}.",
            field="path",
        )
    tell(f"Comparing {len(kept)} areas with each other and with those above them.")
    result = AreaImport(
        edition_id,
        wanted,
        file.crs.name,
        tuple(area.outcome("") for area in kept if not area.how),
        tuple(area.outcome("; ".join(area.how)) for area in kept if area.how),
        tuple(sorted(refused, key=lambda outcome: outcome.features)),
        _faults(kept, known),
        (*file.remarks, *_datum_remark(kept, file, known)),
    )
    load_edition(
        session,
        id=edition_id,
        level=wanted,
        title=title or path.stem,
        source=source,
        licence=licence,
        accuracy_m=accuracy_m,
        approximate=approximate,
        effective_from=effective_from,
        areas=[
            NewArea(area.code, area.name, area.geometry, note="; ".join(area.how) or None)
            for area in kept
        ],
        audit=summary(result),
    )
    return result


def _known(session: Session, level: Level, day: dt.datetime, new_codes: bool) -> _Known:
    """Everything that is known for the day on which the areas shall take effect."""
    names = {it.code: it.name for it in read_divisions() if it.level == level}
    own = repository.edition_in_force(session, level, day)
    if own is not None:
        names = repository.codes_in(session, own.id) | names
    city = shapely.box(
        get_settings().city_lon - _FAR_DEGREES,
        get_settings().city_lat - _FAR_DEGREES,
        get_settings().city_lon + _FAR_DEGREES,
        get_settings().city_lat + _FAR_DEGREES,
    )
    districts = _areas_of(session, Level.DISTRICT, day)
    if districts and level is not Level.DISTRICT:
        city = shapely.union_all(list(districts.values()))
    shapely.prepare(city)
    above = _ABOVE.get(level)
    parents = {} if above is None else _areas_of(session, above, day)
    return _Known(names, city, parents, new_codes)


def _areas_of(session: Session, level: Level, day: dt.datetime) -> dict[str, Any]:
    edition = repository.edition_in_force(session, level, day)
    if edition is None:
        return {}
    codes, geometries = repository.geometries_in(session, edition.id)
    return dict(zip(codes, geometries, strict=True))


def _sift(
    file: VectorFile, level: Level, columns: Mapping[str, str], known: _Known
) -> tuple[list[_Candidate], list[Outcome]]:
    """Part the features into those that can be loaded, mended where needed, and the refused."""
    candidates: list[_Candidate] = []
    refused: list[Outcome] = []
    for feature in file.features:
        texts = {role: feature.texts[column] for role, column in columns.items()}
        try:
            candidates.append(_candidate(feature, texts, level, known))
        except _Refused as reason:
            there = feature.geometry is not None and not feature.geometry.is_empty
            lon, lat = _anywhere(feature.geometry) if there else (None, None)
            refused.append(
                Outcome(
                    (feature.number,),
                    texts["code"],
                    texts.get("name"),
                    str(reason),
                    0.0,
                    lon,
                    lat,
                )
            )
    return candidates, refused


def _candidate(
    feature: Feature, texts: Mapping[str, str | None], level: Level, known: _Known
) -> _Candidate:
    code, how = _code(texts["code"], level)
    if code not in known.names and not known.new_codes:
        raise _Refused(
            f"the code {code} is in no list of divisions and no edition in force: correct it, or "
            "allow new codes"
        )
    given, above = texts.get("parent"), parent_of(code)
    if given is not None and above is not None and given.ljust(12, "0") != above.ljust(12, "0"):
        raise _Refused(f"the code {code} does not begin with the parent that it names, {given}")
    if feature.trouble is not None:
        raise _Refused(feature.trouble)
    if not _on_earth(feature.geometry):
        raise _Refused(_outside(feature.geometry, known.city))
    try:
        mended = mend(feature.geometry)
    except BadGeometry as error:
        raise _Refused(error.detail) from None
    if not shapely.intersects(known.city, mended.geometry):
        raise _Refused(_outside(mended.geometry, known.city))
    name = texts.get("name")
    if name is None:
        name = known.names.get(code, "")
        if "name" in texts and name:
            how.append(f"no name: took {name} from the list of divisions")
    place = _broken_place(feature.geometry) or fit.place_of(mended.geometry)
    return _Candidate(
        (feature.number,),
        code,
        name,
        mended.geometry,
        (*how, *mended.how),
        round(mended.changed_m2, 6),
        place,
    )


def _code(text: str | None, level: Level) -> tuple[str, list[str]]:
    """The code of a cell, and what was done to it."""
    if text is None:
        raise _Refused("it has no code")
    digits = _DIGITS[level]
    if len(text) == 12 and digits < 12 and text[digits:].strip("0") == "":
        return _code(text[:digits], level)[0], [f"wrote the code {text} as {text[:digits]}"]
    try:
        found = level_of(text)
    except BadCode as error:
        raise _Refused(error.detail) from None
    if found is not level:
        raise _Refused(f"{text} is the code of a {found}, not of a {level}")
    return text, []


def _on_earth(geometry: Any) -> bool:
    """Whether all coordinates can be longitudes and latitudes."""
    return bool((np.abs(shapely.get_coordinates(geometry)) <= (180.0, 90.0)).all())


def _outside(geometry: Any, city: Any) -> str:
    lon, lat = _anywhere(geometry)
    if shapely.intersects(city, shapely.Point(lat, lon)):
        return f"it lies outside the city, at {lon:.5f} {lat:.5f}: lon and lat seem to be swapped"
    return f"it lies outside the city, at {lon:.5f} {lat:.5f}: is the declared CRS right?"


def _one_each(
    candidates: list[_Candidate], refused: list[Outcome], *, join_parts: bool
) -> list[_Candidate]:
    """One area for each code, in code order; what must not be guessed goes to ``refused``."""
    bearers: dict[str, list[_Candidate]] = defaultdict(list)
    for candidate in candidates:
        bearers[candidate.code].append(candidate)
    kept: list[_Candidate] = []
    for code, group in sorted(bearers.items()):
        if len(group) == 1:
            kept += group
            continue
        parts = _are_parts(group)
        if parts and join_parts:
            kept.append(_joined(group))
            continue
        for candidate in group:
            others = ", ".join(str(it.features[0]) for it in group if it is not candidate)
            words = f"the code {code} is also that of feature {others}"
            words += (
                "; same name and no overlap: if they are parts of one area, allow joining"
                if parts
                else ": correct one of them"
            )
            refused.append(candidate.outcome(words))
    return kept


def _are_parts(group: list[_Candidate]) -> bool:
    if len({candidate.name for candidate in group}) > 1:
        return False
    shapes = [candidate.geometry for candidate in group]
    excess = float(area_m2(shapes).sum()) - float(area_m2(shapely.union_all(shapes)))
    return excess <= _PARTS_OVERLAP_M2


def _joined(group: list[_Candidate]) -> _Candidate:
    numbers = tuple(number for candidate in group for number in candidate.features)
    whole = shapely.union_all([candidate.geometry for candidate in group])
    how = "joined features " + " and ".join(str(number) for number in numbers)
    return dataclasses.replace(
        group[0],
        features=numbers,
        geometry=whole,
        how=(how, *(words for candidate in group for words in candidate.how)),
        changed_m2=sum(candidate.changed_m2 for candidate in group),
    )


def _faults(kept: list[_Candidate], known: _Known) -> tuple[Any, ...]:
    codes = [area.code for area in kept]
    shapes = [area.geometry for area in kept]
    found = fit.area_faults(codes, shapes)
    if known.parents:
        found += fit.parent_faults(codes, shapes, known.parents)
    found += fit.name_faults(codes, [area.name for area in kept], shapes, known.names)
    return tuple(sorted(found, key=lambda fault: (-fault.area_m2, fault.kind, fault.codes)))


def _datum_remark(kept: list[_Candidate], file: VectorFile, known: _Known) -> list[str]:
    """A remark when the areas would fit into those above them far better in another datum."""
    codes = [area.code for area in kept]
    shapes = [area.geometry for area in kept]
    outside = fit.outside_parents_m2(codes, shapes, known.parents)
    if not file.crs.in_degrees or outside < 0.01 * float(area_m2(shapes).sum()):
        return []
    for other in ("wgs84", "gcj02", "bd09"):
        if other == file.crs.name:
            continue
        given = shapely.transform(shapes, lambda xy: _as_given(xy, file.crs))
        moved = shapely.make_valid(geometry_to_wgs84(given, other))
        if (better := fit.outside_parents_m2(codes, moved, known.parents)) < outside / 2:
            return [
                f"{outside:,.0f} m² lie outside the areas above; read as {other} it would be only "
                f"{better:,.0f} m²: check the CRS before activating this edition"
            ]
    return []


def _as_given(lonlat: Any, crs: Crs) -> Any:
    return np.column_stack(from_wgs84(lonlat[:, 0], lonlat[:, 1], crs))


def _broken_place(geometry: Any) -> tuple[float, float] | None:
    """Where GEOS sees a ring break."""
    found = re.search(r"\[(\S+) ([^\s\]]+)", shapely.is_valid_reason(geometry))
    return None if found is None else (float(found[1]), float(found[2]))


def _anywhere(geometry: Any) -> tuple[float, float]:
    """A place to look at for a geometry that may be broken: its first vertex."""
    lon, lat = shapely.get_coordinates(geometry)[0].tolist()
    return lon, lat
