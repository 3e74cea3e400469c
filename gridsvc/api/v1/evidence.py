"""Evidence of cases: photos in, photos without their metadata out."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response
from geoalchemy2.shape import to_shape

from gridsvc.answers import as_built
from gridsvc.api.dependencies import CurrentOccasion, CurrentService, RawBody
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.v1.of_report import PHOTO, PHOTO_BODY
from gridsvc.callers import Caller
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.service import readable_case
from gridsvc.cases.systems.evidence.models import Evidence
from gridsvc.cases.systems.evidence.schemas import MEDIA_TYPES, PhotoAnswer, PhotosAnswer
from gridsvc.cases.systems.evidence.service import add_photo, photo_or_refuse, photos_of
from gridsvc.cases.systems.evidence.store import store_of
from gridsvc.errors import BadEvidence, NotAllowed, NotFound, StepRefused, TooLarge, Unavailable

router = APIRouter(prefix="/v1/cases", tags=["cases"])

#: A photo never changes under its address, and only those who may see the case keep it.
_KEPT = "private, max-age=31536000, immutable"


@router.post(
    "/{case_id}/evidence",
    status_code=201,
    response_model=PhotoAnswer,
    responses=problems(*TOKEN_PROBLEMS, BadEvidence, TooLarge, StepRefused, Unavailable),
    openapi_extra=PHOTO_BODY,
)
def post_evidence(
    case_id: uuid.UUID,
    raw: RawBody,
    service: CurrentService,
    occasion: CurrentOccasion,
) -> JSONResponse:
    """Give a photo (JPEG, PNG, WebP, HEIC) as evidence; the body is the file itself."""
    readable_case(occasion.session, occasion.city, occasion.caller, case_id)
    kept = add_photo(occasion, store_of(service.settings), case_id, raw)
    occasion.session.flush()
    return JSONResponse(_json(kept, occasion.caller), status_code=201)


@router.get(
    "/{case_id}/evidence",
    response_model=as_built(PhotosAnswer),
    responses=problems(*TOKEN_PROBLEMS),
)
def list_evidence(case_id: uuid.UUID, occasion: CurrentOccasion) -> dict[str, Any]:
    """The photos of a case, in the order in which they were given."""
    caller, session = occasion.caller, occasion.session
    case = readable_case(session, occasion.city, caller, case_id)
    return {"evidence": [_json(photo, caller) for photo in photos_of(session, case)]}


@router.get(
    "/{case_id}/evidence/{evidence_id}",
    responses={
        **problems(*TOKEN_PROBLEMS, Unavailable),
        200: {"content": dict.fromkeys(sorted(MEDIA_TYPES), PHOTO)},
    },
)
def get_evidence(
    case_id: uuid.UUID,
    evidence_id: uuid.UUID,
    service: CurrentService,
    occasion: CurrentOccasion,
    original: Annotated[
        bool, Query(description="The file as it was given; for the case's supervision.")
    ] = False,
) -> Response:
    """A photo without its metadata; or as it was given."""
    case, photo = _photo(occasion, case_id, evidence_id)
    if original and not occasion.caller.supervises(case.district_code):
        raise NotAllowed(
            "The original photo may reveal where its author lives; only the supervision of"
            f" {case.district_code} may see it. Leave 'original' out.",
            field="original",
        )
    if original and photo.original_erased_at is not None:
        raise NotFound(
            f"The original was erased at {photo.original_erased_at.isoformat()}; leave 'original'"
            " out.",
            field="original",
        )
    store = store_of(service.settings)
    content = store.get(photo.sha256 if original else photo.published_sha256)
    return Response(
        content,
        media_type=photo.media_type if original else photo.published_type,
        headers={"Cache-Control": _KEPT, "X-Content-Type-Options": "nosniff"},
    )


def _photo(occasion: Occasion, case_id: uuid.UUID, evidence_id: uuid.UUID) -> tuple[Case, Evidence]:
    case = readable_case(occasion.session, occasion.city, occasion.caller, case_id)
    return case, photo_or_refuse(occasion.session, case, evidence_id)


def _json(photo: Evidence, caller: Caller) -> dict[str, Any]:
    """What is told of a photo; where exactly it was taken, only to supervision."""
    point = None
    if photo.point is not None and caller.supervises(photo.district_code):
        place = to_shape(photo.point)
        point = {"type": "Point", "coordinates": [place.x, place.y]}
    return {
        "id": str(photo.id),
        "case_id": str(photo.case_id),
        "sha256": photo.sha256,
        "published_sha256": photo.published_sha256,
        "media_type": photo.published_type,
        "size_bytes": photo.size_bytes,
        "width": photo.width,
        "height": photo.height,
        "taken_at": photo.taken_at.isoformat() if photo.taken_at else None,
        "point": point,
        "metres_off": photo.metres_off,
        "report_id": None if photo.report_id is None else str(photo.report_id),
        "given_by": photo.given_by,
        "given_at": photo.given_at.isoformat(),
    }
