"""Photos are given as evidence in a case, shown, and checked against their hashes."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from geoalchemy2.shape import from_shape, to_shape
from pyproj import Geod
from shapely.geometry import Point
from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.core.trace.service import append
from gridsvc.cases.systems.evidence import repository
from gridsvc.cases.systems.evidence.models import Evidence
from gridsvc.cases.systems.evidence.photo import read_photo
from gridsvc.cases.systems.evidence.store import EvidenceStore, digest_of
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, NotFound, StepRefused, TooLarge
from gridsvc.settings import Settings

__all__ = ["add_photo", "check_named", "check_photos", "photo_or_refuse", "photos_of"]

_GEOD = Geod(ellps="WGS84")
_BATCH = 500


def add_photo(
    session: Session,
    store: EvidenceStore,
    settings: Settings,
    caller: Caller,
    case: CaseFile,
    raw: bytes,
    *,
    now: dt.datetime,
) -> Evidence:
    """Keep a photo for an open case and write it into its trace.

    The same bytes given twice are one photo. The file is in the store before the trace names it.
    Raises TooLarge, BadEvidence, StepRefused for a closed case.
    """
    if len(raw) > settings.max_evidence_bytes:
        raise TooLarge(
            f"The photo has {len(raw):,} bytes; at most {settings.max_evidence_bytes:,} are taken."
        )
    photo = read_photo(raw, max_pixels=settings.max_photo_pixels)
    district, case_id = case.district_code, case.id
    locked = lock_case(session, case_id)
    if locked is None or locked.state == "closed":
        raise StepRefused("The case is closed; it takes no more evidence.")
    sha256 = digest_of(raw)
    known = repository.same_photo(session, district, case_id, sha256)
    if known is not None:
        return known
    store.put(raw)
    point, metres_off = None, None
    if photo.lon is not None and photo.lat is not None:
        place = to_shape(locked.point)
        point = from_shape(Point(photo.lon, photo.lat), srid=4326)
        metres_off = round(_GEOD.inv(place.x, place.y, photo.lon, photo.lat)[2], 1)
    kept = Evidence(
        district_code=district,
        id=uuid7(),
        case_id=case_id,
        sha256=sha256,
        media_type=photo.media_type,
        size_bytes=len(raw),
        published_sha256=store.put(photo.published),
        published_type=photo.published_type,
        width=photo.width,
        height=photo.height,
        taken_at=photo.taken_at,
        point=point,
        metres_off=metres_off,
        given_by=caller.subject[:100],
        given_at=now,
    )
    session.add(kept)
    append(
        session,
        district,
        case_id,
        action="evidence",
        actor=caller.subject,
        content={
            "evidence": str(kept.id),
            "sha256": sha256,
            "published_sha256": kept.published_sha256,
            "media_type": kept.media_type,
            "taken_at": kept.taken_at.isoformat() if kept.taken_at else None,
            "metres_off": metres_off,
        },
        at=now,
        now=now,
        body_code=caller.body,
    )
    return kept


def photos_of(session: Session, case: CaseFile) -> list[Evidence]:
    """The photos of a case, in the order in which they were given."""
    return repository.evidence_of(session, case.district_code, case.id)


def photo_or_refuse(session: Session, case: CaseFile, id: uuid.UUID) -> Evidence:
    """One photo of a case. Raises NotFound."""
    found = repository.evidence_by_id(session, case.district_code, case.id, id)
    if found is None:
        raise NotFound(f"The case {case.id} has no photo {id}.")
    return found


def check_named(session: Session, case: CaseFile, evidence: Mapping[str, Any]) -> None:
    """Refuse a step whose ``photo`` or ``photos`` are not ids of photos of its case.

    Raises BadInput with the field.
    """
    for field in ("photo", "photos"):
        given = evidence.get(field)
        if given is None:
            continue
        named = given if isinstance(given, list) else [given]
        try:
            ids = {uuid.UUID(str(one)) for one in named}
        except ValueError:
            ids = set()
        known = repository.those_of_case(session, case.district_code, case.id, ids)
        if not ids or ids - known:
            raise BadInput(
                f"'{field}' names no photo of this case: send the file first, to"
                f" /v1/cases/{case.id}/evidence, and give the id that it gets.",
                field=f"evidence.{field}",
            )


def check_photos(session: Session, store: EvidenceStore) -> Iterator[tuple[Evidence, str | None]]:
    """Every photo with the reason why its files are not what they were; None where they are."""
    for photo in repository.all_evidence(session, batch=_BATCH):
        yield photo, _fault(store, photo)


def _fault(store: EvidenceStore, photo: Evidence) -> str | None:
    for name, sha256 in (("file", photo.sha256), ("published file", photo.published_sha256)):
        try:
            content = store.get(sha256)
        except NotFound:
            return f"its {name} is not in the store"
        if digest_of(content) != sha256:
            return f"its {name} was changed"
    return None
