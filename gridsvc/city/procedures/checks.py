"""What a procedure as a whole must obey: every step reachable, every role held by somebody."""

from __future__ import annotations

from gridsvc.city.procedures.model import (
    CLOSING,
    EACH,
    LISTED,
    SEATS,
    Actor,
    Callee,
    Follows,
    Procedure,
    Seat,
    Step,
)
from gridsvc.city.procedures.procedure_file import ProcedureFile

_SIDES = {Actor.OTHER, Actor.EACH_SIDE, Actor.EITHER_SIDE}
_CALLED = {Actor.CALLED, Actor.EACH_CALLED}
#: Extensions at most, and the days of a suspension at most (domain: GB/T 30428.8).
_EXTENSIONS = 2
_SUSPENDED_DAYS = 366
#: Acts with which a step waits for one of the called bodies no longer.
_LEAVING = ("absent", "not_ours")


def check_procedure(procedure: Procedure, source: ProcedureFile) -> None:
    """Raise BadFile, with file, line and reason, for the first fault."""
    _check_steps(procedure, source)
    _check_verdicts(procedure, source)
    _check_roles(procedure, source)
    _check_returns(procedure, source)
    _check_acts(procedure, source)
    _check_whistle(procedure, source)


def _check_verdicts(procedure: Procedure, source: ProcedureFile) -> None:
    """A check says in which evidence its verdict is, and every verdict has a way to go."""
    back_from = {back.source for back in procedure.returns if not back.refuses}
    for n, step in enumerate(procedure.steps):
        if bool(step.verdict_in) != bool(step.verdicts):
            reason = f"{step.name}: 'verdict_in' names the evidence, and 'verdicts' its values"
            raise source.fault("steps", n, reason, key="verdicts")
        if not step.verdicts:
            continue
        said = [name for one in step.verdicts for name in {one.name, one.title_zh}]
        if not all(said) or len(set(said)) < len(said):
            reason = f"{step.name}: each verdict has a name and a Chinese title of its own"
            raise source.fault("steps", n, reason, key="verdicts")
        follows = {one.follows for one in step.verdicts}
        if Follows.GO_ON not in follows:
            reason = f"{step.name}: no verdict lets the case go on"
            raise source.fault("steps", n, reason, key="verdicts")
        if Follows.REWORK in follows and step.name not in back_from:
            reason = f"{step.name}: a verdict asks for rework, but no return leads back from it"
            raise source.fault("steps", n, reason, key="verdicts")
        if step.by in EACH or step.by is Actor.SYSTEM or step.repeats:
            reason = f"{step.name}: one party gives a verdict, once"
            raise source.fault("steps", n, reason, key="verdicts")


def _check_steps(procedure: Procedure, source: ProcedureFile) -> None:
    steps = procedure.steps
    if all(step.by is Actor.SYSTEM for step in steps):
        raise source.fault("", 0, "it has no steps that anybody but the system takes")
    seen: dict[str, int] = {}
    for n, step in enumerate(steps):
        if step.name in seen:
            reason = f"{step.name}: two steps have this name; the later one could not be reached"
            raise source.fault("steps", n, reason)
        seen[step.name] = n
        if step.by is not Actor.SYSTEM and step.limit is None:
            reason = f"{step.name}: a step that somebody takes needs limit_hours"
            raise source.fault("steps", n, reason)
        if step.closes and n < len(steps) - 1:
            reason = f"{step.name}: it closes the case, so '{steps[n + 1].name}' is never reached"
            raise source.fault("steps", n, reason, key="closes")
        passing = step.optional or step.repeats
        if passing and (step.closes or step.by in EACH or step.by is Actor.SYSTEM):
            reason = (
                f"{step.name}: a step that may be left out or repeats belongs to one party, and is"
                " not the last"
            )
            raise source.fault("steps", n, reason)
        if passing and n + 1 < len(steps) and steps[n + 1].by is Actor.SYSTEM:
            reason = f"{step.name}: the system's step behind it would never be reached"
            raise source.fault("steps", n, reason)
        if step.by is Actor.SYSTEM and _carries(step):
            raise source.fault("steps", n, f"{step.name}: the system gives no evidence")
        refused_to = {back.target for back in procedure.returns if back.refuses}
        if step.on_return and not (step.sends_on and step.name in refused_to):
            reason = f"{step.name}: a step on_return sends on what a refusal sent back to it"
            raise source.fault("steps", n, reason, key="on_return")
    last = len(steps) - 1
    if not steps[last].closes:
        raise source.fault(
            "steps", last, f"{steps[last].name}: the last step must have closes = true"
        )
    if steps[last].by is Actor.SYSTEM:
        reason = f"{steps[last].name}: the last step is taken by somebody, not by the system"
        raise source.fault("steps", last, reason)
    answering = [n for n, step in enumerate(steps) if step.answers]
    for n in answering:
        passed = steps[n].optional or steps[n].repeats or steps[n].by is Actor.SYSTEM
        if passed or len(answering) > 1:
            reason = f"{steps[n].name}: one step answers, and somebody takes it once"
            raise source.fault("steps", n, reason, key="answers")
    repeating = [n for n, step in enumerate(steps) if step.repeats]
    if len(repeating) > 1:
        reason = f"{steps[repeating[1]].name}: a procedure has at most one step that repeats"
        raise source.fault("steps", repeating[1], reason, key="repeats")


def _carries(step: Step) -> bool:
    named = any(call.who in LISTED for call in step.calls)
    return bool(step.needs or step.choices or step.names or step.scores or named)


def _check_roles(procedure: Procedure, source: ProcedureFile) -> None:
    """Nobody is asked to take a step before it is known who that is."""
    seated = {role for role in procedure.seats if role in SEATS}
    if any(procedure.seats[role] is Seat.CONTACT_POINT for role in seated):
        reason = "a contact point is the seat of the lead alone"
        raise source.fault("seats", 0, reason, key="lead")
    called = blown = named = False
    for n, step in enumerate(procedure.steps):
        if step.by in _SIDES and not procedure.two_sides:
            reason = f"{step.name}: only a procedure with two_sides = true has another side"
            raise source.fault("steps", n, reason, key="by")
        if step.requires and not procedure.two_sides and not blown:
            reason = (
                f"{step.name}: 'requires' is about the bodies of a whistle; no earlier step blows"
                " one, and it is not a joint one (two_sides)"
            )
            raise source.fault("steps", n, reason, key="requires")
        if step.by in SEATS and step.by not in seated:
            reason = (
                f"{step.name}: nobody is the {step.by.value} yet; name it in [seats] or in an"
                " earlier step's 'names'"
            )
            raise source.fault("steps", n, reason, key="by")
        if (step.by in _CALLED or step.scores == "called") and not called:
            reason = f"{step.name}: no earlier step calls anybody"
            raise source.fault("steps", n, reason, key="by" if step.by in _CALLED else "scores")
        if (step.names_who or step.hears_all) and not called:
            reason = f"{step.name}: no earlier step calls anybody"
            key = "names_who" if step.names_who else "hears_all"
            raise source.fault("steps", n, reason, key=key)
        if (step.names_who and "who" not in step.needs) or (step.by is Actor.NAMED and not named):
            reason = f"{step.name}: an earlier step must name who acts (names_who, needs 'who')"
            raise source.fault("steps", n, reason, key="by")
        named = named or (step.names_who and not step.optional)
        wanted = {
            Callee.TERRITORY: Actor.TERRITORY,
            Callee.OFFICES: Actor.TERRITORY,
            Callee.COMMUNITY: Actor.COMMUNITY,
        }
        for call in step.calls:
            if call.who in wanted and wanted[call.who] not in seated:
                reason = f"{step.name}: it calls the {call.who.value}, which has no seat"
                raise source.fault("steps", n, reason, key="calls")
        if not step.optional:
            seated |= set(step.names)
            called = called or bool(step.calls)
        blown = blown or step.blows


def _check_returns(procedure: Procedure, source: ProcedureFile) -> None:
    names = [step.name for step in procedure.steps]
    taken = [*names, *(back.name for back in procedure.returns)]
    for n, back in enumerate(procedure.returns):
        if taken.count(back.name) > 1:
            reason = f"{back.name}: a step or another return has this name too"
            raise source.fault("returns", n, reason)
        for key, value in (("from", back.source), ("to", back.target)):
            if value not in names:
                raise source.fault("returns", n, f"{back.name}: {value!r} is not a step", key=key)
        if names.index(back.target) >= names.index(back.source):
            reason = f"{back.name}: '{back.target}' does not come before '{back.source}'"
            raise source.fault("returns", n, reason, key="to")
        if back.by is Actor.SYSTEM:
            raise source.fault("returns", n, f"{back.name}: the system returns nothing", key="by")
        if not back.refuses:
            continue
        if not {"note", "responsible_now"} <= set(back.needs) or back.by is not Actor.LEAD:
            reason = (
                f"{back.name}: a refusal is the lead's, and needs 'note' (why) and"
                " 'responsible_now' (who answers now)"
            )
            raise source.fault("returns", n, reason, key="needs")
        target = procedure.steps[names.index(back.target)]
        if target.by is not Actor.SYSTEM and not target.sends_on:
            reason = (
                f"{back.name}: the receiver of a return may only send it on or return it;"
                f" '{back.target}' must have sends_on = true"
            )
            raise source.fault("returns", n, reason, key="to")


def _check_acts(procedure: Procedure, source: ProcedureFile) -> None:
    for name, act in procedure.acts.items():
        table = f"acts.{name}"
        for at in act.at:
            step = procedure.step(at)
            if step is None:
                raise source.fault(table, 0, f"{name}: {at!r} is not a step", key="at")
            if name in _LEAVING and step.by is not Actor.EACH_CALLED:
                reason = f"{name}: '{at}' does not wait for each called body"
                raise source.fault(table, 0, reason, key="at")
            if name not in _LEAVING and (step.by is Actor.EACH_CALLED or step.sends_on):
                reason = f"{name}: '{at}' has a clock for each body, or may only be sent on"
                raise source.fault(table, 0, reason, key="at")
        if not act.at:
            raise source.fault(table, 0, f"{name}: 'at' does not name a step", key="at")
        if act.by is Actor.SYSTEM:
            raise source.fault(table, 0, f"{name}: somebody does it, not the system", key="by")
        if type(act.times) is not int or not 1 <= act.times <= _EXTENSIONS:
            reason = f"{name}: an extension is given 1 to {_EXTENSIONS} times"
            raise source.fault(table, 0, reason, key="times")
        days = act.within_days
        if name == "suspend" and (type(days) is not int or not 1 <= days <= _SUSPENDED_DAYS):
            reason = f"{name}: within_days is 1 to {_SUSPENDED_DAYS}"
            raise source.fault(table, 0, reason, key="within_days")
        if name == "raise" and (not isinstance(act.to, str) or not act.to):
            raise source.fault(table, 0, f"{name}: 'to' must name a procedure", key="to")


def _check_whistle(procedure: Procedure, source: ProcedureFile) -> None:
    """A level has one step that blows, and its last step waits for every called body."""
    blowing = [n for n, step in enumerate(procedure.steps) if step.blows]
    if bool(blowing) != (procedure.level is not None) or len(blowing) > 1:
        reason = "a procedure with a level has one step with blows = true, and no other has any"
        raise source.fault("", 0, reason, key="level" if procedure.level else "name")
    if not blowing:
        if procedure.after_the_fact_hours:
            reason = "only a whistle with a level is recorded after the fact"
            raise source.fault("", 0, reason, key="after_the_fact_hours")
        return
    step = procedure.steps[blowing[0]]
    if not step.calls or step.optional:
        reason = f"{step.name}: the step that blows calls bodies, and is not left out"
        raise source.fault("steps", blowing[0], reason, key="blows")
    if procedure.after_the_fact_hours and step.by is not Actor.SYSTEM:
        reason = f"{step.name}: a whistle with a demand letter is not recorded after the fact"
        raise source.fault("", 0, reason, key="after_the_fact_hours")
    last = len(procedure.steps) - 1
    lacking = [item.value for item in CLOSING if item not in procedure.steps[last].requires]
    if lacking:
        reason = f"{procedure.steps[last].name}: it closes a whistle and must require {lacking[0]}"
        raise source.fault("steps", last, reason, key="requires")
    if procedure.steps[last].by not in SEATS | {Actor.REPORTER, Actor.SUPERVISION}:
        reason = f"{procedure.steps[last].name}: only the caller closes, not a called body"
        raise source.fault("steps", last, reason, key="by")
