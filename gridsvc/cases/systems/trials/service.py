"""Trials: consulted, tried, and widened batch by batch where the households agreed."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from gridsvc.cases.core.act import Occasion
from gridsvc.cases.systems.trials import repository
from gridsvc.cases.systems.trials.households import Batch, check_batches
from gridsvc.cases.systems.trials.keeping import batch_of, check_keeps, note_act, running
from gridsvc.cases.systems.trials.models import (
    Trial,
    TrialBatch,
    TrialHousehold,
    TrialRound,
)
from gridsvc.cases.systems.trials.rule import (
    Whole,
    read_share,
)
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, Conflict
from gridsvc.registry.staff.repository import known_places


@dataclass(frozen=True, slots=True)
class Planned:
    """A trial as somebody plans it."""

    name: str
    area: str
    share: str
    whole: Whole
    quorum: str
    wait_days: int
    consulted_on: dt.date
    batches: tuple[Batch, ...]


def plan(occasion: Occasion, planned: Planned) -> Trial:
    """Enter a trial with its batches. Raises BadInput, NotAllowed."""
    session, caller, district = occasion.session, occasion.caller, planned.area[:6]
    check_keeps(caller, planned.area)
    if read_share(planned.share, "share") == 0:
        raise BadInput("'share' is 0; then nobody need be asked.", field="share")
    read_share(planned.quorum, "quorum")
    if planned.consulted_on > occasion.city.day(occasion.now):
        raise BadInput(
            f"'consulted_on' is {planned.consulted_on}; ask the residents first.",
            field="consulted_on",
        )
    batches = check_batches(planned.batches)
    known = known_places(session, district, {planned.area, *(one.area for one in batches)})
    for area in (planned.area, *(one.area for one in batches)):
        inside = area.startswith(planned.area)
        if not inside or not any(place.kind == "area" for place in known.get(area, [])):
            raise BadInput(f"There is no area {area[:20]} in {planned.area}.", field="area")
    trial = Trial(
        district_code=district,
        id=uuid7(),
        area_code=planned.area,
        name=planned.name,
        share=planned.share,
        whole=planned.whole.value,
        quorum=planned.quorum,
        wait_days=planned.wait_days,
        consulted_on=planned.consulted_on,
        state="running",
        made_by=caller.subject,
        made_at=occasion.now,
        end_reason=None,
    )
    session.add(trial)
    session.flush()
    keys = {"district_code": district, "trial_id": trial.id}
    for number, one in enumerate(batches, 1):
        session.add(
            TrialBatch(**keys, batch=number, area_code=one.area, households=len(one.households))
        )
    session.flush()
    session.add_all(
        TrialHousehold(**keys, area_code=one.area, household=household, batch=number)
        for number, one in enumerate(batches, 1)
        for household in one.households
    )
    session.flush()
    return trial


def begin(
    occasion: Occasion,
    id: uuid.UUID,
    number: int,
    *,
    starts_on: dt.date,
    ends_on: dt.date,
    change: str | None,
) -> Trial:
    """Let a batch try the service: the first one, or one behind a batch that agreed.

    One that did not agree may try again, once ``wait_days`` have passed and ``change`` says what is
    different. Raises NotFound, NotAllowed, Conflict, BadInput.
    """
    session = occasion.session
    trial = running(occasion, id)
    batch, last = batch_of(session, trial, number)
    if number > 1:
        _, before = batch_of(session, trial, number - 1)
        if before is None or before.state != "passed":
            raise Conflict(
                f"Batch {number} waits until batch {number - 1} has tried the service and agreed."
            )
    if last is not None:
        _check_again(occasion, trial, last, change)
    if starts_on < trial.consulted_on or ends_on <= starts_on:
        raise BadInput(
            f"'starts_on' comes after {trial.consulted_on}, and 'ends_on' after it.",
            field="starts_on",
        )
    session.add(
        TrialRound(
            district_code=trial.district_code,
            trial_id=trial.id,
            batch=batch.batch,
            round=1 if last is None else last.round + 1,
            state="trying",
            starts_on=starts_on,
            ends_on=ends_on,
            change=change,
            closes_on=None,
            box=None,
            counts=None,
            counted_on=None,
        )
    )
    session.flush()
    note_act(occasion, "begin trial", trial, f"batch {number}: {change or 'first try'}")
    return trial


def end(occasion: Occasion, id: uuid.UUID, *, reason: str) -> Trial:
    """Give a trial up; a vote that was opened is counted first.

    Raises NotFound, NotAllowed, Conflict.
    """
    trial = running(occasion, id)
    for one in repository.rounds_of(occasion.session, trial):
        if one.state == "voting":
            raise Conflict(f"Batch {one.batch} has an open vote; count it first.")
    trial.state, trial.end_reason = "ended", reason
    occasion.session.flush()
    note_act(occasion, "end trial", trial, reason)
    return trial


def _check_again(occasion: Occasion, trial: Trial, last: TrialRound, change: str | None) -> None:
    if last.state != "failed" or last.counted_on is None:
        raise Conflict(f"Batch {last.batch} has tried or is trying the service.")
    again_on = last.counted_on + dt.timedelta(days=trial.wait_days)
    if occasion.city.day(occasion.now) < again_on:
        raise Conflict(
            f"Batch {last.batch} did not agree on {last.counted_on}; ask again from {again_on} on."
        )
    if not change:
        raise BadInput(
            "'change' is missing; say what is different from what the households refused.",
            field="change",
        )
