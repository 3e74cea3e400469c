"""Every state that a case of any shipped procedure can come to, searched without a gap.

A state is a procedure and a progress. What the database would know of a whistle's bodies is taken
for granted here; `tests/service/test_every_case_closes.py` plays it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from gridsvc.cases.core.engine import (
    COMMAND,
    REPORTER,
    SUPERVISION,
    go_back,
    not_called,
    open_steps,
    parties,
    side_act_at,
    take,
    with_word,
    without,
)
from gridsvc.cases.core.evidence_needs import PERSON, needs_of
from gridsvc.cases.core.opening import take_seats
from gridsvc.cases.core.progress import (
    Progress,
    begin,
    carried_over,
    course_of,
    present_step,
)
from gridsvc.cases.core.summons import summoned
from gridsvc.city.procedures.model import (
    EACH,
    Actor,
    Callee,
    Follows,
    Procedure,
    Requirement,
    Return,
    SideAct,
    Step,
)
from gridsvc.errors import BadInput, NotAllowed, StepRefused
from tests.cities import city

LIBRARY = city().procedures
EVERY = sorted(LIBRARY.procedures)
NEWEST = [one for one in EVERY if LIBRARY.newest(one[0]).version == one[1]]
STREET, OTHER, COMMUNITY = "110102020", "110106002", "110102020001"
FIRST, SECOND, BUILDER = "110102-FIRST", "110102-SECOND", "110102-BUILDER"
SOMEBODY = f"{PERSON}somebody"
EVERYBODY = (
    *(STREET, OTHER, COMMUNITY, FIRST, SECOND, BUILDER, SOMEBODY),
    *(SUPERVISION, COMMAND, REPORTER),
)
SINCE = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
REFUSED = (StepRefused, NotAllowed, BadInput)
#: What a step may carry, and each of the values that lead elsewhere.
GIVEN: dict[str, list[Any]] = {
    "bodies": [[FIRST, SECOND]],
    "who": [[FIRST], [SOMEBODY]],
    "to": [STREET, OTHER],
    "score": [80],
    "enterprise": [BUILDER],
    "leader": [BUILDER],
    "responsible_now": [OTHER],
}


@dataclass(frozen=True)
class State:
    """A procedure, by name and version, and where a case of it stands."""

    procedure: tuple[str, int]
    progress: Progress

    @property
    def rules(self) -> Procedure:
        return LIBRARY.get(*self.procedure)

    def at(self, progress: Progress) -> State:
        """The state without what only counts up: it decides nothing but whether it is 0."""
        refused_by = tuple(sorted(set(progress.refused_by)))
        once = replace(progress, repeats=min(progress.repeats, 1), refused_by=refused_by)
        return State(self.procedure, once)


@dataclass(frozen=True)
class Move:
    """An act that was taken, by whom, without whom, and where it led."""

    name: str
    by: str
    to: State


def opening(procedure: Procedure) -> State:
    """A case as the service opens it in a street whose community has a body."""
    other = OTHER if procedure.two_sides else None
    progress = replace(begin(procedure, lead=STREET, other=other), reporter="a token")
    for role, body in ((Actor.TERRITORY, STREET), (Actor.COMMUNITY, COMMUNITY)):
        progress = progress.seated(role, body)
    key = (procedure.name, procedure.version)
    return State(key, called_before(procedure, take_seats(procedure, progress)))


def called_before(procedure: Procedure, progress: Progress) -> Progress:
    """What the service's own first steps have called."""
    for step in procedure.summoning_steps(None, progress.step):
        progress = called(step, progress, {})
    return progress


def called(step: Step, progress: Progress, evidence: dict[str, Any]) -> Progress:
    """The progress with the bodies that a step calls, as the register would give them."""
    whom: dict[Callee, Any] = {
        Callee.NAMED: evidence.get("bodies", []),
        Callee.CITY_UNITS: evidence.get("bodies", []),
        Callee.OFFICES: evidence.get("bodies", []),
        Callee.ASSISTANTS: [],
        Callee.LEAD: [progress.lead],
        Callee.GRID_BODIES: [STREET, FIRST, SECOND],
        Callee.TERRITORY: [progress.seat(Actor.TERRITORY)],
        Callee.COMMUNITY: [progress.seat(Actor.COMMUNITY)],
    }
    return summoned(progress, step, lambda call: whom[call.who], at=SINCE)[0]


def evidence_for(step: Step | Return, progress: Progress) -> Iterator[dict[str, Any]]:
    """Whole evidence for a step, once for each value that leads elsewhere."""
    whole: dict[str, Any] = dict.fromkeys(needs_of(step, progress), "given") | {"note": "given"}
    if "scores" in whole:
        whole["scores"] = {one.body: one.score or 0 for one in progress.called}
    if "reasons" in whole:
        whole["reasons"] = dict.fromkeys(progress.silent, "away")
    if isinstance(step, Step):
        whole |= {name: values[0] for name, values in step.choices.items()}
        for verdict in step.verdicts:
            own = {step.verdict_in: verdict.name} | dict.fromkeys(verdict.carries, "given")
            yield from _each(whole | own)
    if not isinstance(step, Step) or step.verdict_in not in step.needs:
        yield from _each(whole)


def _each(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    ways = [whole]
    for name, values in GIVEN.items():
        if name in whole:
            ways = [way | {name: value} for way in ways for value in values]
    yield from ways


def moves(state: State) -> Iterator[Move]:
    """Everything that anybody can do in a state."""
    procedure, progress = state.rules, state.progress
    for party in EVERYBODY:
        for step in (*procedure.steps, *procedure.returns):
            for evidence in evidence_for(step, progress):
                with suppress(*REFUSED):
                    yield Move(step.name, party, after(state, step, party, evidence))
        for name in procedure.acts:
            with suppress(*REFUSED):
                yield from beside(state, name, party)


def after(state: State, step: Step | Return, party: str, evidence: dict[str, Any]) -> State:
    """The state after a step, or after what follows its verdict."""
    procedure, progress = state.rules, state.progress
    if isinstance(step, Return):
        back = go_back(procedure, progress, step.name, party=party, evidence=evidence)
        # A procedure whose refusal no person receives sends it on to whom it names.
        on = evidence.get("responsible_now") if step.refuses and not back.returned else None
        return state.at(replace(back, lead=on or back.lead))
    verdict = step.verdict(evidence.get(step.verdict_in))
    follows = Follows.GO_ON if verdict is None else verdict.follows
    if follows is Follows.REWORK:
        (way,) = (one for one in procedure.returns if one.source == step.name and not one.refuses)
        return after(state, way, party, evidence)
    every = frozenset(Requirement)
    taken = take(procedure, progress, step.name, party=party, evidence=evidence, met=every)
    if follows is Follows.HOLD:
        return state
    if follows is not Follows.GO_ON:
        return state.at(replace(progress, closed=True))
    return state.at(called(step, taken, evidence))


def beside(state: State, name: str, party: str) -> Iterator[Move]:
    """What follows an act beside the steps: only these four lead to another state."""
    procedure, progress = state.rules, state.progress
    act = side_act_at(procedure, progress, name, party)
    if name == "say":
        yield Move(name, party, state.at(with_word(progress, party)))
    elif name == "absent":
        for body in absentees(procedure, progress):
            yield Move(name, party, state.at(without(procedure, progress, body)))
    elif name == "not_ours":
        with suppress(*REFUSED):
            yield Move(name, party, state.at(not_called(procedure, progress, party)))
    elif name == "raise":
        yield Move(name, party, raised(act, progress))


def absentees(procedure: Procedure, progress: Progress) -> list[str]:
    """Those without whom the present step may go on."""
    return [one.body for one in progress.waits_for()]


def raised(act: SideAct, before: Progress) -> State:
    target = LIBRARY.newest(act.to)
    up = take_seats(target, carried_over(begin(target, lead=before.lead), before))
    key = (target.name, target.version)
    return State(key, up).at(called_before(target, up))


@cache
def searched(name: str, version: int) -> dict[State, list[Move]]:
    """Every state that a case of a procedure comes to, and what leads on from each."""
    first = opening(LIBRARY.get(name, version))
    found: dict[State, list[Move]] = {}
    todo = [first]
    while todo:
        state = todo.pop()
        if state not in found:
            found[state] = list(moves(state))
            todo += [move.to for move in found[state]]
    return found


def stuck(found: dict[State, list[Move]], *, without_: str | None = None) -> list[State]:
    """The states from which no way leads to the end, also where somebody does nothing."""
    back: dict[State, list[State]] = defaultdict(list)
    for state, ways in found.items():
        for move in ways:
            if move.by != without_:
                back[move.to].append(state)
    ends = todo = {state for state in found if state.progress.closed}
    while todo:
        todo = {before for state in todo for before in back[state]} - ends
        ends = ends | todo
    return [state for state in found if state not in ends]


@pytest.mark.parametrize(("name", "version"), EVERY)
def test_from_every_state_a_way_leads_to_the_end(name, version):
    found = searched(name, version)
    assert len(found) > 2
    assert stuck(found) == []


@pytest.mark.parametrize(("name", "version"), NEWEST)
@pytest.mark.parametrize("away", [FIRST, SECOND, REPORTER, SOMEBODY])
def test_who_never_comes_holds_no_case_up(name, version, away):
    assert stuck(searched(name, version), without_=away) == []


@pytest.mark.parametrize(("name", "version"), EVERY)
def test_every_open_state_has_a_limit_and_somebody_who_holds_it(name, version):
    for state in searched(name, version):
        procedure, progress = state.rules, state.progress
        if progress.closed:
            assert open_steps(procedure, progress) == ()
            continue
        step = present_step(procedure, progress)
        assert course_of(step, since=SINCE, opened_at=SINCE, grade=None) is not None, state
        holders = parties(progress, step.by)
        if step.by in EACH:
            holders = tuple(one for one in holders if one not in progress.taken_by)
        assert holders, state
        assert set(holders) <= set(EVERYBODY), state


@pytest.mark.parametrize(("name", "version"), EVERY)
def test_nobody_does_what_is_anothers(name, version):
    for state, ways in searched(name, version).items():
        procedure, progress = state.rules, state.progress
        mine = {
            step.name: set(parties(progress, step.by)) for step in open_steps(procedure, progress)
        }
        mine |= {
            act: set(parties(progress, one.by))
            for act, one in procedure.acts.items()
            if progress.step in one.at and not progress.closed
        }
        for move in ways:
            assert move.by in mine.get(move.name, set()), (state, move)
