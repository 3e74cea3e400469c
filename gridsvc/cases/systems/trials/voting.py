"""The vote of a batch: slips, ballots into the sealed box, the count."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from gridsvc.cases.core.act import Occasion
from gridsvc.cases.systems.trials import ballot, repository
from gridsvc.cases.systems.trials.households import household_of
from gridsvc.cases.systems.trials.keeping import batch_of, check_keeps, known, note_act, running
from gridsvc.cases.systems.trials.models import (
    Trial,
    TrialRound,
    TrialSlip,
)
from gridsvc.cases.systems.trials.rule import (
    Choice,
    Content,
    Rule,
    Tally,
    Whole,
    passes,
    read_share,
)
from gridsvc.errors import BadInput, Conflict, NotFound
from gridsvc.registry.access.keys import seal, unseal

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Slip:
    """A voting slip as it is printed: nobody can read its code again."""

    household: str
    code: str


def rule_of(trial: Trial) -> Rule:
    """When a vote of a trial passes."""
    return Rule(
        read_share(trial.share, "share"), Whole(trial.whole), read_share(trial.quorum, "quorum")
    )


def tally_of(round: TrialRound) -> Tally | None:
    """What was counted in a round; None before that."""
    if round.counts is None:
        return None
    return Tally(
        {one: round.counts[one.value] for one in Choice},
        {one: round.counts[one.value] for one in Content},
    )


def open_vote(
    occasion: Occasion, id: uuid.UUID, number: int, key: bytes, *, closes_on: dt.date
) -> list[Slip]:
    """Open the vote of a batch that has tried; gives the slips, each with its code, only now.

    Raises NotFound, NotAllowed, Conflict, BadInput.
    """
    session, today = occasion.session, occasion.city.day(occasion.now)
    trial = running(occasion, id)
    batch, round = batch_of(session, trial, number)
    if round is None or round.state != "trying":
        raise Conflict(f"Batch {number} is not trying the service; its vote cannot be opened.")
    if today < round.ends_on:
        raise Conflict(f"Batch {number} tries the service until {round.ends_on}; vote after that.")
    if closes_on <= today:
        raise BadInput(
            f"'closes_on' is {closes_on}; it must come after {today}.", field="closes_on"
        )
    round.state, round.closes_on = "voting", closes_on
    round.box = ballot.empty_box(key, _vote(round))
    session.flush()
    slips = []
    for one in repository.households_of(session, batch):
        code = ballot.new_code()
        slips.append(Slip(one.household, code))
        session.add(
            TrialSlip(
                district_code=round.district_code,
                trial_id=round.trial_id,
                batch=round.batch,
                round=round.round,
                area_code=one.area_code,
                household=one.household,
                code_hash=ballot.hash_of(code),
                voted=False,
            )
        )
    session.flush()
    note_act(occasion, "open vote", trial, f"batch {number} until {closes_on}")
    return slips


def replace_slip(
    occasion: Occasion, id: uuid.UUID, number: int, *, household: str, reason: str
) -> Slip:
    """Another slip for a household that lost its own and has not voted.

    Raises NotFound, NotAllowed, Conflict, BadInput.
    """
    session = occasion.session
    trial = running(occasion, id)
    _, round = batch_of(session, trial, number)
    if round is None or round.state != "voting":
        raise Conflict(f"Batch {number} has no open vote.")
    form = household_of(household)
    slip = repository.slip_of(session, round, form)
    if slip is None:
        raise NotFound(f"Batch {number} has no household {form}.")
    if slip.voted:
        raise Conflict("This household has voted.")
    new = Slip(form, ballot.new_code())
    slip.code_hash = ballot.hash_of(new.code)
    session.flush()
    note_act(occasion, "replace slip", trial, f"batch {number}, {form}: {reason}")
    return new


def vote(
    session: Session,
    id: uuid.UUID,
    code: str,
    choice: Choice,
    content: Content,
    keys: Sequence[bytes],
    *,
    today: dt.date,
) -> None:
    """Put a ballot into the box, and let the slip have voted: once, however many try at once.

    Raises NotFound for a code that is on no slip, Conflict for one that has voted or comes late.
    """
    trial = repository.trial_by_id(session, id, lock=False)
    slip = trial and repository.slip_by_hash(session, trial, ballot.hash_of(code))
    if not slip:
        raise NotFound("No voting slip has this code; read it again.")
    round = repository.lock_round(session, slip)
    if round.box is None or round.closes_on is None or today >= round.closes_on:
        raise Conflict("This vote is closed.")
    if not repository.use_slip(session, slip):
        raise Conflict("This household has voted, or has another slip.")
    round.box = ballot.put(keys, _vote(round), round.box, choice, content)
    session.flush()


def count(occasion: Occasion, id: uuid.UUID, number: int, keys: Sequence[bytes]) -> Trial:
    """Open the box when its day has come or everybody has voted; the last batch adopts.

    Raises NotFound, NotAllowed; Conflict too early, and where the box does not hold as many
    ballots as slips have voted.
    """
    session, today = occasion.session, occasion.city.day(occasion.now)
    trial = running(occasion, id)
    batch, found = batch_of(session, trial, number)
    if found is None or found.state != "voting":
        raise Conflict(f"Batch {number} has no open vote.")
    slips = repository.slips_of(session, found)
    round = repository.lock_round(session, slips[0])
    voted = repository.turnouts(session, trial)[number, round.round]
    waits = round.closes_on is not None and today < round.closes_on and voted < len(slips)
    if round.box is None or waits:
        raise Conflict(f"The vote is open until {found.closes_on}; {voted} of {len(slips)} voted.")
    tally = ballot.open_box(keys, _vote(round), round.box)
    if tally.votes != voted:
        raise Conflict(
            f"The box holds {tally.votes} ballots and {voted} households have voted: it was not the"
            " service that changed them. Find out who did before anything is counted."
        )
    agreed = passes(tally, batch.households, rule_of(trial))
    round.state, round.box, round.counted_on = ("passed" if agreed else "failed"), None, today
    round.counts = {str(name): n for name, n in (tally.choices | tally.contents).items()}
    if agreed and number == len(repository.batches_of(session, trial)):
        trial.state = "adopted"
    session.flush()
    note_act(occasion, "count vote", trial, f"batch {number} {round.state}")
    return trial


def turnout(occasion: Occasion, id: uuid.UUID, number: int) -> list[tuple[str, bool]]:
    """The households of a batch and whether they have voted, for those who go and ask them.

    Raises NotFound, NotAllowed.
    """
    session = occasion.session
    trial = known(session, id)
    check_keeps(occasion.caller, trial.area_code)
    batch, round = batch_of(session, trial, number)
    voted = (
        {} if round is None else {s.household: s.voted for s in repository.slips_of(session, round)}
    )
    return [
        (one.household, voted.get(one.household, False))
        for one in repository.households_of(session, batch)
    ]


def reseal(
    session: Session, after: tuple[str, uuid.UUID], keys: Sequence[bytes]
) -> tuple[int, tuple[str, uuid.UUID] | None]:
    """Seal the next boxes with the first of the keys; gives how many, and where to go on."""
    rounds = repository.boxes_after(session, after, limit=_BATCH)
    for one in rounds:
        if one.box is not None:
            one.box = seal(keys[0], unseal(keys[0], one.box, *keys[1:]))
    return len(rounds), (rounds[-1].district_code, rounds[-1].trial_id) if rounds else None


def _vote(round: TrialRound) -> str:
    return f"{round.trial_id} {round.batch} {round.round}"
