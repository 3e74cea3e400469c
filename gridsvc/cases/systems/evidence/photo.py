"""Photos: what they show of themselves, and the same picture without its metadata.

Where and when a photo was taken is read from its EXIF; what is published has neither, nor the
name of the telephone, nor a thumbnail that an editor forgot.
"""

from __future__ import annotations

import datetime as dt
import io
import math
from dataclasses import dataclass
from typing import Any

import pillow_heif
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from gridsvc.cases.systems.evidence.schemas import FORMATS
from gridsvc.errors import BadEvidence

pillow_heif.register_heif_opener()

_PUBLISHED_AS = {"JPEG": "JPEG", "MPO": "JPEG", "HEIF": "JPEG", "PNG": "PNG", "WEBP": "WEBP"}
_JPEG_QUALITY = 92


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo as it came, and as it may be published.

    ``width`` and ``height`` are pixels as seen upright; ``taken_at`` is aware; ``lon`` and ``lat``
    are WGS84 degrees. None means that the photo does not say.
    """

    media_type: str
    width: int
    height: int
    taken_at: dt.datetime | None
    lon: float | None
    lat: float | None
    published: bytes
    published_type: str


def read_photo(raw: bytes, *, max_pixels: int, zone: dt.tzinfo) -> Photo:
    """Read a JPEG, PNG, WebP or HEIC photo.

    Raises BadEvidence for what is not such a photo, is cut off, or would unfold into more than
    ``max_pixels``; every pixel is decoded to know. A camera that names no zone means ``zone``.
    """
    if not raw:
        raise BadEvidence("The body is empty; send the photo's bytes.")
    try:
        with Image.open(io.BytesIO(raw)) as image:
            return _read(image, max_pixels, zone)
    except UnidentifiedImageError:
        raise BadEvidence(
            "The file is not an image; send a JPEG, PNG, WebP or HEIC photo."
        ) from None
    except BadEvidence:
        raise
    except Image.DecompressionBombError as error:
        raise BadEvidence(f"The image is too large: {error}.") from None
    except Exception as error:
        raise BadEvidence(f"The image cannot be read to its end: {error}.") from None


def _read(image: Any, max_pixels: int, zone: dt.tzinfo) -> Photo:
    if image.format not in FORMATS:
        raise BadEvidence(
            f"The image is {image.format or 'of an unknown kind'}; send JPEG, PNG, WebP or HEIC."
        )
    if image.width * image.height > max_pixels:
        raise BadEvidence(
            f"The image has {image.width:,} x {image.height:,} pixels, more than {max_pixels:,};"
            " make it smaller."
        )
    image.load()
    exif = image.getexif()
    lon, lat = _place(exif.get_ifd(ExifTags.IFD.GPSInfo))
    upright = ImageOps.exif_transpose(image)
    kind = _PUBLISHED_AS[image.format]
    return Photo(
        media_type=FORMATS[image.format],
        width=upright.width,
        height=upright.height,
        taken_at=_moment(exif, zone),
        lon=lon,
        lat=lat,
        published=_stripped(upright, kind),
        published_type=FORMATS[kind],
    )


def _stripped(image: Any, kind: str) -> bytes:
    """The picture alone, with nothing but the colours' profile beside it."""
    profile = image.info.get("icc_profile")
    plain = image.convert("RGB") if kind == "JPEG" and image.mode != "L" else image.copy()
    plain.info = {}
    plain.getexif().clear()
    out = io.BytesIO()
    options = {"quality": _JPEG_QUALITY} if kind == "JPEG" else {}
    plain.save(out, kind, exif=b"", **({"icc_profile": profile} if profile else {}), **options)
    return out.getvalue()


def _moment(exif: Any, local: dt.tzinfo) -> dt.datetime | None:
    details = exif.get_ifd(ExifTags.IFD.Exif)
    text = details.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
    zone = details.get(ExifTags.Base.OffsetTimeOriginal) or details.get(ExifTags.Base.OffsetTime)
    try:
        moment = dt.datetime.strptime(str(text).strip("\0 "), "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
    try:
        offset = dt.datetime.strptime(str(zone).strip("\0 "), "%z").tzinfo
    except ValueError:
        offset = local
    try:
        return moment.replace(tzinfo=offset).astimezone(dt.UTC)
    except OverflowError:
        return None


def _place(gps: Any) -> tuple[float | None, float | None]:
    lon = _degrees(gps, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "W", 180.0)
    lat = _degrees(gps, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "S", 90.0)
    return (None, None) if lon is None or lat is None else (lon, lat)


def _degrees(gps: Any, value: int, reference: int, negative: str, most: float) -> float | None:
    try:
        degrees, minutes, seconds = (float(part) for part in gps[value])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    found = degrees + minutes / 60.0 + seconds / 3600.0
    if not math.isfinite(found) or found > most:
        return None
    return -found if str(gps.get(reference, "")).strip("\0 ").upper() == negative else found
