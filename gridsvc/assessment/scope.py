"""What a count looks at: the period, the moment of asking, the districts, the names of steps."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from gridsvc.assessment.period import Period
from gridsvc.city.procedures.model import Actor, Library


@dataclass(frozen=True, slots=True)
class StepNames:
    """Steps of all procedures in all versions, by what they mean for a count.

    ``refusals`` send a case back as not ours, ``returns`` are those and all other returns: they
    are told by name alone, for a case may be raised to another procedure. Steps that may be taken
    again without being rework are those in ``repeating`` by name, and in ``repeating_in`` by
    (procedure, version, step), where the name does not repeat everywhere. ``unfiled`` are the steps
    (procedure, version, step) before a case is filed.
    """

    refusals: tuple[str, ...]
    returns: tuple[str, ...]
    repeating: tuple[str, ...]
    repeating_in: tuple[tuple[str, int, str], ...]
    unfiled: tuple[tuple[str, int, str], ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """One assessment's question.

    ``districts`` are looked at, a ``street`` alone where one is given. ``report_in_minutes`` is how
    long before its limit the appointment of a joint whistle lies. ``standard`` is the class list
    whose classes are named by their code alone. ``by_unit`` are the spans of time, each from a
    moment to before another, in whose cases response is whether the unit contacted the citizen.
    """

    period: Period
    now: dt.datetime
    districts: tuple[str, ...]
    steps: StepNames
    report_in_minutes: float
    standard: str
    by_unit: tuple[tuple[dt.datetime, dt.datetime], ...]
    street: str | None = None


def step_names(library: Library) -> StepNames:
    """The steps of a library by their meaning."""
    every = library.procedures.values()
    backs = [back for one in every for back in one.returns]
    unfiled = []
    for one in every:
        file = one.step("file")
        if file is not None and file.by is not Actor.SYSTEM:
            before = one.steps[: one.index("file") + 1]
            unfiled += [
                (one.name, one.version, step.name) for step in before if step.by != Actor.SYSTEM
            ]
    steps = [(one, step) for one in every for step in one.steps]
    once = {step.name for _, step in steps if not step.repeats}
    again = [(one, step) for one, step in steps if step.repeats]
    return StepNames(
        refusals=tuple(sorted({back.name for back in backs if back.refuses})),
        returns=tuple(sorted({back.name for back in backs})),
        repeating=tuple(sorted({step.name for _, step in again} - once)),
        repeating_in=tuple(
            sorted((one.name, one.version, s.name) for one, s in again if s.name in once)
        ),
        unfiled=tuple(sorted(unfiled)),
    )
