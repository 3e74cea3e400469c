"""Messages: delivered to inboxes, claimed for webhooks, judged, tried again."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from functools import partial

from sqlalchemy.orm import Session

from gridsvc.cases.core.messages import repository
from gridsvc.cases.core.messages.model import Delivery, Outcome, pause_after
from gridsvc.city.robots import Robot
from gridsvc.errors import NotFound
from gridsvc.registry.groups.models import ChatGroup

#: Inbox messages that one transaction marks as delivered, at most.
INBOX_BATCH = 1_000


def deliver_to_inboxes(session: Session, *, now: dt.datetime) -> int:
    """Mark due messages to bodies without a webhook as delivered: they are in the inbox.

    Gives their number, ``INBOX_BATCH`` when there may be more.
    """
    told = 0
    for district in repository.districts_with_due(session, called=False, now=now):
        told += repository.deliver_to_inboxes(session, district, now=now, limit=INBOX_BATCH - told)
        if told == INBOX_BATCH:
            break
    return told


def claim_deliveries(
    session: Session,
    *,
    robots: Mapping[str, Robot],
    most: int,
    most_followers: int,
    busy: Collection[str],
    now: dt.datetime,
    lease: dt.timedelta,
    timeout: dt.timedelta,
) -> list[Delivery]:
    """Take up to ``most`` due messages for webhooks, one a receiver, the districts in turn.

    After ``lease`` a message that was not settled is due again: its worker is gone. A call arrives
    within ``timeout``, so that a group has no more in a minute than its robot may say. Those in
    ``busy`` are skipped, so that one slow receiver holds up nobody else. At most ``most_followers``
    go to followers, so that many slow ones hold up no body.
    """
    taken: list[Delivery] = []
    left = most_followers
    districts = repository.districts_with_due(
        session, called=True, now=now, busy=busy, followers=left > 0
    )
    while districts and len(taken) < most:
        district = districts.pop(0)
        skipped = {*busy, *(delivery.receiver for delivery in taken)}
        claimed = repository.claim_for_group(
            session,
            district,
            busy=skipped,
            may_send=partial(may_send, robots, now=now, timeout=timeout),
            now=now,
            until=now + lease,
        ) or repository.claim(
            session, district, busy=skipped, followers=left > 0, now=now, until=now + lease
        )
        if claimed is not None:
            taken.append(claimed)
            left -= claimed.follow_id is not None
            districts.append(district)
    return taken


_MINUTE = dt.timedelta(minutes=1)


def may_send(
    robots: Mapping[str, Robot], group: ChatGroup, *, now: dt.datetime, timeout: dt.timedelta
) -> bool:
    """Whether one more message to a group is within what its robot may say in a minute.

    A call that is claimed arrives within ``timeout``: of those that were claimed so much more than
    a minute apart, no minute sees more than it may. Older claims are forgotten.
    """
    robot = robots.get(group.robot)
    group.sent_at = [at for at in group.sent_at if now - at < _MINUTE + timeout]
    return robot is not None and len(group.sent_at) < robot.a_minute


def judge(
    delivery: Delivery,
    error: str | None,
    *,
    max_attempts: int,
    base_s: float,
    chance: float,
    now: dt.datetime,
) -> Outcome:
    """What follows from a try: delivered, tried again after a longer pause, or given up."""
    if error is None:
        return Outcome("delivered", None, None)
    if delivery.tries >= max_attempts:
        return Outcome("given_up", error, None)
    pause = pause_after(delivery.tries, base_s=base_s, chance=chance)
    return Outcome("waiting", error, now + pause)


def retry_given_up(session: Session, ids: Sequence[uuid.UUID], *, now: dt.datetime) -> int:
    """Try given-up messages again, from the first try on; no ids: all of them.

    Gives their number. Raises NotFound when one of the ids is not a given-up message.
    """
    found = {message.id: message for message in repository.given_up(session)}
    unknown = [str(id_) for id_ in ids if id_ not in found]
    if unknown:
        raise NotFound(
            f"No given-up message has the id {', '.join(unknown)}; 'gridsvc messages given-up'"
            " lists them."
        )
    chosen = [found[id_] for id_ in dict.fromkeys(ids)] if ids else list(found.values())
    return repository.retry(session, chosen, now=now)
