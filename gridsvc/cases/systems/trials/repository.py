"""The queries of trials."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Integer, and_, cast, func, select, tuple_, update
from sqlalchemy.orm import Session

from gridsvc.cases.systems.trials.models import (
    Trial,
    TrialBatch,
    TrialHousehold,
    TrialRound,
    TrialSlip,
)


def trial_by_id(session: Session, id: uuid.UUID, *, lock: bool) -> Trial | None:
    """A trial; locked, nobody else changes it until the end of this transaction."""
    query = select(Trial).where(Trial.id == id)
    return session.scalar(query.with_for_update() if lock else query)


def trials_under(
    session: Session, area: str, *, state: str | None, after: uuid.UUID | None, limit: int
) -> list[Trial]:
    """The trials of an area of six digits or more, in the order in which they were made."""
    query = select(Trial).where(
        Trial.district_code == area[:6], Trial.area_code.startswith(area, autoescape=True)
    )
    if state is not None:
        query = query.where(Trial.state == state)
    if after is not None:
        query = query.where(Trial.id > after)
    return list(session.scalars(query.order_by(Trial.id).limit(limit)))


def batches_of(session: Session, trial: Trial) -> list[TrialBatch]:
    """The batches of a trial, the first one first."""
    query = select(TrialBatch).where(
        TrialBatch.district_code == trial.district_code, TrialBatch.trial_id == trial.id
    )
    return list(session.scalars(query.order_by(TrialBatch.batch)))


def rounds_of(session: Session, trial: Trial) -> list[TrialRound]:
    """The rounds of a trial by batch, the first one first."""
    query = select(TrialRound).where(
        TrialRound.district_code == trial.district_code, TrialRound.trial_id == trial.id
    )
    return list(session.scalars(query.order_by(TrialRound.batch, TrialRound.round)))


def households_of(session: Session, batch: TrialBatch) -> list[TrialHousehold]:
    """The households of a batch."""
    query = select(TrialHousehold).where(
        TrialHousehold.district_code == batch.district_code,
        TrialHousehold.trial_id == batch.trial_id,
        TrialHousehold.batch == batch.batch,
    )
    return list(session.scalars(query.order_by(TrialHousehold.household)))


def turnouts(session: Session, trial: Trial) -> dict[tuple[int, int], int]:
    """How many households have voted, by batch and round."""
    rows = session.execute(
        select(TrialSlip.batch, TrialSlip.round, func.sum(cast(TrialSlip.voted, Integer)))
        .where(TrialSlip.district_code == trial.district_code, TrialSlip.trial_id == trial.id)
        .group_by(TrialSlip.batch, TrialSlip.round)
    )
    return {(batch, number): voted for batch, number, voted in rows}


def slips_of(session: Session, round: TrialRound) -> list[TrialSlip]:
    """The slips of a round, by household: in no order of time."""
    query = select(TrialSlip).where(_of(round))
    return list(session.scalars(query.order_by(TrialSlip.household)))


def slip_of(session: Session, round: TrialRound, household: str) -> TrialSlip | None:
    """The slip of a household in a round."""
    return session.scalar(
        select(TrialSlip).where(_of(round), TrialSlip.household == household).with_for_update()
    )


def slip_by_hash(session: Session, trial: Trial, code_hash: bytes) -> TrialSlip | None:
    """The slip of a trial with this code."""
    return session.scalar(
        select(TrialSlip).where(
            TrialSlip.code_hash == code_hash,
            TrialSlip.district_code == trial.district_code,
            TrialSlip.trial_id == trial.id,
        )
    )


def lock_round(session: Session, slip: TrialSlip) -> TrialRound:
    """The round of a slip, into whose box nobody else puts anything until this transaction ends."""
    return session.scalars(
        select(TrialRound)
        .where(
            TrialRound.district_code == slip.district_code,
            TrialRound.trial_id == slip.trial_id,
            TrialRound.batch == slip.batch,
            TrialRound.round == slip.round,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def use_slip(session: Session, slip: TrialSlip) -> bool:
    """Let a slip have voted; False where it has already, or where another one replaced it."""
    used = session.execute(
        update(TrialSlip)
        .where(TrialSlip.code_hash == slip.code_hash, ~TrialSlip.voted)
        .values(voted=True)
        .returning(TrialSlip.voted)
        .execution_options(synchronize_session=False)
    )
    return used.first() is not None


def boxes_after(
    session: Session, after: tuple[str, uuid.UUID], *, limit: int
) -> Sequence[TrialRound]:
    """The rounds with a box behind a pair of district and trial, kept for this transaction.

    A trial has one box at most: a batch begins when the one before it has passed.
    """
    return session.scalars(
        select(TrialRound)
        .where(
            tuple_(TrialRound.district_code, TrialRound.trial_id) > after,
            TrialRound.box.is_not(None),
        )
        .order_by(TrialRound.district_code, TrialRound.trial_id)
        .limit(limit)
        .with_for_update()
    ).all()


def _of(round: TrialRound) -> ColumnElement[bool]:
    return and_(
        TrialSlip.district_code == round.district_code,
        TrialSlip.trial_id == round.trial_id,
        TrialSlip.batch == round.batch,
        TrialSlip.round == round.round,
    )
