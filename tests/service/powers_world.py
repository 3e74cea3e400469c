"""Lists of powers and delegations as offices send them: small ones, and one of the real size."""

from __future__ import annotations

import csv
import datetime as dt
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from gridsvc.city.classes import STANDARD
from gridsvc.registry.powers.importer import ListImported, import_delegations, import_powers
from tests.service import joint_city as city
from tests.service.procedures_world import CGJ

DISTRICT = "110117"
TOWNS = [f"{DISTRICT}{number}" for number in range(101, 117)]
STREETS = [f"{DISTRICT}001", f"{DISTRICT}002"]
BODIES = [f"{DISTRICT}-B{number:02d}" for number in range(42)]
DAYS = (dt.date(2018, 1, 1), dt.date(2028, 1, 1))

Line = dict[str, str]


def power(code: str, body: str = CGJ, **more: str) -> Line:
    return {
        "code": code,
        "name": f"对{code}的行政处罚",
        "kind": "行政处罚",
        "basis": f"某条例第{code}条",
        "body": body,
        "valid_from": "2020-01-01",
        **more,
    }


def delegation(code: str, street: str = city.LEAD, **more: str) -> Line:
    return {
        "power": code,
        "street": street,
        "document": f"赋权决定〔2021〕1号第{code}项",
        "valid_from": "2021-07-01",
        **more,
    }


def written(path: Path, lines: Iterable[Mapping[str, str]]) -> Path:
    lines = list(lines)
    names = list(dict.fromkeys(name for line in lines for name in line))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(lines)
    return path


def enter_powers(session: Session, folder: Path, *lines: Line) -> ListImported:
    return import_powers(session, written(folder / "powers.csv", lines), standard=STANDARD)


def enter_delegations(session: Session, folder: Path, *lines: Line) -> ListImported:
    return import_delegations(session, written(folder / "delegations.csv", lines))


def register_pinggu(session: Session) -> None:
    """42 bodies of a district, and the offices of its 16 towns and 2 streets."""
    for code in BODIES:
        session.add(city.body(code, f"部门 {code}", "department", DISTRICT))
    for code in (*TOWNS, *STREETS):
        session.add(city.body(code, f"政府 {code}", "street", code))
    session.flush()


@dataclass(frozen=True)
class RealSize:
    """4,763 penalties of 42 bodies; 380 of them delegated: 75 to each town, 62 to each street,
    and 5 more to four of the towns."""

    powers: list[Line]
    delegations: list[Line]

    def delegated(self, street: str, day: dt.date) -> dict[str, Line]:
        """By looking at every line: what a street has on a day, by code."""
        on = day.isoformat()
        held = {line["code"] for line in self.powers if _holds(line, on)}
        return {
            line["power"]: line
            for line in self.delegations
            if line["street"] == street and line["power"] in held and _holds(line, on)
        }

    def who_may(self, code: str, street: str, day: dt.date) -> list[str] | None:
        """By looking at every line: who may use a power at a street; None: it does not hold."""
        on = day.isoformat()
        (line,) = [one for one in self.powers if one["code"] == code]
        if not _holds(line, on):
            return None
        own = [
            one
            for one in self.delegations
            if (one["power"], one["street"]) == (code, street) and _holds(one, on)
        ]
        holder = line["body"]
        if not own:
            return [holder]
        return [street, holder] if own[0]["conditions"] else [street]


def _holds(line: Line, day: str) -> bool:
    return line["valid_from"] <= day < (line["valid_to"] or "9999")


def real_size(seed: int = 7) -> RealSize:
    dice = random.Random(seed)
    powers = []
    for number in range(4763):
        since = dt.date(2018, 1, 1) + dt.timedelta(days=dice.randrange(700))
        until = ""
        if dice.random() < 0.05:
            until = (dt.date(2024, 1, 1) + dt.timedelta(days=dice.randrange(1000))).isoformat()
        powers.append(
            power(
                f"C{number:05d}00",
                BODIES[min(int(dice.expovariate(1 / 9)), 41) if number >= 42 else number],
                valid_from=since.isoformat(),
                valid_to=until,
            )
        )
    given = [line["code"] for line in dice.sample(powers, 380)]
    common, few = given[:375], given[375:]
    lines: list[Line] = []
    dealt = 0
    for street, count in [*((town, 75) for town in TOWNS), *((one, 62) for one in STREETS)]:
        for _ in range(count):
            lines += _dated(dice, common[dealt % len(common)], street)
            dealt += 1
    for town in TOWNS[:4]:
        for code in few:
            lines += _dated(dice, code, town)
    dice.shuffle(lines)
    return RealSize(powers, lines)


def _dated(dice: random.Random, code: str, street: str) -> list[Line]:
    """A delegation of a power; one in ten ends, and half of those are given again later."""

    def line(since: dt.date, until: dt.date | None) -> Line:
        return delegation(
            code,
            street,
            valid_from=since.isoformat(),
            valid_to=until.isoformat() if until else "",
            conditions="不涉及自然保护地" if dice.random() < 0.2 else "",
            document=f"赋权决定第{dice.randrange(10_000)}项",
        )

    begun = dt.date(2020, 7, 1) + dt.timedelta(days=dice.randrange(365))
    if dice.random() >= 0.1:
        return [line(begun, None)]
    ended = dt.date(2022, 7, 1) + dt.timedelta(days=dice.randrange(800))
    again = ended + dt.timedelta(days=dice.choice([0, 0, 30, 400]))
    return [line(begun, ended)] + ([line(again, None)] if dice.random() < 0.5 else [])
