"""A city's own boundaries from any vector file: load what is sound, mend, refuse, and say so.

Nothing is guessed. The CRS is the file's or the declared one; which features can be loaded is told
in ``screening``. Overlaps, gaps, slivers and areas that reach outside their parent are reported and
left: which side of a border is right is for people to settle. So is a datum that is suspected to be
another one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import shapely
from sqlalchemy.orm import Session

from gridsvc.codes import Level
from gridsvc.errors import BadFile, BadInput, Conflict
from gridsvc.readers.limits import ReadOptions
from gridsvc.readers.vector_file import VectorFile, read_vector_file
from gridsvc.registry.areas import coverage_check, repository
from gridsvc.registry.areas.datum import measured_shift
from gridsvc.registry.areas.report import AreaImport, DrawnFeature, ImportFault, summary
from gridsvc.registry.areas.screening import Candidate, Known, one_per_code, screen
from gridsvc.registry.areas.service import NewArea, load_edition
from gridsvc.registry.districts import Division
from gridsvc.registry.editions import repository as edition_repository
from gridsvc.registry.editions.service import SERVICE
from gridsvc.spatial.plane import MetricPlane

_ABOVE = {Level.STREET: Level.DISTRICT, Level.COMMUNITY: Level.STREET}
# Without districts to compare with, farther than this from the city's centre is another city.
_FAR_DEGREES = 3.0
# Areas that are no better known than this are not measure of a datum's shift.
_DATUM_ACCURACY_M = 100.0


def import_areas(
    session: Session,
    path: Path,
    *,
    plane: MetricPlane,
    level: str,
    edition_id: str,
    columns: Mapping[str, str],
    effective_from: dt.datetime,
    now: dt.datetime,
    accuracy_m: float,
    source: str,
    licence: str,
    title: str | None = None,
    approximate: bool = False,
    crs: str | None = None,
    join_parts: bool = False,
    new_codes: bool = False,
    reason: str | None = None,
    by: str = SERVICE,
    options: ReadOptions,
    divisions: Sequence[Division],
    progress: Callable[[str], None] | None = None,
) -> AreaImport:
    """Load a vector file as a new edition in draft, and tell what became of every feature.

    ``columns`` maps ``code`` and, where the file has them, ``name`` and ``parent`` to the file's
    columns. ``crs`` is the declared CRS, believed before the file's own. ``new_codes`` takes codes
    that are in no list of divisions and no edition in force. ``reason`` says why the edition is
    made, ``by`` who makes it. ``divisions`` is the list that codes and names are held against,
    ``options`` how the file is read. The result is kept as the edition's audit. Raises what
    ``read_vector_file`` and ``load_edition`` raise, and BadFile when not one feature can be loaded;
    then nothing is stored.
    """
    tell = progress or (lambda _: None)
    if level not in set(Level):
        raise BadInput(
            f"{level!r} is not a level of areas; give {', '.join(Level)}.", field="level"
        )
    wanted = Level(level)
    if "code" not in columns or not set(columns) <= {"code", "name", "parent"}:
        raise BadInput(
            "columns must name the file's column for code, and may for name and parent.",
            field="columns",
        )
    if edition_repository.edition(session, edition_id) is not None:
        raise Conflict(
            f"The edition {edition_id!r} already exists; choose another id, or discard it if it is"
            " a draft.",
            field="edition_id",
        )
    tell(f"Reading {path.name}.")
    file = read_vector_file(path, list(columns.values()), options, crs=crs)
    known = _known(session, wanted, effective_from, new_codes, divisions, plane)
    candidates, refused = screen(file, wanted, columns, known)
    kept = one_per_code(candidates, refused, join_parts=join_parts)
    if not kept:
        reasons = {outcome.words for outcome in refused}
        raise BadFile(
            f"None of the {len(file.features)} features of {path.name} can be loaded; the first"
            f" reasons: {'; '.join(sorted(reasons)[:3]) or 'the file is empty'}.",
            field="path",
        )
    tell(f"Comparing {len(kept)} areas with each other and with those above them.")
    shift = measured_shift(
        [area.code for area in kept],
        [area.geometry for area in kept],
        own=known.own,
        parents=known.parents,
        crs=file.crs,
        plane=plane,
    )
    result = AreaImport(
        edition_id,
        wanted,
        file.crs.name,
        tuple(area.outcome("") for area in kept if not area.how),
        tuple(area.outcome("; ".join(area.how)) for area in kept if area.how),
        tuple(sorted(refused, key=lambda outcome: outcome.features)),
        _faults(kept, known, plane),
        (
            *file.remarks,
            *([shift.words] if shift is not None else []),
            *_nameless(kept),
            *_lacking(known, {area.code for area in kept}, wanted),
        ),
        shift,
        _drawn(kept, file),
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
        at=now,
        audit=summary(result),
        reason=reason,
        by=by,
    )
    return result


def _nameless(kept: list[Candidate]) -> list[str]:
    """What is said when areas would have no name: neither the file nor the list gives them one."""
    codes = [area.code for area in kept if not area.name]
    if not codes:
        return []
    named = ", ".join(codes[:3]) + (" and others" if len(codes) > 3 else "")
    return [
        f"{len(codes):,} of {len(kept):,} areas have no name ({named}), in the file or in the list"
        " of divisions: name their column with --column name=..."
    ]


def _lacking(known: Known, codes: set[str], level: Level) -> list[str]:
    """What is said when areas that are in force are not among those that come in."""
    gone = sorted(known.in_force - codes)
    if not gone:
        return []
    named = ", ".join(gone[:3]) + (" and others" if len(gone) > 3 else "")
    return [
        f"{len(gone):,} of the {len(known.in_force):,} areas of level {level} in force are not "
        f"loaded ({named}): once this edition is in force they are gone, and their ground is "
        "nobody's unless another area takes it."
    ]


def _known(
    session: Session,
    level: Level,
    day: dt.datetime,
    new_codes: bool,
    divisions: Sequence[Division],
    plane: MetricPlane,
) -> Known:
    """Everything that is known for the day on which the areas shall take effect."""
    names = {it.code: it.name for it in divisions if it.level == level}
    own = edition_repository.edition_in_force(session, level, day)
    held = {} if own is None else edition_repository.codes_in(session, own.id)
    names = held | names
    lon, lat = plane.lon, plane.lat
    city = shapely.box(
        lon - _FAR_DEGREES, lat - _FAR_DEGREES, lon + _FAR_DEGREES, lat + _FAR_DEGREES
    )
    districts = _areas_of(session, Level.DISTRICT, day)
    if districts and level is not Level.DISTRICT:
        city = shapely.union_all(list(districts.values()))
    shapely.prepare(city)
    above = _ABOVE.get(level)
    parents = {} if above is None else _areas_of(session, above, day)
    sure = own is not None and not own.approximate and own.accuracy_m <= _DATUM_ACCURACY_M
    areas = _areas_of(session, level, day) if sure else {}
    return Known(names, city, areas, parents, new_codes, frozenset(held))


def _areas_of(session: Session, level: Level, day: dt.datetime) -> dict[str, Any]:
    edition = edition_repository.edition_in_force(session, level, day)
    if edition is None:
        return {}
    codes, geometries = repository.geometries_in(session, edition.id)
    return dict(zip(codes, geometries, strict=True))


def _faults(kept: list[Candidate], known: Known, plane: MetricPlane) -> tuple[ImportFault, ...]:
    codes = [area.code for area in kept]
    shapes = [area.geometry for area in kept]
    found = coverage_check.area_faults(codes, shapes, plane)
    if known.parents:
        found += coverage_check.parent_faults(codes, shapes, known.parents)
    found += coverage_check.name_faults(codes, [area.name for area in kept], shapes, known.names)
    return tuple(sorted(found, key=lambda fault: (-fault.area_m2, fault.kind, fault.codes)))


def _drawn(kept: list[Candidate], file: VectorFile) -> tuple[DrawnFeature, ...]:
    """What there is to draw: the areas as they are kept, and the refused features as they came."""
    taken = {number for area in kept for number in area.features}
    rest = [
        DrawnFeature((feature.number,), feature.geometry)
        for feature in file.features
        if feature.number not in taken and feature.geometry is not None
    ]
    return (*(DrawnFeature(area.features, area.geometry) for area in kept), *rest)
