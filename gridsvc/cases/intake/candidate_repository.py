"""The queries that find the case of a report, and the reports of a case."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.intake.candidates import About, Candidate
from gridsvc.cases.intake.models import Report
from gridsvc.cases.intake.surroundings import box_around, surroundings
from gridsvc.city.classes import ClassKey
from gridsvc.db.prepared import Prepared

__all__ = [
    "cases_joined_into",
    "closed_candidates",
    "first_reported_at",
    "open_candidates",
    "open_candidates_alone",
    "part_of_reports",
    "report_count",
    "report_counts",
    "reports_page",
    "send_reports",
]

#: The nearest so many cases; a report about a hundred cases is about none of them.
_MOST = 20
#: So many times as many closed cases are looked at as are asked for.
_FOR_CORNERS = 4
#: The newest so many reports of one place text lead to its open case: it took them all in.
_NEWEST_OF_TEXT = 20

_HERE = "with here as (select st_setsrid(st_point(:lon, :lat), 4326) as p), found as ("
_NEAR = (
    "select c.district_code, c.id, false as same_text from case_file c"
    " where c.point && st_makeenvelope(:west, :south, :east, :north, 4326)"
    " and c.state = :state and c.district_code = any(:districts)"
    " and c.standard = :standard and c.kind = any(:kinds) and c.class_code = :class_code"
    " and c.joined_into is null"
)
#: Most cases are closed, most of them of other classes: a cell of the city and a class find few.
_CELLS_A_DEGREE = 250
_NEAR_CLOSED = (
    "select c.district_code, c.id, false as same_text from case_file c"
    " where c.class_code = :class_code"
    " and floor(st_x(c.point) * 250)::int = any(:columns)"
    " and floor(st_y(c.point) * 250)::int = any(:rows)"
    " and st_x(c.point) between :west and :east and st_y(c.point) between :south and :north"
    " and c.state = :state and c.district_code = any(:districts)"
    " and c.standard = :standard and c.kind = any(:kinds) and c.joined_into is null"
)
_SAME_PART = (
    "select c.district_code, c.id, false from case_file c"
    " where c.district_code = :district and c.part_code = :part_code and c.state = :state"
    " and c.joined_into is null"
)
_SAME_TEXT = (
    "select c.district_code, c.id, true from ("
    " select r.case_district, r.case_id from report r"
    " where r.district_code = :district and r.place_key = :place_key"
    " and r.class_code = :class_code and r.standard = :standard and r.kind = any(:kinds)"
    " order by r.created_at desc limit :newest) as said"
    " join case_file c on c.district_code = said.case_district and c.id = said.case_id"
    " where c.state = :state and c.district_code = any(:districts) and c.joined_into is null"
)
_FOUND = (
    " select c.district_code, c.id, c.standard, c.kind, c.class_code, c.state, c.lead_body,"
    " c.part_code, st_x(c.point), st_y(c.point),"
    " st_distance(c.point::geography, here.p::geography) as distance_m, found.same_text,"
    " c.procedure, c.procedure_version"
    " from (select district_code, id, bool_or(same_text) as same_text from found"
    " group by district_code, id) as found"
    " join case_file c on c.district_code = found.district_code and c.id = found.id, here"
)
_SUREST_FIRST = (
    " order by coalesce(c.part_code = :part_code, false) desc, found.same_text desc,"
    " distance_m, c.id"
)
_NEWEST_FIRST = " order by c.closed_at desc, c.id"
_ORDERS = {"open": _SUREST_FIRST, "closed": _NEWEST_FIRST}
_TYPES = {
    **dict.fromkeys(("lon", "lat", "west", "south", "east", "north"), "float8"),
    **dict.fromkeys(("district", "standard", "class_code", "part_code", "place_key"), "text"),
    **dict.fromkeys(("districts", "kinds"), "text[]"),
    **dict.fromkeys(("newest", "limit"), "int"),
    **dict.fromkeys(("columns", "rows"), "int[]"),
}


def _question(state: str, *, by_part: bool, by_text: bool) -> Prepared:
    near = _NEAR if state == "open" else _NEAR_CLOSED
    ways = [near] + [_SAME_PART] * by_part + [_SAME_TEXT] * by_text
    # The state is written out, so that the indexes of open cases alone can serve.
    found = (_HERE + " union all ".join(ways) + ")").replace(":state", f"'{state}'")
    name = f"{state}_candidates{'_part' * by_part}{'_text' * by_text}"
    return Prepared(name, found + _FOUND + _ORDERS[state] + " limit :limit", _TYPES)


#: By state, whether the report names a part, whether it has a place text.
_QUESTIONS = {
    (state, by_part, by_text): _question(state, by_part=by_part, by_text=by_text)
    for state in _ORDERS
    for by_part in (False, True)
    for by_text in (False, True)
}
_LOCK = Prepared(
    "lock_about",
    "select pg_advisory_xact_lock(hashtextextended(name, 0)) from"
    " unnest(:names) with ordinality as given (name, n) order by n",
    {"names": "text[]"},
)


def open_candidates_alone(session: Session, about: About) -> list[Candidate]:
    """As :func:`open_candidates`, for one report about one thing at a time.

    Each locks all of its surroundings, its part and its place text until its transaction ends; in
    one order, so that no two wait for each other.
    """
    names = surroundings(about.lon, about.lat, about.widest_m, _named(about))
    if about.part_code is not None:
        names.append(f"part|{about.district}|{about.part_code}")
    if about.place_key is not None:
        names.append(f"place|{about.key.code}|{about.place_key}")
    return _candidates(session, about, "open", _MOST, behind=(_LOCK, {"names": sorted(names)}))


def open_candidates(session: Session, about: About) -> list[Candidate]:
    """Open cases of one part, of one place text, or near a place: in this order, by distance."""
    return _candidates(session, about, "open", _MOST)


def closed_candidates(session: Session, about: About, *, limit: int) -> list[Candidate]:
    """Closed cases about the same place, the newest first."""
    # They are sought in a box, whose corners lie too far away.
    return _candidates(session, about, "closed", _FOR_CORNERS * limit)[:limit]


def _candidates(
    session: Session,
    about: About,
    state: str,
    limit: int,
    behind: tuple[Prepared, dict[str, list[str]]] | None = None,
) -> list[Candidate]:
    box = box_around(about.lon, about.lat, about.within_m)
    question = _QUESTIONS[state, about.part_code is not None, about.place_key is not None]
    rows = question.ask(
        session,
        {
            "lon": about.lon,
            "lat": about.lat,
            **dict(zip(("west", "south", "east", "north"), box, strict=True)),
            "columns": _cells(box[0], box[2]),
            "rows": _cells(box[1], box[3]),
            "district": about.district,
            "districts": list(about.districts),
            "standard": about.key.standard,
            "kinds": list(about.kinds),
            "class_code": about.key.code,
            "part_code": about.part_code,
            "place_key": about.place_key,
            "newest": _NEWEST_OF_TEXT,
            "limit": limit,
        },
        behind=behind,
    )
    candidates = [Candidate(row[0], row[1], ClassKey(*row[2:5]), *row[5:]) for row in rows]
    return [candidate for candidate in candidates if candidate.why(about)]


def _cells(least: float, most: float) -> list[int]:
    """The numbers of the cells from one degree to another."""
    first, last = (math.floor(degree * _CELLS_A_DEGREE) for degree in (least, most))
    return list(range(first, last + 1))


def _named(about: About) -> ClassKey:
    """The class under one name for all the kinds that mean the same."""
    return replace(about.key, kind="/".join(about.kinds))


def cases_joined_into(session: Session, case: CaseFile) -> list[CaseFile]:
    """The cases that were joined into a case, the first one first."""
    return list(
        session.scalars(
            select(CaseFile)
            .where(
                CaseFile.joined_into == case.id,
                CaseFile.joined_into_district == case.district_code,
            )
            .order_by(CaseFile.opened_at, CaseFile.id)
        )
    )


def reports_page(
    session: Session,
    case: CaseFile,
    *,
    after: tuple[dt.datetime, uuid.UUID] | None,
    limit: int,
) -> list[Report]:
    """Reports of a case in the order in which people reported, from behind ``after``."""
    query = _of(case).order_by(Report.created_at, Report.id).limit(limit)
    if after is not None:
        query = query.where(tuple_(Report.created_at, Report.id) > after)
    return list(session.scalars(query))


def report_count(session: Session, case: CaseFile) -> int:
    """How many reports a case has."""
    return session.scalar(select(func.count()).select_from(_of(case).subquery())) or 0


def report_counts(session: Session, case_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many reports each of these cases has; a case without any is left out."""
    districts = select(CaseFile.district_code, CaseFile.id).where(CaseFile.id.in_(case_ids))
    rows = session.execute(
        select(Report.case_id, func.count())
        .where(tuple_(Report.case_district, Report.case_id).in_(districts))
        .group_by(Report.case_id)
    )
    return {row[0]: row[1] for row in rows}


def part_of_reports(session: Session, case: CaseFile, part_code: str) -> str | None:
    """The part, if a report of the case names it; else None."""
    query = _of(case).where(Report.part_code == part_code).limit(1)
    return part_code if session.scalar(query) is not None else None


def first_reported_at(session: Session, case: CaseFile) -> dt.datetime | None:
    """When the first person reported; None for a case without reports, all taken out."""
    return session.scalar(
        select(func.min(Report.created_at)).where(
            Report.case_district == case.district_code, Report.case_id == case.id
        )
    )


def send_reports(
    session: Session, source: CaseFile, target: CaseFile, ids: Sequence[uuid.UUID] | None
) -> list[Report]:
    """Give reports of a case to another; None: all of them. Gives them in their order."""
    query = _of(source).order_by(Report.created_at, Report.id)
    if ids is not None:
        query = query.where(Report.id.in_(ids))
    sent = list(session.scalars(query))
    for report in sent:
        report.case_district, report.case_id = target.district_code, target.id
    session.flush()
    return sent


def _of(case: CaseFile) -> Select[Report]:
    return select(Report).where(
        Report.case_district == case.district_code, Report.case_id == case.id
    )
