from __future__ import annotations

import datetime as dt
import io

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from gridsvc.cases.systems.evidence.photo import read_photo
from gridsvc.errors import BadEvidence
from tests import cities
from tests.unit.cases.systems.evidence.photos import PLACE, TELEPHONE, photo, picture

MOST = 1_000_000
KINDS = [
    ("JPEG", "image/jpeg", "image/jpeg"),
    ("PNG", "image/png", "image/png"),
    ("WEBP", "image/webp", "image/webp"),
    ("HEIF", "image/heic", "image/jpeg"),
]


@pytest.mark.parametrize(("kind", "media_type", "published_type"), KINDS)
def test_place_and_time_of_a_photo_are_read_and_not_published(kind, media_type, published_type):
    raw = photo(kind)
    assert TELEPHONE.encode() in raw

    found = read_photo(raw, max_pixels=MOST, zone=cities.calendar().zone)

    assert (found.media_type, found.published_type) == (media_type, published_type)
    assert (found.lon, found.lat) == pytest.approx(PLACE, abs=1e-7)
    # Cameras in Beijing write Beijing's time, which is eight hours ahead of UTC.
    assert found.taken_at == dt.datetime(2026, 11, 20, 0, 30, tzinfo=dt.UTC)
    for trace in (TELEPHONE.encode(), b"Exif", b"EXIF", b"eXIf", b"2026:11:20", b"ns.adobe.com"):
        assert trace not in found.published
    with Image.open(io.BytesIO(found.published)) as published:
        assert not published.getexif()
        shown = np.asarray(published.convert("RGB")).astype(int)
    assert shown[20, 10, 0] > 200 > 60 > shown[20, 10, 2]
    assert shown[20, 50, 2] > 200 > 60 > shown[20, 50, 0]


def test_a_photo_taken_lying_is_published_upright():
    lying = read_photo(photo(orientation=6), max_pixels=MOST, zone=cities.calendar().zone)
    assert (lying.width, lying.height) == (40, 60)
    with Image.open(io.BytesIO(lying.published)) as published:
        pixels = np.asarray(published).astype(int)
    assert pixels[10, 20, 0] > 200
    assert pixels[50, 20, 2] > 200


def test_west_and_south_are_negative_and_a_zone_is_kept():
    found = read_photo(
        photo(place=(-70.5, -33.25), zone="-03:00"), max_pixels=MOST, zone=cities.calendar().zone
    )
    assert (found.lon, found.lat) == pytest.approx((-70.5, -33.25))
    assert found.taken_at == dt.datetime(2026, 11, 20, 11, 30, tzinfo=dt.UTC)


def test_what_a_photo_does_not_say_is_unknown():
    out = io.BytesIO()
    picture().save(out, "PNG")
    found = read_photo(out.getvalue(), max_pixels=MOST, zone=cities.calendar().zone)
    assert (found.taken_at, found.lon, found.lat) == (None, None, None)
    assert (
        read_photo(photo(taken="yesterday"), max_pixels=MOST, zone=cities.calendar().zone).taken_at
        is None
    )
    first = photo(taken="0001:01:01 00:00:00", zone="+23:00")
    assert read_photo(first, max_pixels=MOST, zone=cities.calendar().zone).taken_at is None


def test_a_time_of_exif_is_read_into_utc_however_odd_its_offset():
    odd = read_photo(photo(zone="+23:00"), max_pixels=MOST, zone=cities.calendar().zone).taken_at
    assert odd == dt.datetime(2026, 11, 19, 9, 30, tzinfo=dt.UTC)
    assert odd.utcoffset() == dt.timedelta()
    assert (
        read_photo(photo(place=(999.0, 39.0)), max_pixels=MOST, zone=cities.calendar().zone).lon
        is None
    )


def test_transparency_and_palettes_survive_publishing():
    clear = Image.new("RGBA", (8, 8), (0, 255, 0, 0))
    out = io.BytesIO()
    clear.save(out, "PNG")
    with Image.open(
        io.BytesIO(
            read_photo(out.getvalue(), max_pixels=MOST, zone=cities.calendar().zone).published
        )
    ) as kept:
        assert kept.convert("RGBA").getpixel((4, 4)) == (0, 255, 0, 0)
    out = io.BytesIO()
    picture().convert("P").save(out, "PNG")
    with Image.open(
        io.BytesIO(
            read_photo(out.getvalue(), max_pixels=MOST, zone=cities.calendar().zone).published
        )
    ) as kept:
        assert kept.convert("RGB").getpixel((10, 20))[0] > 200


def test_text_in_a_png_is_not_published():
    notes = PngInfo()
    notes.add_text("Comment", "the reporter lives at number 12")
    out = io.BytesIO()
    picture().save(out, "PNG", pnginfo=notes)
    assert b"number 12" in out.getvalue()
    assert (
        b"number 12"
        not in read_photo(out.getvalue(), max_pixels=MOST, zone=cities.calendar().zone).published
    )


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (b"%PDF-1.7 minutes of the meeting", "not an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image"),
        (b"\x89PNG\r\n\x1a\n", "image"),
        (photo()[:-80], "read to its end"),
        (photo("PNG")[:300], "read to its end"),
        (photo(size=(2_000, 1_000)), "more than 1,000,000"),
    ],
)
def test_what_is_no_whole_photo_is_refused_in_words(raw, words):
    with pytest.raises(BadEvidence, match=words):
        read_photo(raw, max_pixels=MOST, zone=cities.calendar().zone)


def test_another_kind_of_image_is_named():
    out = io.BytesIO()
    picture().save(out, "GIF")
    with pytest.raises(BadEvidence, match="GIF"):
        read_photo(out.getvalue(), max_pixels=MOST, zone=cities.calendar().zone)
