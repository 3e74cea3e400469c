"""The query of what was told on the spot, settled there, and came to the hotline all the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

#: One row a matter: told on the spot, or at the hotline by a report that began its own case.
#: A hotline report is about a settled one when it has its class or a kindred one, comes after it
#: was told and not longer than :days after it was settled, within :metres or from its address.
_MATTERS = text(
    """
    with begun as (
      select distinct on (c.district_code, c.id) c.district_code, c.id, c.community_code,
        c.opened_at, c.closed_at, c.point, c.place_key, c.kind, c.class_code, r.channel,
        c.state = 'closed' and c.outcome is null and c.procedure = 'mobile_desk' as settled,
        c.procedure <> 'mobile_desk' as raised
      from case_file c
      join report r on r.case_district = c.district_code and r.case_id = c.id and not r.joined
      where c.opened_at >= :start and c.opened_at < :end
        and starts_with(c.district_code, :district)
        and starts_with(coalesce(c.community_code, c.street_code, c.district_code), :prefix)
        and r.channel = any(:spots || :hotlines)
      order by c.district_code, c.id, r.created_at, r.id
    ),
    kindred as (
      select * from unnest(cast(:kin_of as text[]), cast(:kin as text[])) k(class_code, other)
    ),
    local as (select * from begun where channel = any(:spots)),
    around as (
      select c.district_code, c.id, c.opened_at, c.closed_at, c.point, c.place_key, c.kind,
        c.class_code from case_file c
      where c.procedure = 'mobile_desk' and c.state = 'closed' and c.outcome is null
        and starts_with(c.district_code, :district)
        and c.closed_at >= cast(:start as timestamptz) - make_interval(days => :days)
        and c.opened_at < cast(:end as timestamptz) + make_interval(days => :days)
    ),
    again as (
      select a.district_code, a.id, r.case_district, r.case_id, r.joined from around a
      join report r on r.channel = any(:hotlines) and r.withdrawn_at is null
        and r.kind = a.kind and r.created_at > a.opened_at
        and r.created_at <= a.closed_at + make_interval(days => :days)
        and (r.class_code = a.class_code or exists (select from kindred k
          where k.class_code = a.class_code and k.other = r.class_code))
        and ((a.place_key is not null and a.place_key = r.place_key)
          or st_dwithin(cast(a.point as geography), cast(r.point as geography), :metres))
    )
    select to_char(b.opened_at at time zone :zone, 'YYYY-MM') as month,
      coalesce(b.community_code, '') as community,
      count(*) filter (where b.channel = any(:spots)),
      count(*) filter (where b.channel = any(:spots) and b.settled),
      count(*) filter (where b.channel = any(:spots) and b.raised),
      count(*) filter (where b.channel = any(:hotlines) and not exists (select from again g
        where g.case_district = b.district_code and g.case_id = b.id and not g.joined)),
      count(*) filter (where b.channel = any(:spots) and b.settled and exists (select from again g
        where g.district_code = b.district_code and g.id = b.id))
    from begun b group by 1, 2 order by 1, 2
    """
)


@dataclass(frozen=True, slots=True)
class SettledCounts:
    """One month and community ('' where none is known): each matter once.

    ``told`` on the spot, of these ``settled`` there and ``raised`` to a case; ``hotline`` came to
    the hotline first; ``came_anyway`` were settled and came to the hotline all the same.
    """

    month: str
    community: str
    told: int
    settled: int
    raised: int
    hotline: int
    came_anyway: int


@dataclass(frozen=True, slots=True)
class SettledTerms:
    """Which channels are on the spot, which are the hotline, and what is about the same matter."""

    spots: Sequence[str]
    hotlines: Sequence[str]
    kin: Sequence[tuple[str, str]]
    days: int
    metres: float
    zone: str


def settled_counts(
    session: Session, prefix: str, start: dt.datetime, end: dt.datetime, terms: SettledTerms
) -> list[SettledCounts]:
    """Matters begun from a moment on until before another, by month (of the zone) and community."""
    asked = {
        "prefix": prefix,
        "district": prefix[:6],
        "start": start,
        "end": end,
        "spots": list(terms.spots),
        "hotlines": list(terms.hotlines),
        "kin_of": [one for one, _ in terms.kin],
        "kin": [other for _, other in terms.kin],
        "days": terms.days,
        "metres": terms.metres,
        "zone": terms.zone,
    }
    return [SettledCounts(*row) for row in session.execute(_MATTERS, asked)]
