"""Photos are given as evidence in a case, shown, and checked against their hashes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

from geoalchemy2 import WKBElement
from geoalchemy2.shape import from_shape, to_shape
from pyproj import Geod
from shapely.geometry import Point
from sqlalchemy.orm import Session

from gridsvc.cases.core.act import Act, Occasion
from gridsvc.cases.core.events import StatedTimeDecided, StepAsked
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.intake.models import Report
from gridsvc.cases.intake.personal import ERASED, ReportErased
from gridsvc.cases.intake.reports import ReportsGiven
from gridsvc.cases.systems.evidence import repository
from gridsvc.cases.systems.evidence.models import Evidence
from gridsvc.cases.systems.evidence.store import EvidenceStore, digest_of
from gridsvc.city import City
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, NotFound, StepRefused, TooLarge

if TYPE_CHECKING:  # Pillow
    from gridsvc.cases.systems.evidence.photo import Photo

#: The evidence of a step whose photos the citizen is shown.
PUBLISHED = ("before", "after")
_GEOD = Geod(ellps="WGS84")
_BATCH = 500


def add_photo(occasion: Occasion, store: EvidenceStore, case_id: uuid.UUID, raw: bytes) -> Evidence:
    """Keep a photo for an open case and write it into its trace.

    Raises TooLarge, BadEvidence, StepRefused for a closed case.
    """
    photo = checked_photo(occasion.city, raw)
    act = occasion.on(lock_case(occasion.session, case_id))
    if act.case.state == "closed":
        raise StepRefused("The case is closed; it takes no more evidence.")
    return keep_photo(act, store, raw, photo)


def checked_photo(city: City, raw: bytes) -> Photo:
    """The photo that bytes are, read before a case is locked. Raises TooLarge, BadEvidence."""
    from gridsvc.cases.systems.evidence.photo import read_photo  # Pillow

    settings = city.settings
    if len(raw) > settings.max_evidence_bytes:
        raise TooLarge(
            f"The photo has {len(raw):,} bytes; at most {settings.max_evidence_bytes:,} are"
            " accepted."
        )
    return read_photo(raw, max_pixels=settings.max_photo_pixels, zone=city.calendar.zone)


def keep_photo(
    act: Act, store: EvidenceStore, raw: bytes, photo: Photo, report: Report | None = None
) -> Evidence:
    """Keep a photo of a locked case, of the reporter of a ``report`` or of staff, in its trace.

    The same bytes given twice are one photo. The file is in the store before the trace names it.
    Raises StepRefused for more photos than a report may have.
    """
    session, case, sha256 = act.session, act.case, digest_of(raw)
    report_id = None if report is None else report.id
    known = repository.same_photo(session, case, sha256, report_id)
    if known is not None:
        return known
    most = act.city.settings.max_report_photos
    if report is not None and len(photos_of_report(session, case, report)) >= most:
        raise StepRefused(f"The report has {most} photos, as many as it can have.")
    store.put(raw)
    point = None
    if photo.lon is not None and photo.lat is not None:
        point = from_shape(Point(photo.lon, photo.lat), srid=4326)
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
        metres_off=_metres_off(case, point),
        report_id=report_id,
        given_by=act.caller.named[:100],
        given_at=act.now,
    )
    _add(act, kept, report)
    return kept


def follow_reports(act: Act, event: ReportsGiven) -> None:
    """Give the photos of reporters to the case that goes on with their reports.

    They stay in the case that the reports leave, whose trace names them.
    """
    here = act.on(event.target)
    for report in event.reports:
        for photo in photos_of_report(act.session, act.case, report):
            if repository.same_photo(act.session, here.case, photo.sha256, report.id) is None:
                columns = {one.name: getattr(photo, one.name) for one in Evidence.__table__.columns}
                columns |= {
                    "district_code": here.case.district_code,
                    "id": uuid7(),
                    "case_id": here.case.id,
                    "metres_off": _metres_off(here.case, photo.point),
                }
                _add(here, Evidence(**columns), report)


def _add(act: Act, photo: Evidence, report: Report | None) -> None:
    """Add a photo to the case, and to its trace."""
    act.session.add(photo)
    content = {
        "evidence": str(photo.id),
        "sha256": photo.sha256,
        "published_sha256": photo.published_sha256,
        "media_type": photo.media_type,
        "taken_at": photo.taken_at.isoformat() if photo.taken_at else None,
        "metres_off": photo.metres_off,
    }
    if report is None:
        act.record("evidence", content, body=act.caller.body)
        return
    about = {"report_id": str(report.id), "district_code": report.district_code}
    act.record("photo_added", {**about, **content})


def _metres_off(case: Case, point: WKBElement | None) -> float | None:
    """How far a photo was taken from the place of a case."""
    if point is None:
        return None
    place, taken = to_shape(case.point), to_shape(point)
    metres: float = _GEOD.inv(place.x, place.y, taken.x, taken.y)[2]
    return round(metres, 1)


def photos_of_report(session: Session, case: Case, report: Report) -> list[Evidence]:
    """The photos that the reporter of one report gave in a case."""
    return [photo for photo in photos_of(session, case) if photo.report_id == report.id]


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
    case, found = act.case, list(repository.of_report(act.session, event.report.id))
    if event.subject is not None:
        subject = event.subject[:100]
        found += repository.given_by(act.session, case.district_code, case.id, subject)
    for photo in found:
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
