"""Who keeps a trial, and what every act on one begins and ends with."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.systems.trials import repository
from gridsvc.cases.systems.trials.models import (
    Trial,
    TrialBatch,
    TrialRound,
)
from gridsvc.errors import Conflict, NotAllowed, NotFound
from gridsvc.registry.access.audit import Done, note


def known(session: Session, id: uuid.UUID, *, lock: bool = False) -> Trial:
    """A trial. Raises NotFound."""
    trial = repository.trial_by_id(session, id, lock=lock)
    if trial is None:
        raise NotFound(f"There is no trial {id}.")
    return trial


def running(occasion: Occasion, id: uuid.UUID) -> Trial:
    """A trial that goes on, for whoever keeps it, until the end of this transaction."""
    trial = known(occasion.session, id, lock=True)
    check_keeps(occasion.caller, trial.area_code)
    if trial.state != "running":
        raise Conflict(f"This trial is {trial.state}.")
    return trial


def batch_of(session: Session, trial: Trial, number: int) -> tuple[TrialBatch, TrialRound | None]:
    """A batch and its last round."""
    found = next((b for b in repository.batches_of(session, trial) if b.batch == number), None)
    if found is None:
        raise NotFound(f"This trial has no batch {number}.")
    rounds = [one for one in repository.rounds_of(session, trial) if one.batch == number]
    return found, rounds[-1] if rounds else None


def check_keeps(caller: Caller, area: str) -> None:
    """A street keeps the trials in it, supervision those of its districts."""
    own = caller.role is Role.STREET and caller.covers(area)
    if not (own or caller.supervises(area[:6])):
        raise NotAllowed(
            f"A token of role {caller.role.value} for '{caller.area}' may not keep the trials of"
            f" {area}."
        )


def note_act(occasion: Occasion, act: str, trial: Trial, reason: str) -> None:
    """Have it entered in the audit log at the end of the transaction."""
    by, subject = occasion.caller, f"{trial.district_code} {trial.id}"
    note(occasion.session, Done(occasion.now, by.subject, by.role.value, act, subject, reason))
