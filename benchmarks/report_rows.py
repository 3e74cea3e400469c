"""The rows of made-up reports, their placements and receipts, as PostgreSQL's COPY reads them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from benchmarks.case_sites import CLASSES, Answering, Site
from benchmarks.made_up_cases import Chunk, moments

__all__ = ["REPORT_COLUMNS", "points", "receipts", "report_rows"]

#: The columns of each table, in the order of the rows.
REPORT_COLUMNS = {
    "report": "district_code, id, receipt, channel, standard, kind, class_code, description,"
    " given_x, given_y, given_crs, accuracy_m, point, footprint, part_code, needs_confirmation,"
    " case_district, case_id, joined, created_at",
    "report_placement": "district_code, report_id, n, placement, responsibility, reason, placed_at",
    "receipt": "value, district_code, report_id",
}

_CHANNELS = ("12345", "12345", "app", "patrol")
_WORDS = (
    "居民反映此处问题长期无人处理",
    "夜间扰民，多次反映未果",
    "影响通行，存在安全隐患",
    "堆放已有数日，气味很大",
    "再次反映，上次处理后又出现",
)
#: Crockford's digits, as the service writes receipts.
_DIGITS = np.frombuffer(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ", dtype="S1")
#: Odd, so that multiplying by it modulo 2**40 gives every receipt once.
_SPREAD, _RECEIPTS = 0x9E3779B97F, 1 << 40
_METRES = np.array([85_390.0, 111_030.0])
#: EWKB of a point of SRID 4326, before its two coordinates.
_POINT = "0101000020E6100000"


def receipts(serial: npt.NDArray[np.int64]) -> list[str]:
    """The receipt of each report, no two alike."""
    values = (serial.astype(object) * _SPREAD) % _RECEIPTS
    shifts = np.arange(35, -1, -5)
    digits = _DIGITS[(values.astype(np.int64)[:, None] >> shifts) & 31]
    dash = np.full((len(serial), 1), b"-", dtype="S1")
    joined = np.ascontiguousarray(np.hstack([digits[:, :4], dash, digits[:, 4:]]))
    return [text.decode() for text in joined.view("S9").ravel().tolist()]


def points(coordinates: npt.NDArray[np.float64]) -> list[str]:
    """Points of shape (n, 2) as hexadecimal EWKB."""
    text = np.ascontiguousarray(coordinates, dtype="<f8").tobytes().hex()
    return [_POINT + text[i : i + 32] for i in range(0, len(text), 32)]


def report_rows(
    chunk: Chunk, sites: Sequence[Site], answering: Answering
) -> dict[str, dict[str, list[str]]]:
    """The rows of a chunk, by table and partition (these tables have none: ``""``)."""
    reports: list[str] = []
    placements: list[str] = []
    kept: list[str] = []
    site_of = chunk.site[chunk.case_of]
    at = np.array([(site.lon, site.lat) for site in sites])[site_of]
    reach = np.array([site.scatter_m for site in sites])[site_of]
    at = np.round(at + chunk.scatter * reach[:, None] / _METRES / np.sqrt(2), 7)
    named = receipts(chunk.serial)
    made = moments(chunk.reported)
    pins = points(at)
    case_of = chunk.case_of.tolist()
    cases = list(zip(chunk.site.tolist(), chunk.chosen.tolist(), strict=True))
    last = -1
    for i, (x, y) in enumerate(at.tolist()):
        case = case_of[i]
        chosen_site, chosen = cases[case]
        site = sites[chosen_site]
        key = CLASSES[chosen][0]
        responsibility = answering.of(site, chosen).responsibility
        district, report_id, receipt, when = site.district, chunk.report_id[i], named[i], made[i]
        serial = int(chunk.serial[i])
        reports.append(
            f"{district}\t{report_id}\t{receipt}\t{_CHANNELS[serial % 4]}\t{key.standard}"
            f"\t{key.kind}\t{key.code}\t{_WORDS[serial % 5]}\t{x!r}\t{y!r}\twgs84\t10\t{pins[i]}"
            f"\t\\N\t\\N\tf\t{district}\t{chunk.case_id[case]}\t{'t' if case == last else 'f'}"
            f"\t{when}\n"
        )
        placements.append(
            f"{district}\t{report_id}\t1\t{site.before}{x!r}, {y!r}{site.after}\t{responsibility}"
            f"\tas reported\t{when}\n"
        )
        kept.append(f"{receipt}\t{district}\t{report_id}\n")
        last = case
    return {
        "report": {"": reports},
        "report_placement": {"": placements},
        "receipt": {"": kept},
    }
