"""What counts for each body in a year: once from the tables, once from the trace alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from gridsvc.assessment.opinions.models import OPINION
from gridsvc.assessment.scope import Scope
from gridsvc.registry.postings.judging import JUDGED


@dataclass(frozen=True, slots=True)
class BodyYear:
    """What counts for one body.

    ``valid`` to ``fairly``: callbacks of the cases that it led, each by the reading of its case.
    ``handled``, ``in_time``: cases in which it handled something and whistles in which it was done,
    and those of them that were not overdue (or whose appeal was accepted). ``arrived``,
    ``punctual``: its report-ins. ``scored`` scores that sum to ``points``,
    the 0 of who never came among them. ``judgements`` of streets, of a month that ends in the
    period each, that sum to ``judged_points``. ``opinions`` of streets about a whole year, that sum
    to ``opinion_points``.
    """

    valid: int = 0
    contacted: int = 0
    solved: int = 0
    satisfied: int = 0
    fairly: int = 0
    handled: int = 0
    in_time: int = 0
    arrived: int = 0
    punctual: int = 0
    scored: int = 0
    points: int = 0
    judgements: int = 0
    judged_points: int = 0
    opinions: int = 0
    opinion_points: int = 0


# Each query begins with the closed cases of the period and gives rows (body, count, number).

_SPANS = """
with span as materialized (
    select * from unnest(cast(:starts as timestamptz[]), cast(:ends as timestamptz[]))
        as spans (starts, ends)
),
"""

_TABLES = """
closing as materialized (
    select district_code, id as case_id, lead_body as lead, street_code as street,
        exists (select from span where due_at >= starts and due_at < ends) as by_unit
    from case_file
    where district_code = any(:districts) and due_at >= :start and due_at < :end
    and state = 'closed'
),
said as (
    select distinct on (b.district_code, b.report_id) c.lead, c.street, b.valid,
        c.by_unit and b.reading = 'unit' as by_unit, b.contacted, b.unit_contacted, b.solved,
        b.satisfied
    from closing c join callback b on b.case_district = c.district_code and b.case_id = c.case_id
    order by b.district_code, b.report_id, b.n desc
),
acted as (
    select c.district_code, c.case_id, h.body_code as body,
        bool_or(h.step <> all(:returns)) as handled,
        bool_or(h.overdue and h.excused is null) as overdue
    from closing c join hand_in h using (district_code, case_id) group by 1, 2, 3
),
arrived as (
    select b.body_code as body, b.late, b.score, b.done_at, b.overdue
    from closing c join whistle w using (district_code, case_id)
    join called_body b on b.district_code = w.district_code and b.whistle_id = w.id
),
judged as (
    select a.body, not a.overdue or :appeals and coalesce(p.accepted, false) as in_time
    from acted a left join appeal p on p.district_code = a.district_code
        and p.case_id = a.case_id and p.body_code = a.body
    where a.handled
    union all select body, overdue is not true from arrived where done_at is not null
),
scored as (
    (select distinct on (c.district_code, c.case_id, h.body_code) h.body_code as body, h.score
     from closing c join hand_in h using (district_code, case_id) where h.score is not null
     order by c.district_code, c.case_id, h.body_code, h.n desc)
    union all select body, score from arrived where score is not null
    -- Who never came at its step has submitted nothing.
    union all select called->>'body', cast(called->>'score' as int)
    from closing c join case_file f on f.district_code = c.district_code and f.id = c.case_id
    cross join lateral jsonb_array_elements(f.progress->'called') called
    where cast(called->>'score' as int) = 0 and not exists (select from hand_in h
        where h.district_code = c.district_code and h.case_id = c.case_id
        and h.body_code = called->>'body' and h.score is not null)
),
of_month as (
    select body_code as body, score from posting_judgement
    where starts_with(street_code, :prefix)
    and cast(month + interval '1 month - 1 day' as date) between :first and :last
),
of_year as (
    select body_code as body, score from yearly_opinion
    where starts_with(street_code, :prefix) and year = :year
)
"""

_TRACE = """
closing as materialized (
    select district_code, case_id, content->'judged'->'closes'->>'lead' as lead,
        content->'judged'->'closes'->>'street' as street,
        exists (select from span where due_at >= starts and due_at < ends) as by_unit
    from trace, cast(content->'judged'->'closes'->>'due_at' as timestamptz) as due_at
    where starts_with(district_code, :prefix) and content->'judged' ? 'closes'
    and due_at >= :start and due_at < :end
),
entry as materialized (
    select c.lead, c.street, c.by_unit, t.district_code, t.case_id, t.n, t.action,
        t.body_code as body,
        t.content, t.content->'judged' as judged
    from closing c join trace t using (district_code, case_id)
    where t.content ? 'judged'
    or t.action in ('callback', 'appeal_decided', 'report_in', 'done', 'score',
        'stated_time_decided', 'excused', 'absent')
),
said as (
    select distinct on (content->>'district_code', content->>'report_id') lead, street,
        cast(content->>'valid' as boolean) as valid,
        by_unit and content->>'reading' = 'unit' as by_unit,
        cast(content->>'contacted' as boolean) as contacted,
        cast(content->>'unit_contacted' as boolean) as unit_contacted,
        cast(content->>'solved' as boolean) as solved, content->>'satisfied' as satisfied
    from entry where action = 'callback'
    order by content->>'district_code', content->>'report_id', cast(content->>'n' as int) desc
),
acted as (
    select district_code, case_id, body, bool_or(action <> all(:returns)) as handled,
        bool_or(cast(judged->>'overdue' as boolean) and not exists (select from entry x
            where x.action = 'excused' and x.district_code = e.district_code
            and x.case_id = e.case_id and cast(x.content->>'n' as int) = e.n)) as overdue
    from entry e where judged ? 'overdue' group by 1, 2, 3
),
judged as (
    select a.body, not a.overdue or :appeals and exists (select from entry p
        where p.action = 'appeal_decided'
        and p.district_code = a.district_code and p.case_id = a.case_id and p.body = a.body
        and cast(p.content->>'accepted' as boolean)) as in_time
    from acted a where a.handled
    union all
    (select distinct on (district_code, case_id, content->>'whistle_id', body) body,
        cast(content->>'overdue' as boolean) is not true
     from entry where judged is null and content ? 'whistle_id' and (action = 'done'
        or content->>'act' = 'done' and content ? 'overdue')
     order by district_code, case_id, content->>'whistle_id', body, n desc)
),
arrived as (
    -- Judged again by a stated time that was accepted, or by a calendar that came later.
    select distinct on (district_code, case_id, content->>'whistle_id', body) body,
        cast(content->>'late' as boolean) as late
    from entry where judged is null and content ? 'whistle_id' and (action = 'report_in'
        or content->>'act' in ('report_in', 'arrive') and content ? 'late')
    order by district_code, case_id, content->>'whistle_id', body, n desc
),
scored as (
    (select distinct on (e.district_code, e.case_id, s.key) s.key as body,
        cast(s.value as int) as score
     from entry e cross join lateral jsonb_each_text(e.judged->'scores') s
     where e.judged ? 'scores' and s.value is not null
     order by e.district_code, e.case_id, s.key, e.n desc)
    union all
    select body, cast(content->>'score' as int) from entry
    where action = 'score' and judged is null and content ? 'whistle_id'
    union all
    select distinct on (district_code, case_id, body) body, 0 from entry e
    where action = 'absent' and not exists (select from entry x
        where x.district_code = e.district_code and x.case_id = e.case_id
        and x.judged->'scores' ? e.body)
),
-- Judgements are no part of a case: the audit log, which nobody changes either, keeps each.
of_month as (
    select split_part(subject, ' ', 2) as body, cast(split_part(subject, ' ', 5) as int) as score
    from audit_entry where act = :judged and starts_with(subject, :prefix)
    and cast(to_date(split_part(subject, ' ', 4), 'YYYY-MM') + interval '1 month - 1 day' as date)
        between :first and :last
),
of_year as (
    select split_part(subject, ' ', 2) as body, cast(split_part(subject, ' ', 4) as int) as score
    from audit_entry where act = :opinion and starts_with(subject, :prefix)
    and split_part(subject, ' ', 3) = cast(:year as text)
)
"""

_HEARD = """
, heard as (
    select lead, street, solved, satisfied,
        case when by_unit then unit_contacted else contacted end as contacted
    from said where valid and (contacted or by_unit is not true)
)
"""

_SUMMED = """
select lead, 'valid', count(*) from heard group by 1
union all select lead, 'contacted', count(*) from heard where contacted group by 1
union all select lead, 'solved', count(*) from heard where solved group by 1
union all select lead, 'satisfied', count(*) from heard where satisfied = 'satisfied' group by 1
union all select lead, 'fairly', count(*) from heard where satisfied = 'fairly' group by 1
union all select body, 'handled', count(*) from judged group by 1
union all select body, 'in_time', count(*) from judged where in_time group by 1
union all select body, 'arrived', count(*) from arrived where late is not null group by 1
union all select body, 'punctual', count(*) from arrived where not late group by 1
union all select body, 'scored', count(*) from scored group by 1
union all select body, 'points', sum(score) from scored group by 1
union all select body, 'judgements', count(*) from of_month group by 1
union all select body, 'judged_points', sum(score) from of_month group by 1
union all select body, 'opinions', count(*) from of_year group by 1
union all select body, 'opinion_points', sum(score) from of_year group by 1
"""


_STREETS = """
select street, 'valid', count(*) from heard where street is not null group by 1
union all select street, 'contacted', count(*) from heard where contacted group by 1
union all select street, 'solved', count(*) from heard where solved group by 1
union all select street, 'satisfied', count(*) from heard where satisfied = 'satisfied' group by 1
union all select street, 'fairly', count(*) from heard where satisfied = 'fairly' group by 1
"""

#: Whistles one by one: whom each called, by whom it was blown, whether it came in time, its score.
_CALLS_OF_TABLES = """
select b.body_code as body, w.caller_body as caller, count(b.late),
    count(*) filter (where not b.late), count(b.score), coalesce(sum(b.score), 0)
from closing c join whistle w using (district_code, case_id)
join called_body b on b.district_code = w.district_code and b.whistle_id = w.id
where b.late is not null or b.score is not null group by 1, 2
"""

_CALLS_OF_TRACE = """
, blown as (
    select t.content->>'whistle_id' as whistle_id,
        coalesce(t.content->>'by', t.content->>'leads') as caller
    from closing c join trace t using (district_code, case_id) where t.action = 'whistle_blown'
),
met as (
    (select distinct on (content->>'whistle_id', body) content->>'whistle_id' as whistle_id, body,
        cast(content->>'late' as boolean) as late, null::int as score
     from entry where judged is null and content ? 'whistle_id' and (action = 'report_in'
        or content->>'act' in ('report_in', 'arrive') and content ? 'late')
     order by content->>'whistle_id', body, n desc)
    union all select content->>'whistle_id', body, null, cast(content->>'score' as int) from entry
    where action = 'score' and judged is null and content ? 'whistle_id'
)
select m.body, b.caller, count(m.late), count(*) filter (where not m.late), count(m.score),
    coalesce(sum(m.score), 0)
from met m join blown b using (whistle_id)
where m.late is not null or m.score is not null group by 1, 2
"""


@dataclass(frozen=True, slots=True)
class Calls:
    """What the whistles of one caller say of a body: report-ins, those in time, scores, points."""

    arrived: int
    punctual: int
    scored: int
    points: int


def years_of_tables(
    session: Session, scope: Scope, prefix: str, *, appeals: bool = True
) -> dict[str, BodyYear]:
    """What the tables of cases, hand-ins, appeals, whistles, callbacks and judgements say, by body.

    Of the districts under a prefix; there are judgements where there are no cases yet. Without
    ``appeals`` as if none had been accepted.
    """
    asked = {"prefix": prefix, "appeals": appeals, **_tables(scope)}
    return _years(session, text(_SPANS + _TABLES + _HEARD + _SUMMED), scope, asked)


def years_of_trace(
    session: Session, scope: Scope, prefix: str, *, appeals: bool = True
) -> dict[str, BodyYear]:
    """What the trace, and the audit log, alone say of the districts under a prefix.

    No other table is read.
    """
    asked = {"appeals": appeals, **_trace(prefix)}
    return _years(session, text(_SPANS + _TRACE + _HEARD + _SUMMED), scope, asked)


def streets_of_tables(session: Session, scope: Scope, prefix: str) -> dict[str, BodyYear]:
    """What citizens said of the closed cases of each street, by the tables."""
    asked = {"prefix": prefix, "appeals": True, **_tables(scope)}
    return _years(session, text(_SPANS + _TABLES + _HEARD + _STREETS), scope, asked)


def streets_of_trace(session: Session, scope: Scope, prefix: str) -> dict[str, BodyYear]:
    """The same by the trace alone."""
    asked = {"appeals": True, **_trace(prefix)}
    return _years(session, text(_SPANS + _TRACE + _HEARD + _STREETS), scope, asked)


def calls_of_tables(session: Session, scope: Scope, prefix: str) -> dict[tuple[str, str], Calls]:
    """What whistles say of each body, by (body, caller), in the closed cases of the period."""
    asked = {"prefix": prefix, "appeals": True, **_tables(scope)}
    return _calls(session, text(_SPANS + _TABLES + _CALLS_OF_TABLES), scope, asked)


def calls_of_trace(session: Session, scope: Scope, prefix: str) -> dict[tuple[str, str], Calls]:
    """The same by the trace alone."""
    asked = {"appeals": True, **_trace(prefix)}
    return _calls(session, text(_SPANS + _TRACE + _CALLS_OF_TRACE), scope, asked)


def _tables(scope: Scope) -> dict[str, Any]:
    return {"districts": list(scope.districts)}


def _trace(prefix: str) -> dict[str, Any]:
    return {"prefix": prefix, "judged": JUDGED, "opinion": OPINION}


def _calls(
    session: Session, query: TextClause, scope: Scope, asked: dict[str, Any]
) -> dict[tuple[str, str], Calls]:
    rows = session.execute(query, asked | _span(scope))
    return {(body, caller): Calls(*map(int, numbers)) for body, caller, *numbers in rows}


def _years(
    session: Session, query: TextClause, scope: Scope, asked: dict[str, Any]
) -> dict[str, BodyYear]:
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for body, count, number in session.execute(query, asked | _span(scope)):
        counts[body][count] = int(number)
    return {body: BodyYear(**found) for body, found in counts.items()}


def _span(scope: Scope) -> dict[str, Any]:
    """When, and the names of returns. Opinions are of whole years alone."""
    name = scope.period.name
    return {
        "start": scope.period.start,
        "end": scope.period.end,
        "first": scope.period.first,
        "last": scope.period.last,
        "year": int(name) if len(name) == 4 else 0,
        "starts": [start for start, _ in scope.by_unit],
        "ends": [end for _, end in scope.by_unit],
        "returns": list(scope.steps.returns),
    }
