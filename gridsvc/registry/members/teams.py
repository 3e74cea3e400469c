"""Teams of members (志愿服务队): imported whole, each with its area, its leader and its people."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

from sqlalchemy.orm import Session

from gridsvc.registry.bodies.importer import Imported, RefusedRow
from gridsvc.registry.bodies.list_repository import active_areas
from gridsvc.registry.members import repository, teams_repository
from gridsvc.registry.members.models import TeamMember, VolunteerTeam
from gridsvc.tables import Row, table

_COLUMNS = ["code", "name", "area", "leader", "members"]


def import_teams(session: Session, path: Path, *, now: dt.datetime) -> Imported:
    """Teams of a CSV, each once: code, name, area, leader, members; all, or none.

    ``area`` is a street or a community, ``members`` codes of members with spaces between them. A
    team that is known gets the name, area, leader and members of its row. Raises BadFile for a
    file that is not such a CSV file.
    """
    areas = active_areas(session, "street", "", now) | active_areas(session, "community", "", now)
    read = list(table(path, _COLUMNS, key=["code"]))
    named = {code for row in read for code in (row["leader"], *row["members"].split())}
    people = repository.known_codes(session, sorted(named))
    teams, faults = [], []
    for row in read:
        why = _wrong(row, areas, people)
        if why is not None:
            faults.append(RefusedRow(row.line, why))
            continue
        team = VolunteerTeam(
            district_code=row["area"][:6],
            code=row["code"],
            name=row["name"],
            area_code=row["area"],
            leader_code=row["leader"],
        )
        codes = dict.fromkeys((row["leader"], *row["members"].split()))
        keys = {"district_code": team.district_code, "team_code": team.code}
        teams.append((team, [TeamMember(**keys, member_code=code) for code in codes]))
    if faults:
        return Imported(len(read), 0, 0, tuple(faults))
    known = teams_repository.replace_teams(session, teams)
    return Imported(len(read), len(read) - known, known, ())


def _wrong(row: Row, areas: dict[str, str], people: set[str]) -> str | None:
    if re.fullmatch("[0-9A-Za-z-]{1,20}", row["code"], re.ASCII) is None:
        return f"the code is {row['code'][:40]!r}; it must be 1 to 20 letters, digits or dashes"
    if not 0 < len(row["name"]) <= 100 or "\0" in row["name"]:
        return "a team has a name of 1 to 100 characters, none of them U+0000"
    if row["area"] not in areas:
        return f"no street and no community '{row['area'][:20]}' is in force"
    for code in (row["leader"], *row["members"].split()):
        if code not in people:
            return f"no member has the code '{code[:20]}'"
    return None
