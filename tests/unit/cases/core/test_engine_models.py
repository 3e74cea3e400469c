"""Random legal and illegal steps: the engine agrees with small models told by hand.

The case that is checked before it is filed has people at every stage, a return and a rework; the
dual dispatch has two bodies that each take the step.
"""

from __future__ import annotations

import datetime as dt
from contextlib import suppress

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gridsvc.cases.core.engine import COMMAND, SUPERVISION, go_back, open_steps, take
from gridsvc.cases.core.progress import Progress, Summoned, begin
from gridsvc.errors import BadInput, NotAllowed, StepRefused
from tests.cities import city

CHECKED, DUAL = city().procedures.of("checked"), city().procedures.of("dual")
FIRST, SECOND = "110102-A", "110102-B"
ACTORS = ("anna", "bo", "chen")
REFUSED = (StepRefused, NotAllowed, BadInput)

STEPS = ("file", "dispatch", "handle", "feed_back", "verify", "assess")
WHOLE = {
    "file": {"pre_filing_check": "true"},
    "dispatch": {},
    "handle": {"note": "done"},
    "feed_back": {"note": "done"},
    "verify": {"closing_check": "agrees", "note": "seen"},
    "assess": {"score": 80},
    "refuse": {"note": "not ours", "responsible_now": SECOND, "clause": "6.2"},
    "rework": {"note": "again"},
}


class CheckedCase(RuleBasedStateMachine):
    """The seven stages: at which it stands, who leads, and on which side each person has acted."""

    @initialize()
    def opened(self) -> None:
        self.progress = begin(CHECKED, lead=FIRST)
        self.place, self.lead, self.returned, self.closed = 0, FIRST, False, False
        self.ruled = False
        self.handlers: set[str] = set()
        self.checkers: set[str] = set()

    def allows(self, step: str, party: str, actor: str, carried: bool, to: str | None) -> bool:
        if self.closed:
            return False
        at = {"refuse": "handle", "rework": "verify"}.get(step, step)
        if STEPS[self.place] != at or (step == "refuse" and self.ruled):
            return False
        by = {"file": SUPERVISION, "verify": SUPERVISION, "assess": SUPERVISION}
        by |= {"rework": SUPERVISION, "dispatch": COMMAND}
        if party != by.get(step, self.lead):
            return False
        if actor in (self.handlers if party == SUPERVISION else self.checkers):
            return False
        if step == "dispatch":
            return not self.returned or (to is not None and carried)
        return carried

    @rule(
        step=st.sampled_from((*STEPS, "refuse", "rework")),
        party=st.sampled_from((SUPERVISION, COMMAND, FIRST, SECOND)),
        actor=st.sampled_from(ACTORS),
        carried=st.booleans(),
        to=st.sampled_from((None, FIRST, SECOND)),
    )
    def any_step(self, step: str, party: str, actor: str, carried: bool, to: str | None) -> None:
        self.attempt(step, party, actor, carried, to)

    @rule(
        way=st.sampled_from(("on", "on", "on", "back")),
        actor=st.sampled_from(ACTORS),
        to=st.sampled_from((FIRST, SECOND)),
    )
    def due_step(self, way: str, actor: str, to: str) -> None:
        """Mostly legal, so that runs come to the end."""
        step = STEPS[self.place]
        if way == "back":
            step = {"handle": "refuse", "verify": "rework"}.get(step, step)
        side = {"handle": self.lead, "feed_back": self.lead, "refuse": self.lead}
        party = side.get(step, COMMAND if step == "dispatch" else SUPERVISION)
        self.attempt(step, party, actor, True, to)

    def attempt(self, step: str, party: str, actor: str, carried: bool, to: str | None) -> None:
        evidence = dict(WHOLE[step]) if carried else {}
        if step == "dispatch":
            evidence |= {"note": "why"} if carried else {}
            evidence |= {"to": to} if to else {}
        expected = self.allows(step, party, actor, carried, to)
        act = go_back if step in ("refuse", "rework") else take
        after: Progress | None = None
        with suppress(*REFUSED):
            after = act(CHECKED, self.progress, step, party=party, evidence=evidence, actor=actor)
        assert (after is not None) == expected, f"{step} by {party} ({actor}) at {self.place}"
        if after is None:
            return
        self.progress = after
        (self.checkers if party == SUPERVISION else self.handlers).add(actor)
        if step == "refuse":
            self.place, self.returned = STEPS.index("dispatch"), True
        elif step == "rework":
            self.place = STEPS.index("handle")
        elif step == "assess":
            self.closed = True
        else:
            if step == "dispatch":
                self.ruled = self.ruled or self.returned
                self.lead, self.returned = to or self.lead, False
            self.place += 1

    @invariant()
    def it_stands_where_the_model_says(self) -> None:
        assert self.progress.closed == self.closed
        assert (self.progress.step, self.progress.lead) == (STEPS[self.place], self.lead)
        assert (self.progress.returned, self.progress.ruled) == (self.returned, self.ruled)

    @invariant()
    def nobody_is_on_both_sides_of_supervision(self) -> None:
        assert not set(self.progress.handlers) & set(self.progress.checkers)

    @invariant()
    def a_returned_case_can_only_be_sent_on_or_returned(self) -> None:
        if self.progress.returned:
            assert [step.name for step in open_steps(CHECKED, self.progress)] == ["dispatch"]

    @invariant()
    def it_survives_being_kept(self) -> None:
        assert Progress.from_json(self.progress.to_json()) == self.progress


class DualDispatch(RuleBasedStateMachine):
    """Two bodies, each of which hands in once; scored when both have, sent back to both."""

    @initialize()
    def dispatched(self) -> None:
        since = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
        progress = begin(DUAL, lead=FIRST)
        progress = take(
            DUAL, progress, "dispatch", party=FIRST, evidence={"bodies": [SECOND]}, actor="anna"
        )
        called = tuple(Summoned(body, since) for body in (FIRST, SECOND))
        self.progress = Progress.from_json(
            progress.to_json() | {"called": [each.to_json() for each in called]}
        )
        self.done: set[str] = set()
        self.closed = False

    @rule(
        step=st.sampled_from(("handle", "handle", "assess", "rework", "dispatch")),
        party=st.sampled_from((FIRST, SECOND, "110102-C", SUPERVISION, COMMAND)),
        scores=st.sampled_from(
            (
                {FIRST: 90, SECOND: 0},
                {FIRST: 90},
                {FIRST: 90, SECOND: 101},
                {FIRST: 90, SECOND: 1, "110102-C": 1},
                {},
            )
        ),
    )
    def any_step(self, step: str, party: str, scores: dict[str, int]) -> None:
        evidence = {"note": "x", "bodies": [SECOND], "scores": scores}
        both = self.done == {FIRST, SECOND}
        expected = not self.closed and (
            (step == "handle" and not both and party in {FIRST, SECOND} - self.done)
            or (step == "rework" and both and party == SUPERVISION)
            or (
                step == "assess"
                and both
                and party == SUPERVISION
                and scores == {FIRST: 90, SECOND: 0}
            )
        )
        act = go_back if step == "rework" else take
        after: Progress | None = None
        with suppress(*REFUSED):
            after = act(DUAL, self.progress, step, party=party, evidence=evidence)
        assert (after is not None) == expected, f"{step} by {party} after {self.done}"
        if after is None:
            return
        self.progress = after
        if step == "handle":
            self.done.add(party)
        elif step == "rework":
            self.done = set()
        else:
            self.closed = True

    @invariant()
    def it_closes_when_both_are_done_and_both_are_scored(self) -> None:
        assert self.progress.closed == self.closed
        if self.progress.closed:
            assert {each.body: each.score for each in self.progress.called} == {
                FIRST: 90,
                SECOND: 0,
            }
        else:
            assert (self.progress.step == "assess") == (self.done == {FIRST, SECOND})


_RUNS = settings(max_examples=80, stateful_step_count=40, deadline=None, derandomize=True)
CheckedCase.TestCase.settings = _RUNS
DualDispatch.TestCase.settings = _RUNS
test_the_engine_agrees_with_a_model_of_the_checked_case = CheckedCase.TestCase
test_the_engine_agrees_with_a_model_of_the_dual_dispatch = DualDispatch.TestCase
