"""Photos are given as evidence in a case, shown, and checked against their hashes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from geoalchemy2.shape import from_shape, to_shape
from pyproj import Geod
from shapely.geometry import Point
from sqlalchemy.orm import Session

from gridsvc.cases.core.act import Act, Occasion
from gridsvc.cases.core.events import StatedTimeDecided, StepAsked
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.intake.personal import ERASED, ReportErased
from gridsvc.cases.systems.evidence import repository
from gridsvc.cases.systems.evidence.models import Evidence
from gridsvc.cases.systems.evidence.store import EvidenceStore, digest_of
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, NotFound, StepRefused, TooLarge

#: The evidence of a step whose photos the citizen is shown.
PUBLISHED = ("before", "after")
_GEOD = Geod(ellps="WGS84")
_BATCH = 500


def add_photo(occasion: Occasion, store: EvidenceStore, case_id: uuid.UUID, raw: bytes) -> Evidence:
    """Keep a photo for an open case and write it into its trace.

    The same bytes given twice are one photo. The file is in the store before the trace names it.
    Raises TooLarge, BadEvidence, StepRefused for a closed case.
    """
    from gridsvc.cases.systems.evidence.photo import read_photo  # Pillow

    session, city = occasion.session, occasion.city
    settings = city.settings
    if len(raw) > settings.max_evidence_bytes:
        raise TooLarge(
            f"The photo has {len(raw):,} bytes; at most {settings.max_evidence_bytes:,} are"
            " accepted."
        )
    photo = read_photo(raw, max_pixels=settings.max_photo_pixels, zone=city.calendar.zone)
    act = occasion.on(lock_case(session, case_id))
    case = act.case
    if case.state == "closed":
        raise StepRefused("The case is closed; it takes no more evidence.")
    sha256 = digest_of(raw)
    known = repository.same_photo(session, case.district_code, case.id, sha256)
    if known is not None:
        return known
    store.put(raw)
    point, metres_off = None, None
    if photo.lon is not None and photo.lat is not None:
        place = to_shape(case.point)
        point = from_shape(Point(photo.lon, photo.lat), srid=4326)
        metres_off = round(_GEOD.inv(place.x, place.y, photo.lon, photo.lat)[2], 1)
    kept = Evidence(
        district_code=case.district_code,
        id=uuid7(),
        case_id=case.id,
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
        given_by=act.caller.subject[:100],
        given_at=act.now,
    )
    session.add(kept)
    content = {
        "evidence": str(kept.id),
        "sha256": sha256,
        "published_sha256": kept.published_sha256,
        "media_type": kept.media_type,
        "taken_at": kept.taken_at.isoformat() if kept.taken_at else None,
        "metres_off": metres_off,
    }
    act.record("evidence", content, body=act.caller.body)
    return kept


def photos_of(session: Session, case: Case) -> list[Evidence]:
    """The photos of a case, in the order in which they were given."""
    return repository.evidence_of(session, case.district_code, case.id)


def photo_or_refuse(session: Session, case: Case, id: uuid.UUID) -> Evidence:
    """One photo of a case. Raises NotFound."""
    found = repository.evidence_by_id(session, case.district_code, case.id, id)
    if found is None:
        raise NotFound(f"Case {case.id} has no photo {id}.")
    return found


def check_named(act: Act, event: StepAsked | StatedTimeDecided) -> None:
    """Refuse a step or decision that names photos by ids that are not those of its case's photos.

    Raises BadInput with the field.
    """
    for field in ("photo", "photos", *PUBLISHED):
        given = event.evidence.get(field)
        if given is None:
            continue
        named = given if isinstance(given, list) else [given]
        try:
            ids = {uuid.UUID(str(one)) for one in named}
        except ValueError:
            ids = set()
        case = act.case
        known = repository.those_of_case(act.session, case.district_code, case.id, ids)
        if not ids or ids - known:
            raise BadInput(
                f"'{field}' does not name a photo of this case; send the file to"
                f" /v1/cases/{case.id}/evidence first, and give the id that it gets.",
                field=f"evidence.{field}",
            )


def erase_originals(act: Act, event: ReportErased) -> None:
    """Erase what the reporter's photos told of them; without metadata, they stay evidence.

    The files go with the next run of the retention.
    """
    if event.subject is None:
        return
    subject = event.subject[:100]
    case = act.case
    for photo in repository.given_by(act.session, case.district_code, case.id, subject):
        photo.original_erased_at, photo.given_by = act.now, ERASED
        photo.point, photo.metres_off = None, None


def check_photos(session: Session, store: EvidenceStore) -> Iterator[tuple[Evidence, str | None]]:
    """Every photo with the reason why its files are not what they were; None where they are."""
    for photo in repository.all_evidence(session, batch=_BATCH):
        yield photo, _fault(store, photo)


def _fault(store: EvidenceStore, photo: Evidence) -> str | None:
    files = [("published file", photo.published_sha256)]
    if photo.original_erased_at is None:
        files.insert(0, ("file", photo.sha256))
    for name, sha256 in files:
        try:
            content = store.get(sha256)
        except NotFound:
            return f"its {name} is not in the store"
        if digest_of(content) != sha256:
            return f"its {name} was changed"
    return None
