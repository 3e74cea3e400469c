"""Reads a procedure from TOML: every key of it known, every value of the right kind."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from gridsvc.callers import Role
from gridsvc.city.calendar import Clock, Limit
from gridsvc.city.procedures.checks import check_procedure
from gridsvc.city.procedures.model import (
    SEATS,
    Actor,
    Callee,
    Follows,
    Procedure,
    Requirement,
    Return,
    Scored,
    Seat,
    SideAct,
    Step,
    Summons,
    Verdict,
)
from gridsvc.city.procedures.procedure_file import ProcedureFile
from gridsvc.errors import BadFile

_Kind = TypeVar("_Kind", bound=StrEnum)
_HEAD = {"name", "version", "title", "title_zh", "source", "steps"}
_HEAD_OPTIONAL = {"returns", "seats", "opened_by", "merges", "two_sides", "acts"}
_HEAD_OPTIONAL |= {"level", "after_the_fact_hours"}
_STEP_OPTIONAL = {
    *("by", "needs", "choices", "requires", "limit_hours", "clock", "graded", "from_opening"),
    *("calls", "blows", "names", "scores", "sends_on", "on_return", "optional", "repeats"),
    *("closes", "answers", "verdict_in", "verdicts", "on_spot", "names_who", "hears_all"),
}
#: No limit is longer, in hours: ten years.
_LONGEST_HOURS = 87_600


def load_procedure(path: Path) -> Procedure:
    """Read one procedure and check it. Raises BadFile with the file, the line and the reason."""
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except UnicodeDecodeError:
        raise BadFile(f"{path.name} is not UTF-8 text; save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise BadFile(f"{path.name}: {error}") from error
    return _Reader(ProcedureFile(path.name, text), raw).procedure()


class _Reader:
    """One file on its way to a procedure."""

    def __init__(self, source: ProcedureFile, raw: dict[str, Any]) -> None:
        self._source = source
        self._raw = raw

    def procedure(self) -> Procedure:
        raw = self._raw
        if missing := _HEAD - raw.keys():
            raise self._fault("", 0, f"the procedure lacks {', '.join(sorted(missing))}")
        if unknown := raw.keys() - _HEAD - _HEAD_OPTIONAL:
            raise self._fault("", 0, f"unknown keys: {', '.join(sorted(unknown))}")
        if type(raw["version"]) is not int or raw["version"] < 1:
            raise self._fault("", 0, "the version must be a whole number from 1", key="version")
        for key in ("name", "title", "title_zh", "source"):
            if not isinstance(raw[key], str) or not raw[key]:
                raise self._fault("", 0, f"'{key}' must be text", key=key)
        found = Procedure(
            name=raw["name"],
            version=raw["version"],
            title=raw["title"],
            title_zh=raw["title_zh"],
            source=raw["source"],
            steps=tuple(self._step(n, entry) for n, entry in enumerate(self._tables("steps"))),
            returns=tuple(
                self._return(n, entry) for n, entry in enumerate(self._tables("returns"))
            ),
            seats=self._seats(),
            opened_by=frozenset(
                self._one(Role, role, "", 0, "opened_by") for role in raw.get("opened_by", [])
            ),
            merges=self._flag(raw, "merges", "", 0, default=True),
            two_sides=self._flag(raw, "two_sides", "", 0),
            level=self._level(),
            after_the_fact_hours=self._after_the_fact(),
            acts=self._acts(),
        )
        check_procedure(found, self._source)
        return found

    def _fault(self, table: str, n: int, reason: str, *, key: str = "name") -> BadFile:
        return self._source.fault(table, n, reason, key=key)

    def _tables(self, kind: str) -> list[dict[str, Any]]:
        entries = self._raw.get(kind, [])
        if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
            raise self._fault("", 0, f"'{kind}' must be tables, [[{kind}]]", key=kind)
        return entries

    def _check_keys(
        self, table: str, n: int, entry: Mapping[str, Any], must: set[str], may: set[str]
    ) -> None:
        label = entry.get("name", "it")
        for key in sorted(must):
            if not isinstance(entry.get(key), str) or not entry[key]:
                raise self._fault(table, n, f"{label}: it lacks '{key}', a text", key=key)
        if unknown := sorted(entry.keys() - must - may):
            reason = f"{label}: unknown keys: {', '.join(unknown)}"
            raise self._fault(table, n, reason, key=unknown[0])

    def _step(self, n: int, entry: dict[str, Any]) -> Step:
        self._check_keys("steps", n, entry, {"name", "title", "title_zh"}, _STEP_OPTIONAL)
        scores = entry.get("scores")
        return Step(
            name=entry["name"],
            title=entry["title"],
            title_zh=entry["title_zh"],
            by=self._one(Actor, entry.get("by"), "steps", n, "by"),
            needs=self._texts(entry, "needs", "steps", n),
            choices=self._choices(n, entry),
            requires=tuple(
                self._one(Requirement, item, "steps", n, "requires")
                for item in entry.get("requires", [])
            ),
            limit=self._limit(entry, "steps", n),
            graded=self._flag(entry, "graded", "steps", n),
            from_opening=self._flag(entry, "from_opening", "steps", n),
            calls=tuple(self._call(n, call) for call in entry.get("calls", [])),
            blows=self._flag(entry, "blows", "steps", n),
            names=tuple(
                self._one(Actor, item, "steps", n, "names", among=SEATS)
                for item in entry.get("names", [])
            ),
            scores=None if scores is None else self._one(Scored, scores, "steps", n, "scores"),
            sends_on=self._flag(entry, "sends_on", "steps", n),
            on_return=self._flag(entry, "on_return", "steps", n),
            names_who=self._flag(entry, "names_who", "steps", n),
            hears_all=self._flag(entry, "hears_all", "steps", n),
            optional=self._flag(entry, "optional", "steps", n),
            repeats=self._flag(entry, "repeats", "steps", n),
            closes=self._flag(entry, "closes", "steps", n),
            answers=self._flag(entry, "answers", "steps", n),
            verdict_in=self._text(entry, "verdict_in", n),
            verdicts=tuple(self._verdict(n, one) for one in entry.get("verdicts", [])),
            on_spot=self._flag(entry, "on_spot", "steps", n),
        )

    def _return(self, n: int, entry: dict[str, Any]) -> Return:
        must = {"name", "title", "title_zh", "from", "to"}
        self._check_keys("returns", n, entry, must, {"by", "needs", "refuses"})
        return Return(
            name=entry["name"],
            title=entry["title"],
            title_zh=entry["title_zh"],
            source=entry["from"],
            target=entry["to"],
            by=self._one(Actor, entry.get("by"), "returns", n, "by"),
            needs=self._texts(entry, "needs", "returns", n),
            refuses=self._flag(entry, "refuses", "returns", n),
        )

    def _verdict(self, n: int, one: Any) -> Verdict:
        keys = {"verdict", "title", "title_zh", "follows"}
        if not isinstance(one, dict) or one.keys() - {"needs"} != keys:
            reason = (
                "a verdict is {verdict = ..., title = ..., title_zh = ..., follows = ...}, and may"
                " have needs"
            )
            raise self._fault("steps", n, reason, key="verdicts")
        return Verdict(
            name=self._text(one, "verdict", n),
            title=self._text(one, "title", n),
            title_zh=self._text(one, "title_zh", n),
            follows=self._one(Follows, one["follows"], "steps", n, "verdicts"),
            needs=self._texts(one, "needs", "steps", n, key="verdicts"),
        )

    def _text(self, entry: Mapping[str, Any], name: str, n: int) -> str:
        value = entry.get(name, "")
        if not isinstance(value, str):
            raise self._fault("steps", n, f"'{name}' must be text", key=name)
        return value

    def _call(self, n: int, call: Any) -> Summons:
        if not isinstance(call, dict) or not call.keys() <= {"who", "limit_hours", "clock"}:
            reason = "a call is {who = ...}, and may have limit_hours and clock"
            raise self._fault("steps", n, reason, key="calls")
        who = self._one(Callee, call.get("who"), "steps", n, "calls")
        return Summons(who, self._limit(call, "steps", n))

    def _limit(self, entry: Mapping[str, Any], table: str, n: int) -> Limit | None:
        hours = entry.get("limit_hours")
        clock = self._one(Clock, entry.get("clock", "calendar"), table, n, "clock")
        if hours is None:
            if "clock" in entry:
                raise self._fault(table, n, "a clock needs limit_hours", key="clock")
            return None
        if type(hours) not in (int, float) or not 0 < hours <= _LONGEST_HOURS:
            reason = (
                f"limit_hours is {hours!r}; it must be a number above 0, {_LONGEST_HOURS} at most"
            )
            raise self._fault(table, n, reason, key="limit_hours")
        return Limit(hours, clock)

    def _choices(self, n: int, entry: dict[str, Any]) -> dict[str, tuple[str, ...]]:
        given = entry.get("choices", {})
        if not isinstance(given, dict):
            raise self._fault("steps", n, "'choices' is {evidence = [values]}", key="choices")
        return {name: self._texts(given, name, "steps", n, key="choices") for name in given}

    def _seats(self) -> dict[Actor, Seat]:
        given = self._raw.get("seats", {"lead": "responsible"})
        if not isinstance(given, dict) or "lead" not in given:
            raise self._fault("seats", 0, "the seats must name who is the lead", key="lead")
        roles = SEATS | {Actor.LEAD}
        return {
            self._one(Actor, role, "seats", 0, role, among=roles): self._one(
                Seat, seat, "seats", 0, role
            )
            for role, seat in given.items()
        }

    def _level(self) -> int | None:
        level = self._raw.get("level")
        if level is not None and (type(level) is not int or not 1 <= level <= 4):
            raise self._fault("", 0, "a whistle's level is 1 to 4", key="level")
        return level

    def _after_the_fact(self) -> float:
        hours = self._raw.get("after_the_fact_hours", 0)
        if type(hours) not in (int, float) or not 0 <= hours <= _LONGEST_HOURS:
            reason = f"after_the_fact_hours is {hours!r}; it must be a number, 0 for not at all"
            raise self._fault("", 0, reason, key="after_the_fact_hours")
        return float(hours)

    def _acts(self) -> dict[str, SideAct]:
        given = self._raw.get("acts", {})
        known: dict[str, set[str]] = {
            "suspend": {"within_days"},
            "extend": {"times"},
            "raise": {"to"},
            "say": set(),
            "absent": set(),
            "not_ours": set(),
        }
        acts = {}
        for name, entry in given.items():
            table = f"acts.{name}"
            if name not in known or not isinstance(entry, dict):
                raise self._fault(table, 0, f"'{name}' is not one of {', '.join(known)}")
            self._check_keys(table, 0, entry, {"by"}, {"at"} | known[name])
            if missing := (known[name] | {"at"}) - entry.keys():
                raise self._fault(table, 0, f"{name}: it lacks {', '.join(sorted(missing))}")
            acts[name] = SideAct(
                by=self._one(Actor, entry["by"], table, 0, "by"),
                at=self._texts(entry, "at", table, 0),
                times=entry.get("times", 1),
                within_days=entry.get("within_days", 0),
                to=entry.get("to", ""),
            )
        return acts

    def _texts(
        self, entry: Mapping[str, Any], name: str, table: str, n: int, *, key: str | None = None
    ) -> tuple[str, ...]:
        values = entry.get(name, [])
        if not isinstance(values, list) or not all(isinstance(v, str) and v for v in values):
            raise self._fault(table, n, f"'{name}' must be a list of texts", key=key or name)
        return tuple(values)

    def _flag(
        self, entry: Mapping[str, Any], name: str, table: str, n: int, *, default: bool = False
    ) -> bool:
        value = entry.get(name, default)
        if not isinstance(value, bool):
            raise self._fault(table, n, f"'{name}' must be true or false", key=name)
        return value

    def _one(
        self,
        kind: type[_Kind],
        value: Any,
        table: str,
        n: int,
        key: str,
        *,
        among: Collection[_Kind] | None = None,
    ) -> _Kind:
        known = [item for item in kind if among is None or item in among]
        for item in known:
            if value == item.value:
                return item
        names = ", ".join(item.value for item in known)
        raise self._fault(table, n, f"'{key}' is {value!r}; it must be one of {names}", key=key)
