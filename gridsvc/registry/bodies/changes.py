"""Changes of the duty lists: lines added, ended and changed, each with its day; history is kept.

A change ends a line and begins a new one. :func:`plan_changes` says what would come of a list of
changes; :func:`carry_out` does it.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.errors import BadInput, Conflict, NotAllowed
from gridsvc.registry.access.audit import Done, note
from gridsvc.registry.bodies import changes_repository as repository
from gridsvc.registry.bodies.importer import Registered, read_duty
from gridsvc.registry.bodies.rule import Line
from gridsvc.tables import rows

#: What a line says, by the names of the columns of an imported list.
_SAYS = ("body", "area", "standard", "kind", "class_prefix", "role", "clause")
_COLUMNS = (["change"], ["id", *_SAYS, "valid_from", "valid_to"])
_CHANGES = ("add", "end", "change")
_MOST = 20_000
_TOLD = 100


@dataclass(frozen=True, slots=True)
class Change:
    """A row: what is to be done to which line, and from when on.

    ``cells`` are those of an imported list, and ``id``; what has none is left as it is. ``row`` is
    its number, or its line in a file.
    """

    row: int
    change: str
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ended:
    """A line, as it was, and the first day on which it no longer holds."""

    line: Line
    on: dt.date


@dataclass(frozen=True, slots=True)
class Begun:
    """A new line, and the line that it takes the place of."""

    line: Line
    replaces: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a list of changes does, in its order."""

    ended: tuple[Ended, ...]
    begun: tuple[Begun, ...]

    def applied(self, lines: Iterable[Line]) -> list[Line]:
        """Some lines as they would then be, with all new ones."""
        ends = {one.line.id: one.on for one in self.ended}
        kept = (
            replace(line, valid_to=ends[line.id]) if line.id in ends else line for line in lines
        )
        return [*kept, *(one.line for one in self.begun)]

    def first_day(self, today: dt.date) -> dt.date:
        """The first day, from today on, on which all of the changes count."""
        days = (*(one.on for one in self.ended), *(one.line.valid_from for one in self.begun))
        return max((today, *days))


def read_changes(text: str, name: str) -> list[Change]:
    """The changes of a CSV text. Raises BadFile, with the line, for what is not such a text."""
    return [
        Change(row.line, row["change"], {key: row[key] for key in row if row[key]})
        for row in rows(text.splitlines(keepends=True), name, *_COLUMNS)
    ]


def plan_changes(
    session: Session, changes: Sequence[Change], *, standard: str, today: dt.date
) -> Plan:
    """What some changes do to the lists, checked against what is registered; nothing is written.

    *add* needs what an imported line needs; *change* names the line by its ``id``, *end* by that or
    by all that it says. ``valid_from`` is the first day of what begins, ``valid_to`` the first on
    which a line no longer holds; today where they are left out. Raises BadInput that lists every
    row that cannot be taken.
    """
    if not 0 < len(changes) <= _MOST:
        raise BadInput(
            f"There are {len(changes):,} changes; send 1 to {_MOST:,} at a time.", field="changes"
        )
    reader = _Reader(session, changes, standard, today)
    faults: list[tuple[int, str]] = []
    for change in changes:
        try:
            reader.take(change)
        except BadInput as error:
            faults.append((change.row, error.detail))
    faults += reader.collisions()
    if faults:
        row, reason = min(faults)
        raise BadInput(
            f"{len(faults):,} of {len(changes):,} changes cannot be taken, nothing is changed; the"
            f" first is row {row}: {reason}",
            field="changes",
            refused=[{"row": row, "reason": reason} for row, reason in sorted(faults)[:_TOLD]],
        )
    return reader.plan


class _Reader:
    """Reads changes one after the other against the lines that they speak about."""

    def __init__(
        self, session: Session, changes: Sequence[Change], standard: str, today: dt.date
    ) -> None:
        self._standard, self._today = standard, today
        self._registered = Registered(session)
        ids = [id for id in map(_id_of, changes) if id is not None]
        named = repository.lines_by_id(session, ids)
        areas = {area for change in changes if (area := change.cells.get("area"))}
        areas |= {line.area_code for line in named.values()}
        self._lines = named | repository.lines_of_areas(session, areas, after=today)
        self._rows: dict[uuid.UUID, int] = {}
        self._ended: dict[uuid.UUID, Ended] = {}
        self._begun: list[Begun] = []

    @property
    def plan(self) -> Plan:
        return Plan(tuple(self._ended.values()), tuple(self._begun))

    def take(self, change: Change) -> None:
        """Add a change to the plan. Raises BadInput."""
        if change.change == "add":
            self._begin(change, {"valid_from": self._today.isoformat(), **change.cells}, None)
            return
        if change.change not in _CHANGES:
            raise BadInput(f"change is '{change.change[:40]}'; write {', '.join(_CHANGES)}.")
        old = self._line(change)
        if old.id in self._ended:
            raise BadInput("another row speaks about the same line")
        if old.valid_to is not None and old.valid_to <= self._today:
            raise BadInput(f"the line has ended on {old.valid_to}; add a new one")
        if change.change == "end":
            self._end(old, _day(change.cells.get("valid_to"), self._today, "valid_to"))
            return
        since = _day(change.cells.get("valid_from"), self._today, "valid_from")
        was = _cells(old)
        now = was | {name: text for name, text in change.cells.items() if name in was}
        if was == now:
            raise BadInput("nothing in it is changed")
        first = max(since, old.valid_from)
        self._begin(change, {**now, "valid_from": first.isoformat()}, old.id)
        self._end(old, first)

    def collisions(self) -> Iterator[tuple[int, str]]:
        """The rows whose new line says what another says, or names a second lead."""
        every = self.plan.applied(self._lines.values())
        beside: dict[tuple[str, ...], list[Line]] = {}
        for line in every:
            beside.setdefault(_about(line), []).append(line)
        for one in self._begun:
            line, row = one.line, self._rows[one.line.id]
            others = [it for it in beside[_about(line)] if it.id != line.id and _at_once(it, line)]
            if any(it.body_code == line.body_code for it in others):
                yield row, f"'{line.body_code}' is listed for it already on that day"
            elif line.role == "lead" and (lead := _lead(others)) is not None:
                yield row, f"'{lead.body_code}' leads for it on that day; end that line first"

    def _line(self, change: Change) -> Line:
        """The line that a change names. Raises BadInput."""
        if "id" in change.cells:
            id = _id_of(change)
            if id is None or id not in self._lines:
                raise BadInput(f"no duty list has the line '{change.cells['id'][:40]}'")
            return self._lines[id]
        said = {"standard": self._standard, "class_prefix": ""} | {
            name: text for name, text in change.cells.items() if name in _SAYS and name != "clause"
        }
        found = [
            line
            for line in self._lines.values()
            if line.valid_to is None or line.valid_to > self._today
            if all(_cells(line)[name] == text for name, text in said.items())
        ]
        if change.change == "change" or len(found) != 1:
            raise BadInput(
                f"{len(found)} lines say so; name the one by its id, which '/v1/duties' tells"
            )
        return found[0]

    def _begin(self, change: Change, cells: Mapping[str, str], replaces: uuid.UUID | None) -> None:
        row = {name: cells.get(name, "") for name in (*_SAYS, "valid_from", "valid_to")}
        kept = read_duty(row, standard=self._standard)
        if (wrong := self._registered.wrong(kept)) is not None:
            raise BadInput(wrong)
        line = Line(**kept)
        if line.valid_from < self._today:
            raise BadInput(f"valid_from is {line.valid_from}, which is over; begin it today")
        self._begun.append(Begun(line, replaces))
        self._rows[line.id] = change.row

    def _end(self, old: Line, on: dt.date) -> None:
        if on < self._today:
            raise BadInput(f"valid_to is {on}, which is over; end it today")
        # One that is still to begin never holds.
        self._ended[old.id] = Ended(old, max(on, old.valid_from))


def check_covers(caller: Caller, plan: Plan) -> None:
    """Refuse changes of lines outside of the caller's own area. Raises NotAllowed."""
    for line in (*(one.line for one in plan.ended), *(one.line for one in plan.begun)):
        if not caller.covers(line.area_code):
            raise NotAllowed(
                f"A token for area '{caller.area}' may not change who answers in"
                f" {line.area_code}; one that covers it is needed."
            )


def carry_out(
    session: Session, plan: Plan, *, who: str, role: str, reason: str, now: dt.datetime
) -> list[uuid.UUID]:
    """Do what a plan says and enter each change in the audit log; gives the ids of all lines.

    Raises Conflict where somebody else has changed one of the lines in between.
    """
    locked = repository.lock_lines(session, [one.line.id for one in plan.ended])
    for ended in plan.ended:
        if locked.get(ended.line.id) != ended.line:
            raise Conflict(
                f"Somebody else has changed the line {ended.line.id} meanwhile; look at it again."
            )
    repository.end_lines(session, {one.line.id: one.on for one in plan.ended}, reason)
    repository.begin_lines(session, [(one.line, one.replaces) for one in plan.begun], reason=reason)
    followed = {one.replaces for one in plan.begun}
    done = [
        *(("end duty", one.line) for one in plan.ended if one.line.id not in followed),
        *(("change duty" if one.replaces else "add duty", one.line) for one in plan.begun),
    ]
    for act, line in done:
        said = f"{line.id} {line.body_code} {line.area_code} {line.kind} {line.class_prefix}"
        note(session, Done(now, who, role, act, said, reason))
    return [*(one.line.id for one in plan.ended), *(one.line.id for one in plan.begun)]


def _id_of(change: Change) -> uuid.UUID | None:
    try:
        return uuid.UUID(change.cells.get("id", ""))
    except ValueError:
        return None


def _cells(line: Line) -> dict[str, str]:
    """What a line says, in the cells of an imported list."""
    return {
        "body": line.body_code,
        "area": line.area_code,
        "standard": line.standard,
        "kind": line.kind,
        "class_prefix": line.class_prefix,
        "role": line.role,
        "clause": line.clause,
        "valid_to": "" if line.valid_to is None else line.valid_to.isoformat(),
    }


def _about(line: Line) -> tuple[str, ...]:
    return line.area_code, line.standard, line.kind, line.class_prefix


def _at_once(one: Line, other: Line) -> bool:
    """Whether there is a day on which both hold."""
    first = max(one.valid_from, other.valid_from)
    return one.holds(first) and other.holds(first)


def _lead(lines: Iterable[Line]) -> Line | None:
    return next((line for line in lines if line.role == "lead"), None)


def _day(text: str | None, otherwise: dt.date, name: str) -> dt.date:
    if text is None:
        return otherwise
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{name} is {text[:60]!r}; write a day as 2026-07-01") from None
