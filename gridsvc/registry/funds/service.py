"""Funds: imported with their budgets, and spent until nothing is left and no further."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.db.base import uuid7
from gridsvc.errors import Conflict, NotAllowed, NotFound
from gridsvc.registry.bodies.importer import Imported, RefusedRow
from gridsvc.registry.bodies.list_repository import active_areas
from gridsvc.registry.funds import repository
from gridsvc.registry.funds.models import Fund, Spending
from gridsvc.registry.funds.repository import EMERGENCY
from gridsvc.tables import Row, table

_COLUMNS = ["code", "year", "area", "kind", "name", "budget_yuan"]
#: What each community has for emergencies in a year (the mission's texts).
EMERGENCY_FEN = 3_000_000


def import_funds(session: Session, path: Path, *, now: dt.datetime) -> Imported:
    """Funds of a CSV: code, year, area, kind, name, budget_yuan; all of its rows, or none.

    A known one takes the new budget, which is never below what was spent; its year, area and kind
    stay. An emergency fund is a community's, 30,000 yuan, one in a year. Raises BadFile for a file
    that is not such a CSV file.
    """
    areas = active_areas(session, "street", "", now) | active_areas(session, "community", "", now)
    faults, rows = [], list[Row]()
    lines, emergencies = dict[tuple[str, str], int](), dict[tuple[str, str], int]()
    for row in table(path, _COLUMNS):
        key, of_year = (row["area"][:6], row["code"]), (row["year"], row["area"])
        why = _wrong(row, areas)
        if why is None and key in lines:
            why = f"line {lines[key]} already has the code {row['code']}"
        if why is None and row["kind"] == EMERGENCY and of_year in emergencies:
            why = f"line {emergencies[of_year]} already has the emergency fund of {row['area']}"
        if why is not None:
            faults.append(RefusedRow(row.line, why))
            continue
        lines[key] = row.line
        if row["kind"] == EMERGENCY:
            emergencies[of_year] = row.line
        rows.append(row)
    known = _known(session, rows)
    for row in rows:
        if why := _changes(row, known.get((row["area"][:6], row["code"]))):
            faults.append(RefusedRow(row.line, why))
    faults += _second_emergencies(session, rows, known)
    if faults:
        ordered = tuple(sorted(faults, key=lambda one: one.line))
        return Imported(len({one.line for one in faults} | set(lines.values())), 0, 0, ordered)
    for row in rows:
        _write(session, row, known.get((row["area"][:6], row["code"])))
    session.flush()
    return Imported(len(rows), len(rows) - len(known), len(known), ())


def spend(
    session: Session,
    caller: Caller,
    *,
    district: str,
    code: str,
    amount_fen: int,
    what: str,
    today: dt.date,
) -> Fund:
    """Enter money that was spent of a fund, or with a minus came back; gives the fund after it.

    Raises NotFound, NotAllowed for staff of elsewhere, Conflict where the fund has not so much.
    """
    fund = known_fund(session, caller, district, code)
    if not repository.take_from(session, fund, amount_fen):
        left = fund.budget_fen - fund.spent_fen
        raise Conflict(
            f"{fund.name} has {yuan(left)} yuan left, and {yuan(amount_fen)} would be spent; a"
            " balance stays between zero and the budget.",
            balance_fen=left,
        )
    session.add(
        Spending(
            district_code=district,
            id=uuid7(),
            fund_code=code,
            amount_fen=amount_fen,
            what=what,
            on_day=today,
            entered_by=caller.named[:100],
        )
    )
    session.flush()
    session.refresh(fund)
    return fund


def known_fund(session: Session, caller: Caller, district: str, code: str) -> Fund:
    """A fund, for whoever works in its area. Raises NotFound, NotAllowed."""
    fund = repository.fund_of(session, district, code)
    if fund is None:
        raise NotFound(f"{district[:6]} has no fund '{code[:20]}'.", field="fund")
    if not caller.covers(fund.community_code or fund.street_code):
        raise NotAllowed(
            f"{fund.name} is a fund of {fund.community_code or fund.street_code}, which the token"
            f" for '{caller.area}' does not cover."
        )
    return fund


def yuan(fen: int) -> str:
    """An amount as people write it."""
    return f"{Decimal(fen) / 100:,.2f}"


def _known(session: Session, rows: list[Row]) -> Mapping[tuple[str, str], Fund]:
    codes: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        codes[row["area"][:6]].add(row["code"])
    return {
        (district, code): fund
        for district in sorted(codes)
        for code, fund in repository.funds_of(session, district, codes[district]).items()
    }


def _wrong(row: Row, areas: Mapping[str, str]) -> str | None:
    if re.fullmatch("[0-9A-Za-z-]{1,20}", row["code"], re.ASCII) is None:
        return f"the code is {row['code'][:40]!r}; it must be 1 to 20 letters, digits or dashes"
    if re.fullmatch("20[0-9]{2}", row["year"], re.ASCII) is None:
        return f"the year is {row['year'][:40]!r}; write 2026"
    if row["area"] not in areas:
        return f"no street, village or community '{row['area'][:20]}' is in force"
    if not 0 < len(row["kind"]) <= 20 or not 0 < len(row["name"]) <= 200 or "\0" in row["name"]:
        return "the kind must have 1 to 20 characters, the name 1 to 200"
    if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,2})?", row["budget_yuan"], re.ASCII) is None:
        return f"budget_yuan is {row['budget_yuan'][:40]!r}; write an amount as 120000 or 99.50"
    if row["kind"] != EMERGENCY:
        return None
    if len(row["area"]) != 12 or _fen(row) != EMERGENCY_FEN:
        return f"an emergency fund is a community's, and {yuan(EMERGENCY_FEN)} yuan"
    return None


def _changes(row: Row, fund: Fund | None) -> str | None:
    if fund is None:
        return None
    if (str(fund.year), fund.community_code or fund.street_code, fund.kind) != (
        row["year"],
        row["area"],
        row["kind"],
    ):
        return f"{fund.code} is a fund of another year, area or kind; give a new code"
    if _fen(row) < fund.spent_fen:
        return f"{yuan(fund.spent_fen)} yuan of {fund.code} are spent, more than its new budget"
    return None


def _second_emergencies(
    session: Session, rows: list[Row], known: Mapping[tuple[str, str], Fund]
) -> list[RefusedRow]:
    faults = []
    there: dict[tuple[str, int], set[str | None]] = {}
    for row in rows:
        district, year = row["area"][:6], int(row["year"])
        if row["kind"] != EMERGENCY or (district, row["code"]) in known:
            continue
        if (district, year) not in there:
            found = repository.emergency_communities(session, district, year)
            there[district, year] = found
        if row["area"] in there[district, year]:
            faults.append(RefusedRow(row.line, f"{row['area']} has its emergency fund of {year}"))
    return faults


def _write(session: Session, row: Row, fund: Fund | None) -> None:
    if fund is not None:
        fund.name, fund.budget_fen = row["name"], _fen(row)
        return
    session.add(
        Fund(
            district_code=row["area"][:6],
            code=row["code"],
            year=int(row["year"]),
            street_code=row["area"][:9],
            community_code=row["area"] if len(row["area"]) == 12 else None,
            kind=row["kind"],
            name=row["name"],
            budget_fen=_fen(row),
            spent_fen=0,
        )
    )


def _fen(row: Row) -> int:
    return int(Decimal(row["budget_yuan"]) * 100)
