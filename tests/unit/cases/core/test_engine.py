"""The engine against a small model of the joint and the ordinary procedure."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gridsvc.cases.core.engine import SUPERVISION, go_back, open_steps, parties, take
from gridsvc.cases.core.progress import Progress, begin
from gridsvc.city.procedures.model import Actor, Requirement
from gridsvc.errors import StepRefused
from tests.cities import city

LEAD, OTHER, STRANGER = "110102020", "110106002", "110108001"
JOINT, ORDINARY = city().procedures.of("joint"), city().procedures.of("ordinary")
ALL = frozenset(Requirement)
#: What each step of the joint whistle must carry: written here by hand, not read from the file.
NEEDS = {
    "receiving_meeting": "minutes",
    "whistle_other_side": "demand",
    "bring_departments": "departments",
    "agree_plan": "plan",
    "joint_action": "note",
    "close": "note",
}
ORDER = tuple(NEEDS)
BOTH = ("agree_plan", "close")


def whole(step: str) -> dict[str, str]:
    return {NEEDS[step]: "given"}


@dataclass
class Model:
    """The joint whistle told again in the simplest way: which (step, side) have happened."""

    happened: list[tuple[str, str]] = field(default_factory=list)

    def at(self, step: str) -> list[str]:
        return [who for what, who in self.happened if what == step]

    def complete(self, step: str) -> bool:
        if step in BOTH:
            return set(self.at(step)) == {LEAD, OTHER}
        return bool(self.at(step))

    def allows(self, step: str, who: str, met: frozenset[Requirement], carries: bool) -> bool:
        place = ORDER.index(step)
        if not all(self.complete(before) for before in ORDER[:place]):
            return False
        if any(self.at(later) for later in ORDER[place + 1 :]):
            return False
        wanted = {"receiving_meeting": {LEAD}, "whistle_other_side": {LEAD}}
        wanted["bring_departments"] = {OTHER}
        if who not in wanted.get(step, {LEAD, OTHER}):
            return False
        if step != "joint_action" and (self.complete(step) or who in self.at(step)):
            return False
        required = {
            "joint_action": {Requirement.SIDES_REPORTED_IN},
            "close": {Requirement.ALL_REPORTED_IN, Requirement.ALL_DONE, Requirement.ALL_SCORED},
        }
        return carries and required.get(step, set()) <= met


class JointWhistle(RuleBasedStateMachine):
    """Random steps, legal and illegal: the engine agrees with the model on every one."""

    @initialize()
    def blown(self) -> None:
        self.model = Model()
        self.progress = begin(JOINT, lead=LEAD, other=OTHER)

    @rule(
        step=st.sampled_from(ORDER),
        who=st.sampled_from((LEAD, OTHER, STRANGER, SUPERVISION)),
        met=st.one_of(st.just(ALL), st.frozensets(st.sampled_from(list(Requirement)))),
        carries=st.booleans(),
    )
    def any_step(self, step: str, who: str, met: frozenset[Requirement], carries: bool) -> None:
        self.attempt(step, who, met, carries)

    @rule(who=st.sampled_from((LEAD, OTHER)), met=st.sampled_from((ALL, ALL, frozenset())))
    def due_step(self, who: str, met: frozenset[Requirement]) -> None:
        """Mostly legal, so that runs come to the end."""
        due = [step for step in ORDER if not self.model.complete(step)]
        if due:
            self.attempt(due[0], who, met, True)

    def attempt(self, step: str, who: str, met: frozenset[Requirement], carries: bool) -> None:
        evidence = whole(step) if carries else {NEEDS[step]: ""}
        expected = self.model.allows(step, who, met, carries)
        after = None
        with suppress(StepRefused):
            after = take(JOINT, self.progress, step, party=who, evidence=evidence, met=met)
        assert (after is not None) == expected, f"{step} by {who} after {self.model.happened}"
        if after is not None:
            self.model.happened.append((step, who))
            self.progress = after

    @invariant()
    def the_steps_happened_in_their_order(self) -> None:
        places = [ORDER.index(step) for step, _ in self.model.happened]
        assert places == sorted(places)

    @invariant()
    def it_is_closed_when_both_sides_have_closed(self) -> None:
        assert self.progress.closed == self.model.complete("close")
        assert self.progress.repeats == len(self.model.at("joint_action"))

    @invariant()
    def what_is_said_to_be_due_is_allowed(self) -> None:
        for step in open_steps(JOINT, self.progress):
            for who in parties(self.progress, step.by):
                expected = who not in self.model.at(step.name) or step.name == "joint_action"
                assert self.model.allows(step.name, who, ALL, True) == expected

    @invariant()
    def it_survives_being_kept(self) -> None:
        assert Progress.from_json(self.progress.to_json()) == self.progress


JointWhistle.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, derandomize=True
)
test_the_engine_agrees_with_a_model_of_the_joint_whistle = JointWhistle.TestCase


def at(step: str) -> Progress:
    """A joint case at a step, everything before it taken."""
    progress = begin(JOINT, lead=LEAD, other=OTHER)
    for name in ORDER[: ORDER.index(step)]:
        definition = JOINT.step(name)
        assert definition is not None
        for who in parties(progress, definition.by):
            progress = take(JOINT, progress, name, party=who, evidence=whole(name), met=ALL)
            if definition.by is Actor.EITHER_SIDE:
                break
    return progress


def test_the_systems_own_steps_are_taken_at_once():
    assert begin(JOINT, lead=LEAD, other=OTHER).step == "receiving_meeting"
    assert begin(ORDINARY, lead=LEAD).step == "handle"


def test_a_refusal_names_the_due_step_and_who_takes_it():
    with pytest.raises(StepRefused) as refused:
        take(JOINT, at("bring_departments"), "close", party=LEAD, evidence=whole("close"), met=ALL)
    assert "cannot be taken before 'bring_departments'" in refused.value.detail
    assert refused.value.extra["due"] == [
        {"step": "bring_departments", "by": [OTHER], "needs": ["departments"]}
    ]


def test_a_step_that_was_taken_is_said_to_be_taken():
    with pytest.raises(StepRefused, match="'receiving_meeting' has already been taken"):
        take(
            JOINT,
            at("agree_plan"),
            "receiving_meeting",
            party=LEAD,
            evidence=whole("receiving_meeting"),
        )


def test_one_side_cannot_take_both_sides_step_twice():
    once = take(JOINT, at("agree_plan"), "agree_plan", party=LEAD, evidence=whole("agree_plan"))
    assert once.step == "agree_plan"
    with pytest.raises(StepRefused, match=f"it waits for {OTHER}"):
        take(JOINT, once, "agree_plan", party=LEAD, evidence=whole("agree_plan"))
    both = take(JOINT, once, "agree_plan", party=OTHER, evidence=whole("agree_plan"))
    assert both.step == "joint_action"


@pytest.mark.parametrize("absent", [Requirement.ALL_DONE, Requirement.ALL_SCORED])
def test_nobody_closes_before_every_requirement_holds(absent):
    progress = take(
        JOINT,
        at("joint_action"),
        "joint_action",
        party=LEAD,
        evidence=whole("joint_action"),
        met=ALL,
    )
    with pytest.raises(StepRefused) as refused:
        take(JOINT, progress, "close", party=LEAD, evidence=whole("close"), met=ALL - {absent})
    assert refused.value.extra["requirement"] == absent.value


def test_the_closing_cannot_replace_the_action_on_the_spot():
    with pytest.raises(StepRefused, match="cannot be taken before 'joint_action'"):
        take(JOINT, at("joint_action"), "close", party=LEAD, evidence=whole("close"), met=ALL)


def test_no_action_is_added_once_a_side_has_closed():
    progress = at("close")
    progress = take(JOINT, progress, "close", party=LEAD, evidence=whole("close"), met=ALL)
    with pytest.raises(StepRefused):
        take(
            JOINT,
            progress,
            "joint_action",
            party=OTHER,
            evidence=whole("joint_action"),
            met=ALL,
        )


def test_a_closed_case_takes_nothing():
    progress = at("close")
    for side in (LEAD, OTHER):
        progress = take(JOINT, progress, "close", party=side, evidence=whole("close"), met=ALL)
    assert open_steps(JOINT, progress) == ()
    for step in ORDER:
        with pytest.raises(StepRefused, match="closed"):
            take(JOINT, progress, step, party=LEAD, evidence=whole(step), met=ALL)


def test_an_unknown_step_is_refused_with_what_is_due():
    with pytest.raises(
        StepRefused, match=r"'celebrate' is not a step .* Due now: receiving_meeting"
    ):
        take(JOINT, begin(JOINT, lead=LEAD, other=OTHER), "celebrate", party=LEAD, evidence={})


@pytest.mark.parametrize("empty", [None, "", [], {}])
def test_evidence_that_says_nothing_is_missing_evidence(empty):
    with pytest.raises(StepRefused) as refused:
        take(
            JOINT,
            at("receiving_meeting"),
            "receiving_meeting",
            party=LEAD,
            evidence={"minutes": empty},
        )
    assert refused.value.extra["missing"] == ["minutes"]


def test_a_score_of_zero_is_evidence():
    progress = begin(ORDINARY, lead=LEAD)
    for step, who in (("handle", LEAD), ("feed_back", LEAD), ("verify", SUPERVISION)):
        progress = take(ORDINARY, progress, step, party=who, evidence={"note": "done"})
    closed = take(ORDINARY, progress, "assess", party=SUPERVISION, evidence={"score": 0})
    assert closed.closed


def test_a_refusal_is_possible_only_while_the_case_is_handled():
    progress = begin(ORDINARY, lead=LEAD)
    reason = {"note": "not ours", "responsible_now": OTHER, "clause": "not_listed"}
    back = go_back(ORDINARY, progress, "refuse", party=LEAD, evidence=reason)
    assert (back.step, back.returned) == ("rule", True)
    handled = take(ORDINARY, progress, "handle", party=LEAD, evidence={"note": "done"})
    with pytest.raises(StepRefused, match="possible only at 'handle'"):
        go_back(ORDINARY, handled, "refuse", party=LEAD, evidence=reason)


def test_who_handles_does_not_verify():
    progress = begin(ORDINARY, lead=LEAD)
    for step in ("handle", "feed_back"):
        progress = take(ORDINARY, progress, step, party=LEAD, evidence={"note": "done"})
    with pytest.raises(StepRefused, match="taken by supervision"):
        take(ORDINARY, progress, "verify", party=LEAD, evidence={"note": "looks good to us"})


def test_rework_is_handled_and_verified_again():
    progress = begin(ORDINARY, lead=LEAD)
    for step in ("handle", "feed_back"):
        progress = take(ORDINARY, progress, step, party=LEAD, evidence={"note": "done"})
    progress = go_back(
        ORDINARY, progress, "rework", party=SUPERVISION, evidence={"note": "still there"}
    )
    assert progress.step == "handle"
    with pytest.raises(StepRefused, match="before 'handle'"):
        take(ORDINARY, progress, "verify", party=SUPERVISION, evidence={"note": "seen"})


@given(st.sampled_from(["close", "refuse", "handle"]))
def test_a_closed_case_goes_nowhere_back(name):
    progress = Progress(step="assess", lead=LEAD, closed=True)
    with pytest.raises(StepRefused):
        go_back(ORDINARY, progress, name, party=LEAD, evidence={"note": "x"})
