"""What a demand letter (需求函) says: the task, the meeting, the limit, who agreed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from gridsvc.errors import BadInput

#: A meeting or a limit lies no farther ahead.
_WITHIN = dt.timedelta(days=3660)
_KEYS = {"task", "tasks", "clauses", "place", "time", "done_by", "powers", "beyond", "unattended"}
_LONGEST_TEXT = 10_000


@dataclass(frozen=True, slots=True)
class Demand:
    """One demand: ``tasks`` are those of single bodies, ``time`` is when all shall meet.

    ``clauses`` say by which rule a body is called that no list names; ``powers`` are the codes of
    the powers that single bodies shall use; ``beyond`` says, where the street has such a power
    itself under conditions, why this lies beyond them; ``unattended`` why a body is called from
    which nobody can come.
    """

    task: str
    tasks: Mapping[str, str] = field(default_factory=dict)
    clauses: Mapping[str, str] = field(default_factory=dict)
    place: str = ""
    time: dt.datetime | None = None
    done_by: dt.datetime | None = None
    powers: Mapping[str, str] = field(default_factory=dict)
    beyond: Mapping[str, str] = field(default_factory=dict)
    unattended: Mapping[str, str] = field(default_factory=dict)

    def task_of(self, body: str) -> str:
        """What a body shall do."""
        return self.tasks.get(body, self.task)

    def to_json(self) -> dict[str, Any]:
        """The form in which a whistle keeps it; what it does not say is left out."""
        kept: dict[str, Any] = {"task": self.task}
        for name, by_body in (
            ("tasks", self.tasks),
            ("clauses", self.clauses),
            ("powers", self.powers),
            ("beyond", self.beyond),
            ("unattended", self.unattended),
        ):
            kept |= {name: dict(by_body)} if by_body else {}
        kept |= {"place": self.place} if self.place else {}
        for name, moment in (("time", self.time), ("done_by", self.done_by)):
            kept |= {} if moment is None else {name: moment.isoformat()}
        return kept


def read_demand(
    given: Any, *, bodies: Collection[str], told_at: dt.datetime, field: str = "evidence.demand"
) -> Demand:
    """The demand that somebody sends: its task alone, or an object.

    Raises BadInput for a demand without a task, of a wrong form, about bodies that are not called,
    or with times that lie before the call.
    """
    if isinstance(given, str):
        given = {"task": given}
    if not isinstance(given, Mapping) or not given.keys() <= _KEYS:
        raise BadInput(
            f"The demand is a task as text, or an object with {', '.join(sorted(_KEYS))}.",
            field=field,
        )
    return Demand(
        task=_text(given.get("task"), f"{field}.task", needed=True),
        tasks=_by_body(given.get("tasks", {}), bodies, f"{field}.tasks"),
        clauses=_by_body(given.get("clauses", {}), bodies, f"{field}.clauses"),
        place=_text(given.get("place", ""), f"{field}.place"),
        time=_moment(given.get("time"), told_at, f"{field}.time"),
        done_by=_moment(given.get("done_by"), told_at, f"{field}.done_by"),
        powers=_by_body(given.get("powers", {}), bodies, f"{field}.powers"),
        beyond=_by_body(given.get("beyond", {}), bodies, f"{field}.beyond"),
        unattended=_by_body(given.get("unattended", {}), bodies, f"{field}.unattended"),
    )


def _by_body(given: Any, bodies: Collection[str], field: str) -> dict[str, str]:
    name = field.rpartition(".")[2]
    if not isinstance(given, Mapping):
        raise BadInput(f"'{name}' gives each body code its own text.", field=field)
    for code in given:
        if code not in bodies:
            raise BadInput(f"'{str(code)[:40]}' is in '{name}' but is not called.", field=field)
    return {code: _text(text, field, needed=True) for code, text in given.items()}


def _text(value: Any, field: str, *, needed: bool = False) -> str:
    name = field.rpartition(".")[2]
    if not isinstance(value, str) or (needed and not value.strip()):
        raise BadInput(f"The demand letter must state its {name} in words.", field=field)
    if len(value) > _LONGEST_TEXT:
        raise BadInput(f"'{name}' is longer than {_LONGEST_TEXT:,} characters.", field=field)
    return value


def _moment(value: Any, told_at: dt.datetime, field: str) -> dt.datetime | None:
    if value is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(str(value))
    except ValueError:
        moment = dt.datetime.min
    if moment.tzinfo is None or not told_at <= moment < told_at + _WITHIN:
        raise BadInput(
            f"'{field.rpartition('.')[2]}' must be an RFC 3339 time with an offset, not before"
            f" the whistle ({told_at.isoformat()}) and within ten years of it.",
            field=field,
        )
    return moment.astimezone(dt.UTC)
