"""Photos as the interface tells of them."""

from __future__ import annotations

import datetime as dt
import uuid

from pydantic import Field

from gridsvc.answers import Answer, Point

#: The formats that are taken, as Pillow names them, each with its media type.
FORMATS = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "HEIF": "image/heic",
}
#: What is taken; browsers do not show HEIC, which is published as JPEG.
MEDIA_TYPES = frozenset(FORMATS.values())


class PhotoAnswer(Answer):
    """A photo of a case; ``published`` is the one without metadata."""

    id: uuid.UUID
    case_id: uuid.UUID
    sha256: str
    published_sha256: str
    media_type: str
    size_bytes: int
    width: int
    height: int
    taken_at: dt.datetime | None
    point: Point | None = Field(description="Where it was taken; told only to supervision.")
    metres_off: float | None = Field(description="From the place of the case.")
    report_id: uuid.UUID | None = Field(description="The report whose reporter gave it.")
    given_by: str
    given_at: dt.datetime


class PhotosAnswer(Answer):
    """The photos of a case, in the order in which they were given."""

    evidence: list[PhotoAnswer]
