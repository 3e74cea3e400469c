"""Photos as cameras make them, for tests."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import ExifTags, Image

PLACE = (116.314700, 39.876300)
TELEPHONE = "Telephone of Mr Li"
TAKEN = "2026:11:20 08:30:00"


def picture(width: int = 60, height: int = 40) -> Any:
    """A picture with a red left and a blue right half."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[:, : width // 2, 0] = 255
    pixels[:, width // 2 :, 2] = 255
    return Image.fromarray(pixels)


def photo(
    kind: str = "JPEG",
    *,
    place: tuple[float, float] | None = PLACE,
    taken: str | None = TAKEN,
    zone: str | None = None,
    orientation: int | None = None,
    size: tuple[int, int] = (60, 40),
) -> bytes:
    """The bytes of a photo with the metadata of a telephone."""
    image = picture(*size)
    exif = image.getexif()
    exif[ExifTags.Base.Model] = TELEPHONE
    if orientation is not None:
        exif[ExifTags.Base.Orientation] = orientation
    if taken is not None:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = taken
    if zone is not None:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.OffsetTimeOriginal] = zone
    if place is not None:
        lon, lat = place
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(
            {
                ExifTags.GPS.GPSLatitudeRef: "N" if lat >= 0 else "S",
                ExifTags.GPS.GPSLatitude: _sexagesimal(abs(lat)),
                ExifTags.GPS.GPSLongitudeRef: "E" if lon >= 0 else "W",
                ExifTags.GPS.GPSLongitude: _sexagesimal(abs(lon)),
            }
        )
    out = io.BytesIO()
    image.save(out, kind, exif=exif.tobytes())
    return out.getvalue()


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    minutes = (degrees % 1) * 60
    return float(int(degrees)), float(int(minutes)), round((minutes % 1) * 60, 4)
