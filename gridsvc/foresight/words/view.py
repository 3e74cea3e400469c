"""The places of a search by words as a table."""

from __future__ import annotations

from typing import IO

from gridsvc.foresight.words.service import Found
from gridsvc.spreadsheets import CsvSheet

_HEADER = (
    *("序号 n", "地址 address", "经度 lon", "纬度 lat", "街道代码 street", "社区代码 community"),
    *("诉求 reports", "未解决 unsolved", "首次 first", "末次 last"),
    *("上季 before", "本季 after", "案卷 cases"),
)


def write_places(found: Found, out: IO[bytes]) -> None:
    """Write every place as a row of CSV; the cases are their ids, apart by blanks."""
    sheet = CsvSheet(out, _HEADER)
    season = found.asked.after is not None
    for n, place in enumerate(found.places, 1):
        first, last = place.reports[0], place.reports[-1]
        sheet.add(
            [
                n,
                place.address,
                round(place.lon, 6),
                round(place.lat, 6),
                first.street_code,
                first.community_code,
                len(place.reports),
                place.unsolved,
                first.created_at,
                last.created_at,
                place.before if season else None,
                place.after if season else None,
                " ".join(dict.fromkeys(str(one.case_id) for one in place.reports)),
            ]
        )
    sheet.finish()
