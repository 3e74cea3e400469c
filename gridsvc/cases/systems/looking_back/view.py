"""Lists of recurring places as those who keep them see them."""

from __future__ import annotations

from collections.abc import Sequence

from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.cases.systems.looking_back import repository
from gridsvc.cases.systems.looking_back.models import LookBack, RecurringList
from gridsvc.cases.systems.looking_back.schemas import (
    LookBackAnswer,
    LookedCounts,
    RecurringListAnswer,
    RecurringListWhole,
    RecurringPlaceAnswer,
)


def lists_answer(session: Session, lists: Sequence[RecurringList]) -> list[RecurringListAnswer]:
    """Lists with the number of their places."""
    counts = repository.counts_of(session, [one.id for one in lists])
    return [RecurringListAnswer.of(one, places=counts.get(one.id, 0)) for one in lists]


def whole_answer(session: Session, kept: RecurringList) -> RecurringListWhole:
    """A list with its places."""
    places = repository.places_of(session, kept)
    looks = repository.look_backs_of(session, kept)
    by_place: dict[int, list[LookBack]] = {}
    for look in looks:
        by_place.setdefault(look.n, []).append(look)
    asked = [one for one in looks if one.task_id is not None]
    outcomes = [one.outcome for one in asked]
    counts = LookedCounts(
        asked=len(asked),
        waiting=outcomes.count(None),
        lasted=outcomes.count("lasted"),
        again=outcomes.count("again"),
        open_already=len(looks) - len(asked),
    )
    listed = []
    for place in places:
        at = to_shape(place.point)
        looked = [LookBackAnswer.of(one) for one in by_place.get(place.n, [])]
        listed.append(RecurringPlaceAnswer.of(place, point=(at.x, at.y), looked=looked))
    return RecurringListWhole.of(kept, places=len(places), looked=counts, listed=listed)
