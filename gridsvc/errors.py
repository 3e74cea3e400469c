"""One tree of errors; each knows its HTTP status and its stable problem type (RFC 9457).

::

    GridsvcError                      500 internal
    ├── BadInput                      422 bad-input
    │   ├── BadCoordinate             422 bad-coordinate
    │   ├── UnknownCrs                422 unknown-crs
    │   ├── BadGeometry               422 bad-geometry
    │   ├── BadCode                   422 bad-code
    │   ├── UnknownClass              422 unknown-class
    │   ├── OutsideCity               422 outside-city
    │   ├── BadEvidence               422 bad-evidence
    │   ├── BadFile                   422 bad-file
    │   ├── QueryTooBroad             422 too-wide
    │   └── UnknownParameter          400 unknown-parameter
    ├── TooLarge                      413 too-large
    │   └── HeadTooLarge              431 head-too-large
    ├── TooSlow                       408 too-slow
    ├── UnsupportedMedia              415 unsupported-media
    ├── TooMany                       429 too-many
    ├── NotAuthenticated              401 not-authenticated
    ├── NotAllowed                    403 not-allowed
    ├── NotFound                      404 not-found
    ├── Conflict                      409 conflict
    │   ├── AmbiguousCode             409 ambiguous-code
    │   ├── CodesExhausted            409 codes-exhausted
    │   ├── StepRefused               409 step-refused
    │   ├── CoverageBroken            409 coverage-broken
    │   └── IdempotencyMismatch       409 idempotency-mismatch
    ├── StorageFull                   507 storage-full
    ├── DamagedIndex                  503 damaged-index
    └── Unavailable                   503 unavailable
        └── MissingPrerequisite       503 missing-prerequisite

A message names the thing, what was wrong with it, and what to do.
"""

from __future__ import annotations

from typing import Any, ClassVar


class GridsvcError(Exception):
    """The root of the tree.

    ``detail`` is a sentence for the person who has to act, ``field`` the offending input
    (dotted path), ``extra`` further members of the problem document.
    """

    status: ClassVar[int] = 500
    type: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong inside the service"

    def __init__(self, detail: str, *, field: str | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.extra = extra

    def problem(self) -> dict[str, Any]:
        """The problem document (RFC 9457) of this error."""
        document: dict[str, Any] = {
            "type": f"urn:gridsvc:problem:{self.type}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.field is not None:
            document["field"] = self.field
        return document | self.extra


class BadInput(GridsvcError):
    """The input cannot be used as it is."""

    status = 422
    type = "bad-input"
    title = "The input cannot be used"


class BadCoordinate(BadInput):
    """A coordinate is not a number, infinite, out of range, or swapped."""

    type = "bad-coordinate"
    title = "The coordinate cannot be used"


class UnknownCrs(BadInput):
    """The declared CRS is not known, or cannot be transformed to WGS84 without parameters."""

    type = "unknown-crs"
    title = "The coordinate reference system is not known"


class BadGeometry(BadInput):
    """A geometry is empty, broken, too large or of the wrong kind."""

    type = "bad-geometry"
    title = "The geometry cannot be used"


class BadCode(BadInput):
    """A code has the wrong form."""

    type = "bad-code"
    title = "The code has the wrong form"


class UnknownClass(BadInput):
    """A part or event class is not in any list."""

    type = "unknown-class"
    title = "The class is not known"


class OutsideCity(BadInput):
    """The place lies in none of the service's districts."""

    type = "outside-city"
    title = "The place is outside the city"


class BadEvidence(BadInput):
    """A file of evidence is not a photo, or is broken."""

    type = "bad-evidence"
    title = "The evidence cannot be used"


class BadFile(BadInput):
    """A file cannot be read, or its rows cannot be used."""

    type = "bad-file"
    title = "The file cannot be used"


class QueryTooBroad(BadInput):
    """A question takes longer than its time limit; the message says how to narrow it."""

    type = "too-wide"
    title = "The question is too wide"


class UnknownParameter(BadInput):
    """A query parameter that the route does not have."""

    status = 400
    type = "unknown-parameter"
    title = "The query parameter is not known"


class TooLarge(GridsvcError):
    """The body or the geometry is larger than the service accepts."""

    status = 413
    type = "too-large"
    title = "The input is too large"


class HeadTooLarge(TooLarge):
    """The address and the headers of a request are larger than the service accepts."""

    status = 431
    type = "head-too-large"
    title = "The headers are too large"


class TooSlow(GridsvcError):
    """A request came so slowly that the service no longer waits for its end."""

    status = 408
    type = "too-slow"
    title = "The request took too long to arrive"


class UnsupportedMedia(GridsvcError):
    """The body has a type or an encoding that the service does not read."""

    status = 415
    type = "unsupported-media"
    title = "The body's type is not supported"


class TooMany(GridsvcError):
    """The caller asks for more than their share; ``retry_after_s`` says when to ask again."""

    status = 429
    type = "too-many"
    title = "Too many requests"

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(detail, retry_after_s=retry_after_s)


class NotAuthenticated(GridsvcError):
    """No token, or one that is not valid."""

    status = 401
    type = "not-authenticated"
    title = "A valid token is needed"


class NotAllowed(GridsvcError):
    """The token's role or area does not cover this."""

    status = 403
    type = "not-allowed"
    title = "The token does not allow this"


class NotFound(GridsvcError):
    """What was asked for does not exist."""

    status = 404
    type = "not-found"
    title = "Not found"


class Conflict(GridsvcError):
    """What was asked for contradicts the state of the service."""

    status = 409
    type = "conflict"
    title = "This contradicts the present state"


class AmbiguousCode(Conflict):
    """A code names several things; the district must be given."""

    type = "ambiguous-code"
    title = "The code names several things"


class CodesExhausted(Conflict):
    """A street has no free numbers left."""

    type = "codes-exhausted"
    title = "No free codes are left"


class StepRefused(Conflict):
    """A step of a procedure cannot be taken now, or not by this body."""

    type = "step-refused"
    title = "The step is refused"


class CoverageBroken(Conflict):
    """Areas that must fit together have gaps or overlaps."""

    type = "coverage-broken"
    title = "The areas do not fit together"


class IdempotencyMismatch(Conflict):
    """An idempotency key was used before with another request."""

    type = "idempotency-mismatch"
    title = "The idempotency key belongs to another request"


class StorageFull(GridsvcError):
    """A disk of the service has no room left."""

    status = 507
    type = "storage-full"
    title = "The disk is full"


class DamagedIndex(GridsvcError):
    """An index file is damaged, foreign, or of another version."""

    status = 503
    type = "damaged-index"
    title = "The index file cannot be used"


class Unavailable(GridsvcError):
    """A part that the service needs does not answer."""

    status = 503
    type = "unavailable"
    title = "The service is not ready"


class MissingPrerequisite(Unavailable):
    """Something that must be installed is missing."""

    type = "missing-prerequisite"
    title = "Something must be installed first"
