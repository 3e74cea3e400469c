"""Members: imported by where they live, and their services counted there and nowhere else."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from pathlib import Path

from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.city import City
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, Conflict, NotAllowed, NotFound
from gridsvc.registry.bodies.importer import Imported, RefusedRow
from gridsvc.registry.bodies.list_repository import active_areas
from gridsvc.registry.members import repository
from gridsvc.registry.members.models import Member, MemberService
from gridsvc.tables import Row, table

_COLUMNS = ["code", "name", "unit", "community", "reported_on"]
_LONGEST_SUBJECT = 100
_DAY_MIN = 24 * 60


def import_members(session: Session, path: Path, *, city: City, now: dt.datetime) -> Imported:
    """Members of a CSV, each once: code, name, unit, community, reported_on; all, or none.

    It may have the ``subject`` of their own tokens, by which they answer
    requests for help. Who is known moves to the community of the row; what they did before stays
    where it was done.
    Raises BadFile for a file that is not such a CSV file.
    """
    communities = active_areas(session, "community", "", now)
    faults, lines, rows = [], dict[str, int](), []
    read = list(table(path, _COLUMNS, ["subject"]))
    subjects = repository.codes_of_subjects(session, [row["subject"] for row in read])
    for row in read:
        why = _wrong(row, communities, lines, city.day(now)) or _anothers(row, subjects)
        if why is not None:
            faults.append(RefusedRow(row.line, why))
            continue
        lines[row["code"]] = row.line
        rows.append(
            {
                "district_code": row["community"][:6],
                "code": row["code"],
                "name": row["name"],
                "unit": row["unit"],
                "community_code": row["community"],
                "reported_on": dt.date.fromisoformat(row["reported_on"]),
                "subject": row["subject"] or None,
            }
        )
    if faults:
        return Imported(len(rows) + len(faults), 0, 0, tuple(faults))
    known = len(repository.known_codes(session, list(lines)))
    repository.write_members(session, rows)
    return Imported(len(rows), len(rows) - known, known, ())


def add_service(
    session: Session,
    caller: Caller,
    *,
    member_code: str,
    on_day: dt.date,
    what: str,
    minutes: int,
    today: dt.date,
) -> MemberService:
    """Enter what a member did for the community where they live.

    Raises NotFound, NotAllowed for staff of elsewhere, BadInput for a day before they reported in
    or to come, Conflict for the same service twice and for more hours than a day has.
    """
    member = locked_or_refuse(session, member_code)
    if not caller.covers(member.community_code):
        raise NotAllowed(
            f"{member.code} lives in {member.community_code}, which the token for '{caller.area}'"
            " does not cover; that community enters the service."
        )
    return enter_service(session, member, on_day=on_day, what=what, minutes=minutes, today=today)


def locked_or_refuse(session: Session, code: str, *, field: str = "member") -> Member:
    """A member, until the end of this transaction. Raises NotFound."""
    member = repository.locked_member(session, code)
    if member is None:
        raise NotFound(f"No member has the code '{code[:20]}'.", field=field)
    return member


def enter_service(
    session: Session,
    member: Member,
    *,
    on_day: dt.date,
    what: str,
    minutes: int,
    today: dt.date,
    team: str | None = None,
    request: uuid.UUID | None = None,
) -> MemberService:
    """Enter what a locked member did, perhaps in a team, perhaps for a request for help.

    Raises BadInput for a day before they reported in or to come, Conflict for the same service
    twice and for more hours than a day has.
    """
    if not member.reported_on <= on_day <= today:
        raise BadInput(
            f"'on' is {on_day}; {member.code} reported in on {member.reported_on}, and today is"
            f" {today}.",
            field="on",
        )
    before = repository.services_on(session, member, on_day)
    if any(one.what == what for one in before):
        raise Conflict(f"That service of {member.code} on {on_day} is entered already.")
    if sum(one.minutes for one in before) + minutes > _DAY_MIN:
        raise Conflict(f"The services of {member.code} on {on_day} would take more than 24 hours.")
    done = MemberService(
        district_code=member.district_code,
        id=uuid7(),
        member_code=member.code,
        community_code=member.community_code,
        on_day=on_day,
        what=what,
        minutes=minutes,
        team_code=team,
        request_id=request,
    )
    session.add(done)
    session.flush()
    return done


def _anothers(row: Row, known: dict[str, str]) -> str | None:
    """Why the subject of a row cannot be this member's; each is one member's alone."""
    subject = row["subject"]
    if not subject:
        return None
    if len(subject) > _LONGEST_SUBJECT or "\0" in subject:
        return f"a subject has at most {_LONGEST_SUBJECT} characters, none of them U+0000"
    if (holder := known.setdefault(subject, row["code"])) != row["code"]:
        return f"the subject {subject[:40]!r} is that of {holder}"
    return None


def _wrong(
    row: Row, communities: dict[str, str], lines: dict[str, int], today: dt.date
) -> str | None:
    code = row["code"]
    if re.fullmatch("[0-9A-Za-z-]{1,20}", code, re.ASCII) is None:
        return f"the code is {code[:40]!r}; it must be 1 to 20 letters, digits or dashes"
    if code in lines:
        return f"line {lines[code]} already has the code {code}"
    if row["community"] not in communities:
        return f"no village or community '{row['community'][:20]}' is in force"
    for name in ("name", "unit"):
        if not 0 < len(row[name]) <= 100 or "\0" in row[name]:
            return "name and unit must have 1 to 100 characters, none of them U+0000"
    try:
        future = dt.date.fromisoformat(row["reported_on"]) > today
    except ValueError:
        future = True
    return f"reported_on is {row['reported_on'][:40]!r}; write a day until now" if future else None
