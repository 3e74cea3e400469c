"""The queries of whistles and cases per street."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.orm import Session

#: A case that was opened before streets were kept is counted for its territory, a street office.
_STREET = "coalesce(c.street_code, left(c.progress->'seats'->>'territory', 9), '')"

_CASES = text(
    f"select {_STREET} as street, count(*) from case_file c"  # noqa: S608 - our own words alone
    " where c.opened_at >= :start and c.opened_at < :end and starts_with(c.district_code, :prefix)"
    " group by 1"
)
_WHISTLES = text(
    f"select {_STREET} as street, w.ground, w.kind,"  # noqa: S608 - our own words alone
    " coalesce(cast(w.level as text), 'joint'), count(*),"
    " count(*) filter (where w.state = 'closed')"
    " from whistle w join case_file c on c.district_code = w.district_code and c.id = w.case_id"
    " where w.blown_at >= :start and w.blown_at < :end and w.state <> 'proposed'"
    " and not (w.joint and not exists (select from called_body b"
    " where b.district_code = w.district_code and b.whistle_id = w.id))"
    " and starts_with(w.district_code, :prefix) group by 1, 2, 3, 4"
)


@dataclass(slots=True)
class Counted:
    """What one street has: cases, whistles, closed ones, and whistles by ground, kind, level."""

    cases: int = 0
    whistles: int = 0
    closed: int = 0
    by: dict[str, Counter[str]] = field(
        default_factory=lambda: {name: Counter() for name in ("ground", "kind", "level")}
    )


def counted(
    session: Session, *, start: dt.datetime, end: dt.datetime, prefix: str
) -> dict[str, Counted]:
    """By street code: cases opened and whistles blown from ``start`` until before ``end``.

    ``prefix`` begins the code of the district; the street '' is that of cases without one. A
    proposal that was dropped is not a whistle.
    """
    terms = {"start": start, "end": end, "prefix": prefix[:6]}
    found: dict[str, Counted] = defaultdict(Counted)
    for street, cases in session.execute(_CASES, terms):
        found[street].cases = cases
    for street, ground, kind, level, whistles, closed in session.execute(_WHISTLES, terms):
        one = found[street]
        one.whistles += whistles
        one.closed += closed
        for name, value in (("ground", ground), ("kind", kind), ("level", level)):
            one.by[name][value] += whistles
    return dict(found)
