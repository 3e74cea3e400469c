"""Try before you buy: trials of a service, and the secret votes of their households."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Query, Response
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy.orm import Session

from gridsvc.api import clock
from gridsvc.api.dependencies import (
    CurrentOccasion,
    CurrentService,
    DbSession,
    IdempotencyKey,
    once,
)
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.cases.systems.trials import repository, service, voting
from gridsvc.cases.systems.trials.households import Batch
from gridsvc.cases.systems.trials.keeping import known
from gridsvc.cases.systems.trials.models import Trial
from gridsvc.cases.systems.trials.rule import Choice, Content, Whole
from gridsvc.cases.systems.trials.schemas import (
    HouseholdAnswer,
    SlipAnswer,
    SlipsAnswer,
    TrialAnswer,
    TrialPage,
    TrialRow,
    TurnoutAnswer,
)
from gridsvc.errors import BadInput, Conflict, IdempotencyMismatch, NotFound

router = APIRouter(prefix="/v1/trials", tags=["trials"])

_READING = (*TOKEN_PROBLEMS, BadInput)
_ACTING = (*_READING, Conflict)
_WRITING = (*_ACTING, IdempotencyMismatch)
_Number = Annotated[int, Path(ge=1, le=1_000, description="The number of the batch.")]
_Reason = Annotated[Text, Field(min_length=1, max_length=1_000)]


class BatchIn(Sent):
    """The households of an area that try and vote together."""

    area: Text = Field(pattern=r"^(\d{9}|\d{12})$", description="A street or community.")
    households: list[Text] = Field(
        max_length=20_000, description="Their addresses: 3号楼2单元502室, 3-2-502."
    )


class TrialIn(Sent):
    """A service to be tried."""

    name: Text = Field(min_length=1, max_length=200)
    area: Text = Field(pattern=r"^(\d{9}|\d{12})$", description="A street or community.")
    share: Text = Field(default="2/3", description="What must agree, an exact fraction.")
    whole: Whole = Field(default=Whole.HOUSEHOLDS, description="Of what the share is taken.")
    quorum: Text = Field(default="0/1", description="The share of the households that must vote.")
    wait_days: int = Field(
        default=30, ge=0, le=3_650, description="How long who did not agree is left alone."
    )
    consulted_on: dt.date = Field(description="When the residents were asked what they want.")
    batches: list[BatchIn] = Field(description="In the order in which it widens.")


class Begun(Sent):
    """When a batch tries the service."""

    starts_on: dt.date
    ends_on: dt.date = Field(description="From this day on it may vote.")
    change: _Reason | None = Field(
        default=None, description="What is different, where the batch did not agree before."
    )


class Opened(Sent):
    """How long a vote is open."""

    closes_on: dt.date = Field(description="The first day on which nobody votes any more.")


class Lost(Sent):
    """Whose slip was lost."""

    household: Text = Field(max_length=200)
    reason: _Reason


class BallotIn(Sent):
    """A ballot, by the code of a slip and nothing else."""

    code: Text = Field(max_length=60, description="As printed on the voting slip.")
    choice: Choice
    content: Content


class TrialEnded(Sent):
    """Why a trial is given up."""

    reason: _Reason


@router.get("", responses=problems(BadInput))
def list_trials(
    session: DbSession,
    area: Annotated[str, Query(pattern=r"^(\d{6}|\d{9}|\d{12})$", description="Its code.")],
    state: Annotated[Literal["running", "adopted", "ended"] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[uuid.UUID | None, Query(description="'next' of the previous page.")] = None,
) -> TrialPage:
    """The trials of a district, street or community, in the order in which they were made."""
    found = repository.trials_under(session, area, state=state, after=cursor, limit=limit)
    last = str(found[-1].id) if len(found) == limit else None
    return TrialPage(trials=[TrialRow.of(one) for one in found], next=last)


@router.get("/{trial_id}", responses=problems(NotFound))
def get_trial(trial_id: uuid.UUID, session: DbSession) -> TrialAnswer:
    """A trial: what each batch tried, and what its vote decided."""
    return _told(session, known(session, trial_id))


@router.post("", status_code=201, response_model=TrialAnswer, responses=problems(*_WRITING))
def post_trial(
    given: Annotated[TrialIn, Body()], occasion: CurrentOccasion, key: IdempotencyKey = None
) -> JSONResponse:
    """Plan a trial, batch by batch, with everybody who has a vote."""

    def write() -> Any:
        batches = tuple(Batch(one.area, tuple(one.households)) for one in given.batches)
        planned = service.Planned(**dict(given) | {"batches": batches})
        return _told(occasion.session, service.plan(occasion, planned))

    return once(occasion, key, ["trial", given], write, status=201)


@router.post(
    "/{trial_id}/batches/{batch}/begin", response_model=TrialAnswer, responses=problems(*_WRITING)
)
def post_begin(
    trial_id: uuid.UUID,
    batch: _Number,
    given: Annotated[Begun, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Let the next batch try the service, or one that did not agree try it again."""

    def write() -> Any:
        return _told(occasion.session, service.begin(occasion, trial_id, batch, **dict(given)))

    return once(occasion, key, ["trial begin", str(trial_id), batch, given], write)


@router.post("/{trial_id}/batches/{batch}/vote", responses=problems(*_ACTING))
def post_open_vote(
    trial_id: uuid.UUID,
    batch: _Number,
    given: Annotated[Opened, Body()],
    occasion: CurrentOccasion,
    shared: CurrentService,
) -> SlipsAnswer:
    """Open the vote of a batch; the codes of its slips are told now and never again."""
    slips = voting.open_vote(
        occasion, trial_id, batch, shared.reporter_keys.current, closes_on=given.closes_on
    )
    return SlipsAnswer(slips=[SlipAnswer.of(one) for one in slips])


@router.post("/{trial_id}/batches/{batch}/slips", responses=problems(*_ACTING))
def post_slip(
    trial_id: uuid.UUID,
    batch: _Number,
    given: Annotated[Lost, Body()],
    occasion: CurrentOccasion,
) -> SlipAnswer:
    """Another slip for a household that lost its own; the lost one votes no more."""
    slip = voting.replace_slip(
        occasion, trial_id, batch, household=given.household, reason=given.reason
    )
    return SlipAnswer.of(slip)


@router.post(
    "/{trial_id}/votes",
    status_code=204,
    response_class=Response,
    responses=problems(NotFound, Conflict, BadInput),
)
def post_vote(
    trial_id: uuid.UUID,
    given: Annotated[BallotIn, Body()],
    session: DbSession,
    shared: CurrentService,
) -> Response:
    """Vote, by the code of a slip; nothing of it is told or kept but the sums of the box."""
    voting.vote(
        session,
        trial_id,
        given.code,
        given.choice,
        given.content,
        shared.reporter_keys.keys,
        today=shared.city.day(clock.utc_now()),
    )
    return Response(status_code=204)


@router.get("/{trial_id}/batches/{batch}/turnout", responses=problems(*_READING))
def get_turnout(trial_id: uuid.UUID, batch: _Number, occasion: CurrentOccasion) -> TurnoutAnswer:
    """Which households have voted, for whoever goes and asks the others."""
    found = voting.turnout(occasion, trial_id, batch)
    return TurnoutAnswer(
        households=[HouseholdAnswer(household=name, voted=voted) for name, voted in found]
    )


@router.post(
    "/{trial_id}/batches/{batch}/count", response_model=TrialAnswer, responses=problems(*_WRITING)
)
def post_count(
    trial_id: uuid.UUID,
    batch: _Number,
    occasion: CurrentOccasion,
    shared: CurrentService,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Close the vote and count it: the batch agrees or does not, and the last one adopts."""

    def write() -> Any:
        keys = shared.reporter_keys.keys
        return _told(occasion.session, voting.count(occasion, trial_id, batch, keys))

    return once(occasion, key, ["trial count", str(trial_id), batch], write)


@router.post("/{trial_id}/end", response_model=TrialAnswer, responses=problems(*_WRITING))
def post_end(
    trial_id: uuid.UUID,
    given: Annotated[TrialEnded, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Give a trial up; everybody reads why."""

    def write() -> Any:
        return _told(occasion.session, service.end(occasion, trial_id, reason=given.reason))

    return once(occasion, key, ["trial end", str(trial_id), given], write)


def _told(session: Session, trial: Trial) -> TrialAnswer:
    return TrialAnswer.told(
        trial,
        repository.batches_of(session, trial),
        repository.rounds_of(session, trial),
        repository.turnouts(session, trial),
    )
