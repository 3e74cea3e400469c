"""Reads procedures from TOML and checks everything on load."""

from __future__ import annotations

import math
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from gridsvc.cases.procedures.model import Actor, Procedure, Requirement, Return, Step
from gridsvc.errors import BadFile

__all__ = ["load_procedure", "procedure"]

_FOLDER = Path(__file__).parent


@lru_cache
def procedure(name: str) -> Procedure:
    """The procedure of that name as the package ships it."""
    return load_procedure(_FOLDER / f"{name}.toml")


def load_procedure(path: Path) -> Procedure:
    """Read one procedure. Raises BadFile with the file, the line and the reason."""
    text = path.read_text(encoding="utf-8")
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadFile(f"{path.name}: {error}") from error

    def fault(entry: str, reason: str) -> BadFile:
        line = next(
            (i for i, row in enumerate(text.splitlines(), 1) if row.strip() == f'name = "{entry}"'),
            1,
        )
        return BadFile(f"{path.name}, line {line}: {entry}: {reason}")

    name = raw.get("name", path.stem)
    missing = {"name", "version", "title", "title_zh", "source", "steps"} - raw.keys()
    if missing:
        raise fault(name, f"the procedure lacks {', '.join(sorted(missing))}")
    steps = tuple(_step(entry, fault) for entry in raw["steps"])
    names = [step.name for step in steps]
    _check_steps(name, steps, fault)
    returns = tuple(_return(entry, names, fault) for entry in raw.get("returns", []))
    taken = [*names, *(back.name for back in returns)]
    for back in returns:
        if taken.count(back.name) > 1:
            raise fault(back.name, "a step or another return has this name too")
    return Procedure(
        name=name,
        version=raw["version"],
        title=raw["title"],
        title_zh=raw["title_zh"],
        source=raw["source"],
        steps=steps,
        returns=returns,
    )


def _check_steps(name: str, steps: tuple[Step, ...], fault: Any) -> None:
    """Every step can be reached and is somebody's; the last one, and it alone, closes."""
    if all(step.by is Actor.SYSTEM for step in steps):
        raise fault(name, "it has no steps that anybody but the system takes")
    names = [step.name for step in steps]
    for step in steps:
        if names.count(step.name) > 1:
            raise fault(step.name, "two steps have this name; the later one could not be reached")
        if step.by is not Actor.SYSTEM and step.limit_hours is None:
            raise fault(step.name, "a step that somebody takes needs limit_hours")
        if step.closes != (step is steps[-1]):
            raise fault(step.name, "the last step, and no other, must have closes = true")
    if steps[-1].by is Actor.SYSTEM:
        raise fault(steps[-1].name, "the last step is somebody's, not the system's")
    repeating = [step.name for step in steps if step.repeats]
    if len(repeating) > 1:
        raise fault(repeating[1], "a procedure has at most one step that repeats")


def _check_keys(
    entry: dict[str, Any], kind: str, required: set[str], optional: set[str], fault: Any
) -> None:
    for key in ("name", *sorted(required)):
        if key not in entry:
            raise fault(entry.get("name", "?"), f"the {kind} lacks '{key}'")
    unknown = entry.keys() - required - optional - {"name"}
    if unknown:
        raise fault(entry["name"], f"unknown keys: {', '.join(sorted(unknown))}")


def _actor(entry: dict[str, Any], fault: Any) -> Actor:
    try:
        return Actor(str(entry.get("by")))
    except ValueError:
        known = ", ".join(actor.value for actor in Actor)
        raise fault(
            entry["name"], f"'by' is {entry.get('by')!r}; it must be one of {known}"
        ) from None


def _step(entry: dict[str, Any], fault: Any) -> Step:
    optional = {"by", "needs", "requires", "limit_hours", "repeats", "closes"}
    _check_keys(entry, "step", {"title", "title_zh"}, optional, fault)
    limit = entry.get("limit_hours")
    if limit is not None and (type(limit) not in (int, float) or not 0 < limit < math.inf):
        raise fault(entry["name"], f"limit_hours is {limit!r}; it must be a number above 0")
    try:
        requires = tuple(Requirement(item) for item in entry.get("requires", []))
    except ValueError as error:
        raise fault(entry["name"], f"unknown requirement: {error}") from None
    return Step(
        name=entry["name"],
        title=entry["title"],
        title_zh=entry["title_zh"],
        by=_actor(entry, fault),
        needs=tuple(entry.get("needs", [])),
        requires=requires,
        limit_hours=limit,
        repeats=entry.get("repeats", False),
        closes=entry.get("closes", False),
    )


def _return(entry: dict[str, Any], steps: list[str], fault: Any) -> Return:
    required = {"title", "title_zh", "from", "to"}
    _check_keys(entry, "return", required, {"by", "needs"}, fault)
    source, target = entry["from"], entry["to"]
    if source not in steps or target not in steps:
        raise fault(entry["name"], f"goes from {source!r} to {target!r}, which are not both steps")
    if steps.index(target) >= steps.index(source):
        raise fault(entry["name"], f"'{target}' does not come before '{source}'")
    return Return(
        name=entry["name"],
        title=entry["title"],
        title_zh=entry["title_zh"],
        source=source,
        target=target,
        by=_actor(entry, fault),
        needs=tuple(entry.get("needs", [])),
    )
