"""Auditing: the areas of an edition or of a file, by themselves and against the levels above."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

from sqlalchemy.orm import Session

from gridsvc.errors import BadInput, Conflict
from gridsvc.registry.audits.model import (
    AreaShare,
    AreasToAudit,
    AuditReport,
    LevelAbove,
    ProjectedCount,
)
from gridsvc.registry.audits.repository import areas_to_audit
from gridsvc.registry.editions.models import Edition
from gridsvc.registry.editions.service import (
    LEVELS,
    edition_above,
    existing_edition,
    mark_audited,
)
from gridsvc.spatial.audit import (
    INLET_WIDTH_M,
    AreaFault,
    FaultKind,
    ParentShare,
    audit_against,
    audit_areas,
    name_members,
    overlaps_when_projected,
    totals_of,
)
from gridsvc.spatial.plane import MetricPlane

_ORDER = {kind: place for place, kind in enumerate(FaultKind)}
# The edition keeps so many faults of each kind, the largest; the rest is in the totals.
_KEPT = 500


def audit_edition(
    session: Session,
    edition_id: str,
    *,
    plane: MetricPlane,
    against: Sequence[str] = (),
    accuracy_m: float | None = None,
    inlet_width_m: float = INLET_WIDTH_M,
) -> AuditReport:
    """Audit the areas of an edition in any state; nothing is stored.

    ``against`` are editions of levels above; where none is named, it is the one of the level right
    above that is in force when this edition begins, if there is one. ``accuracy_m`` is how narrow
    a sliver is, the edition's own accuracy when None. Raises NotFound for an unknown edition;
    BadInput when one of ``against`` is of no level above; Conflict when the edition holds no areas.
    """
    edition = existing_edition(session, edition_id)
    above = levels_above(session, edition.level, edition.effective_from, against)
    areas = areas_to_audit(session, edition.id, edition.level)
    if not areas.codes:
        raise Conflict(f"The edition {edition_id!r} holds no areas; there is nothing to audit.")
    return audit_listed(
        edition.id,
        edition.level,
        areas,
        plane=plane,
        above=above,
        accuracy_m=edition.accuracy_m if accuracy_m is None else accuracy_m,
        inlet_width_m=inlet_width_m,
    )


def levels_above(
    session: Session, level: str, day: dt.datetime, against: Sequence[str] = ()
) -> list[LevelAbove]:
    """What areas of a level are compared with: the editions named, else the one right above.

    The latter is the one in force on the day, if there is one. Raises NotFound, and BadInput when
    an edition is of no level above.
    """
    above = [existing_edition(session, other) for other in against]
    if not above and (right_above := edition_above(session, level, day)) is not None:
        above = [right_above]
    for other in above:
        if LEVELS.index(other.level) >= LEVELS.index(level):
            raise BadInput(
                f"{other.id!r} is of level {other.level}, which is not above {level}; name"
                " editions of levels above.",
                field="against",
            )
    return [
        LevelAbove(it.id, it.level, it.accuracy_m, areas_to_audit(session, it.id, it.level))
        for it in above
    ]


def counted_projected(report: AuditReport, crs: str) -> AuditReport:
    """The report with the overlaps as they come out when areas are projected before comparing.

    Raises UnknownCrs, and BadInput when ``crs`` has no plane in metres.
    """
    found = overlaps_when_projected(report.areas.geometries, crs)
    codes = report.areas.codes
    pairs = tuple(
        (codes[first], codes[second], size)
        for (first, second), size in zip(found.pairs.tolist(), found.area_m2.tolist(), strict=True)
    )
    return dataclasses.replace(report, projected=ProjectedCount(found.crs, pairs))


def audit_listed(
    title: str,
    level: str,
    areas: AreasToAudit,
    *,
    plane: MetricPlane,
    above: Sequence[LevelAbove] = (),
    accuracy_m: float,
    inlet_width_m: float = INLET_WIDTH_M,
) -> AuditReport:
    """Audit areas wherever they come from: an edition, or a file that is not loaded.

    A sliver against another level is no wider than both accuracies together.
    """
    found = audit_areas(
        areas.geometries, plane=plane, accuracy_m=accuracy_m, inlet_width_m=inlet_width_m
    )
    faults = list(name_members(found.faults, areas.codes))
    shares: list[AreaShare] = []
    count, size = found.rounding_count, found.rounding_m2
    for other in above:
        compared = audit_against(
            areas.geometries,
            other.areas.geometries,
            _own(areas, other, LEVELS.index(level) - LEVELS.index(other.level) == 1),
            plane=plane,
            accuracy_m=accuracy_m + other.accuracy_m,
        )
        faults += name_members(compared.faults, areas.codes, other.areas.codes)
        shares += [_share(share, areas, other) for share in compared.shares]
        count, size = count + compared.rounding_count, size + compared.rounding_m2
    ordered: tuple[AreaFault, ...] = tuple(
        sorted(faults, key=lambda it: (_ORDER[it.kind], -it.area_m2, it.codes))
    )
    return AuditReport(
        title=title,
        level=level,
        areas=areas,
        above=tuple(above),
        accuracy_m=accuracy_m,
        inlet_width_m=inlet_width_m,
        faults=ordered,
        totals=totals_of(ordered),
        shares=tuple(shares),
        rounding_count=count,
        rounding_m2=size,
    )


def keep_audit(session: Session, report: AuditReport, *, by: str, at: dt.datetime) -> Edition:
    """Keep the audit of an edition with it, and who ran it; a draft becomes audited.

    The largest 500 faults of each kind are kept, and all totals. Raises NotFound.
    """
    return mark_audited(session, report.title, report.to_json(most=_KEPT), by=by, at=at)


def _own(areas: AreasToAudit, above: LevelAbove, right_above: bool) -> list[int | None]:
    """For each area the place of its parent; of a level farther above, by the nesting of codes."""
    places = {code: place for place, code in enumerate(above.areas.codes)}
    length = len(above.areas.codes[0]) if above.areas.codes else 0
    return [
        places.get((parent or "") if right_above else (parent or code)[:length])
        for code, parent in zip(areas.codes, areas.parent_codes, strict=True)
    ]


def _share(share: ParentShare, areas: AreasToAudit, above: LevelAbove) -> AreaShare:
    parent = None if share.parent is None else above.areas.codes[share.parent]
    return AreaShare(areas.codes[share.member], parent, share.area_m2, share.share)
