"""Proposes what the scan has listed as disputes, so that both sides settle it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import shapely
from sqlalchemy.orm import Session

from gridsvc.cases.systems.no_mans_land.model import GroupOutcome, Scan, Stretch
from gridsvc.city import City
from gridsvc.errors import NotFound
from gridsvc.registry.disputes import repository as disputes
from gridsvc.registry.disputes.finding import keep_places
from gridsvc.registry.disputes.model import Actor
from gridsvc.registry.disputes.view import record
from gridsvc.registry.editions import repository as edition_repository
from gridsvc.spatial.disputed import DisputedPlace, DisputeKind
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.plane import MetricPlane


def propose_disputes(
    session: Session,
    city: City,
    scan: Scan,
    stretches: Sequence[Stretch],
    *,
    actor: Actor,
    now: dt.datetime,
) -> list[tuple[uuid.UUID, bool]]:
    """Make a dispute of each stretch that was listed: its id, and whether it is new.

    Its ground is the band along the stretch. Where the same sides dispute the same ground already,
    the numbers are added to the history of that dispute. Raises NotFound when the edition whose
    borders were scanned is there no more.
    """
    edition = edition_repository.edition(session, scan.edition_id)
    if edition is None:
        raise NotFound(f"The edition {scan.edition_id!r} no longer exists; scan the borders again.")
    proposed = []
    for stretch in stretches:
        ground = _band(stretch, scan.band_m, city.plane)
        place = DisputedPlace(
            kind=DisputeKind.NEGLECT,
            sides=tuple(side.code for side in stretch.sides),
            geometry=ground,
            area_m2=float(area_m2(ground)),
            width_m=2.0 * scan.band_m,
            accuracy_m=edition.accuracy_m,
        )
        found = keep_places(session, city, edition, None, [place], actor=actor, now=now)
        (dispute_id,) = found.new or found.again or found.reopened
        dispute = disputes.find_dispute(session, dispute_id)
        assert dispute is not None
        record(
            session,
            dispute,
            "cases_compared",
            actor=actor,
            why=_told(scan, stretch),
            content={
                "since": scan.since.isoformat(),
                "until": scan.until.isoformat(),
                "band_m": scan.band_m,
                **stretch.to_json(),
            },
            now=now,
        )
        proposed.append((dispute_id, bool(found.new)))
    return proposed


def _band(stretch: Stretch, band_m: float, plane: MetricPlane) -> shapely.MultiPolygon:
    """The ground on both sides of a stretch, as WGS84."""
    line = plane.project(stretch.line)
    band = plane.unproject(shapely.buffer(line, band_m, cap_style="flat"))
    return shapely.MultiPolygon([it for it in shapely.get_parts(band) if not it.is_empty])


def _told(scan: Scan, stretch: Stretch) -> str:
    one, other = stretch.sides
    return (
        f"Of the cases opened from {scan.since:%Y-%m-%d} until before "
        f"{scan.until:%Y-%m-%d}: within "
        f"{scan.band_m:g} m of {stretch.metres:,.0f} m of border {_words(stretch.near)}; inside "
        f"{one.code} {_words(one.inside)}; inside {other.code} {_words(other.inside)}; "
        f"q = {stretch.q:.2g}"
    )


def _words(outcome: GroupOutcome) -> str:
    days = "" if outcome.median_days is None else f", median {outcome.median_days:.1f} days"
    return f"{outcome.refused_or_returned} of {outcome.cases} refused or returned{days}"
