"""The queries of messages."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Collection, Iterable, Sequence

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Text,
    cast,
    delete,
    exists,
    func,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session, aliased

from gridsvc.cases.core.messages.model import Backlog, Delivery, GroupAddress, Outcome, Place
from gridsvc.cases.core.messages.models import Message
from gridsvc.registry.bodies.models import Body
from gridsvc.registry.groups.models import ChatGroup


def due_messages(
    session: Session,
    body_code: str,
    *,
    after: Place | None,
    limit: int,
    now: dt.datetime,
    newest: bool = False,
) -> list[Message]:
    """A body's messages that are due and not withdrawn, in the order in which they fell due.

    With ``newest`` the other way round, from the last one.
    """
    order = (Message.due_at.desc(), Message.id.desc()) if newest else (Message.due_at, Message.id)
    query = (
        select(Message)
        .where(Message.body_code == body_code, Message.due_at <= now, Message.state != "withdrawn")
        .order_by(*order)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(Message.due_at, Message.id) > (after.due_at, after.id))
    return list(session.scalars(query))


def due_since(
    session: Session, bodies: Iterable[str], *, since: dt.datetime, now: dt.datetime
) -> Sequence[uuid.UUID]:
    """The ids of the messages of some bodies that fell due after a moment and are not withdrawn."""
    query = select(Message.id).where(
        Message.body_code.in_(bodies),
        Message.due_at > since,
        Message.due_at <= now,
        Message.state != "withdrawn",
    )
    return session.scalars(query).all()


def messages_by_id(session: Session, ids: Sequence[uuid.UUID]) -> Sequence[Message]:
    """The messages of these ids, in the order in which they fell due."""
    if not ids:
        return []
    query = select(Message).where(Message.id.in_(ids)).order_by(Message.due_at, Message.id)
    return session.scalars(query).all()


def withdraw(
    session: Session, district_code: str, case_id: uuid.UUID, *, topic: str, now: dt.datetime
) -> int:
    """Mark a case's waiting messages of a topic that are not due yet as withdrawn."""
    result = session.execute(
        update(Message)
        .where(
            Message.district_code == district_code,
            Message.case_id == case_id,
            Message.topic == topic,
            Message.state == "waiting",
            Message.due_at > now,
        )
        .values(state="withdrawn", next_try_at=None)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount


def forget_followers(session: Session, follow_ids: Collection[uuid.UUID]) -> None:
    """Delete every message to some followers, sent or not."""
    session.execute(
        delete(Message).where(Message.follow_id.in_(follow_ids)),
        execution_options={"synchronize_session": False},
    )


def withdraw_of_group(session: Session, group_id: uuid.UUID) -> None:
    """Mark the waiting messages of a chat group as withdrawn."""
    session.execute(
        update(Message)
        .where(Message.group_id == group_id, Message.state == "waiting")
        .values(state="withdrawn", next_try_at=None),
        execution_options={"synchronize_session": False},
    )


def leave_out(
    session: Session, district_code: str, case_id: uuid.UUID, *, topic: str, keys: Sequence[str]
) -> None:
    """Take some keys out of the contents of a case's messages of a topic."""
    session.execute(
        update(Message)
        .where(
            Message.district_code == district_code,
            Message.case_id == case_id,
            Message.topic == topic,
        )
        .values(content=Message.content.op("-")(cast(list(keys), ARRAY(Text))))
        .execution_options(synchronize_session=False)
    )


_IS_CALLED = or_(
    Message.webhook_url.is_not(None),
    Message.group_id.is_not(None),
    exists().where(Body.code == Message.body_code, Body.webhook_url.is_not(None)),
)
_RECEIVER = func.coalesce(
    Message.body_code, cast(Message.follow_id, Text), cast(Message.group_id, Text)
)


def _may_be_called(busy: Collection[str], *, followers: bool) -> Sequence[ColumnElement[bool]]:
    """Not to those who are ``busy``, and without ``followers`` to bodies alone."""
    free = _RECEIVER.not_in(list(busy))
    return (free,) if followers else (free, Message.follow_id.is_(None))


def districts_with_due(
    session: Session,
    *,
    called: bool,
    now: dt.datetime,
    busy: Collection[str] = (),
    followers: bool = True,
) -> list[str]:
    """The districts with due messages to those that have a webhook, or that have none.

    Messages to those in ``busy`` do not count, nor without ``followers`` those to followers.
    """
    return list(
        session.scalars(
            select(Message.district_code)
            .where(
                Message.state == "waiting",
                Message.next_try_at <= now,
                *_may_be_called(busy, followers=followers),
                _IS_CALLED if called else ~_IS_CALLED,
            )
            .distinct()
            .order_by(Message.district_code)
        )
    )


def deliver_to_inboxes(
    session: Session, district_code: str, *, now: dt.datetime, limit: int
) -> int:
    """Mark a district's due messages to bodies without a webhook as delivered.

    Rows that another worker holds are left to it, so that two workers never wait for each other.
    """
    due = (
        select(Message.id, Message.written_at)
        .where(
            Message.district_code == district_code,
            Message.state == "waiting",
            Message.next_try_at <= now,
            ~_IS_CALLED,
        )
        .limit(limit)
        .with_for_update(of=Message, skip_locked=True)
        .cte("due")
    )
    result = session.execute(
        update(Message)
        .where(
            Message.district_code == district_code,
            tuple_(Message.id, Message.written_at).in_(select(due.c.id, due.c.written_at)),
        )
        .values(state="delivered", delivered_at=now, next_try_at=None),
        execution_options={"synchronize_session": False},
    )
    assert isinstance(result, CursorResult)
    return result.rowcount


def claim(
    session: Session,
    district_code: str,
    *,
    busy: Collection[str],
    followers: bool,
    now: dt.datetime,
    until: dt.datetime,
) -> Delivery | None:
    """Take the longest-waiting message of a district for a body or a follower with a webhook.

    Nobody else sees it as due before ``until``. Those in ``busy`` are skipped, and without
    ``followers`` all followers.
    """
    url = func.coalesce(Message.webhook_url, Body.webhook_url)
    row = session.execute(
        select(Message, url)
        .outerjoin(Body, Body.code == Message.body_code)
        .where(
            Message.district_code == district_code,
            Message.state == "waiting",
            Message.next_try_at <= now,
            *_may_be_called(busy, followers=followers),
            url.is_not(None),
        )
        .order_by(Message.next_try_at, Message.id)
        .limit(1)
        .with_for_update(of=Message, skip_locked=True)
    ).one_or_none()
    if row is None:
        return None
    message, webhook_url = row
    return _claimed(message, webhook_url, until)


def claim_for_group(
    session: Session,
    district_code: str,
    *,
    busy: Collection[str],
    may_send: Callable[[ChatGroup], bool],
    now: dt.datetime,
    until: dt.datetime,
) -> Delivery | None:
    """Take the longest-waiting message of a district for a chat group that ``may_send`` now.

    The group's row is held with it, so that two workers count its messages as one. What belongs to
    one case goes out in its order: a later message waits while an earlier one is tried again.
    """
    skipped, earlier = set(busy), aliased(Message)
    before = exists().where(
        earlier.district_code == Message.district_code,
        earlier.group_id == Message.group_id,
        earlier.case_id == Message.case_id,
        earlier.state == "waiting",
        earlier.due_at <= now,
        tuple_(earlier.due_at, earlier.id) < tuple_(Message.due_at, Message.id),
    )
    query = (
        select(Message, ChatGroup)
        .join(ChatGroup, ChatGroup.id == Message.group_id)
        .where(
            Message.district_code == district_code,
            Message.state == "waiting",
            Message.next_try_at <= now,
            ~before,
        )
        .order_by(Message.next_try_at, Message.id)
        .limit(1)
        .with_for_update(of=(Message, ChatGroup), skip_locked=True)
        .execution_options(populate_existing=True)
    )
    while True:
        row = session.execute(query.where(cast(Message.group_id, Text).not_in(skipped))).first()
        if row is None:
            return None
        message, group = row
        if group.sealed is not None and may_send(group):
            group.sent_at = [*group.sent_at, now]
            where = GroupAddress(group.id, group.robot, group.language, group.sealed)
            return _claimed(message, "", until, where)
        skipped.add(str(group.id))


def _claimed(
    message: Message, webhook_url: str, until: dt.datetime, group: GroupAddress | None = None
) -> Delivery:
    message.tries += 1
    message.next_try_at = until
    return Delivery(
        district_code=message.district_code,
        id=message.id,
        written_at=message.written_at,
        body_code=message.body_code,
        follow_id=message.follow_id,
        topic=message.topic,
        case_id=message.case_id,
        content=message.content,
        tries=message.tries,
        webhook_url=webhook_url,
        request_id=message.request_id,
        group=group,
    )


def settle(session: Session, delivery: Delivery, outcome: Outcome, *, now: dt.datetime) -> bool:
    """Write down how a try ended; False when the message was claimed again meanwhile."""
    result = session.execute(
        update(Message)
        .where(
            Message.district_code == delivery.district_code,
            Message.id == delivery.id,
            Message.written_at == delivery.written_at,
            Message.state == "waiting",
            Message.tries == delivery.tries,
        )
        .values(
            state=outcome.state,
            last_error=outcome.error,
            next_try_at=outcome.retry_at,
            delivered_at=now if outcome.state == "delivered" else None,
        ),
        execution_options={"synchronize_session": False},
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def backlog(session: Session, *, now: dt.datetime) -> Backlog:
    """How many messages are due and wait, since when, and how many were given up."""
    late = Message.state == "waiting", Message.next_try_at <= now
    due, oldest = session.execute(
        select(func.count(), func.min(Message.next_try_at)).where(*late)
    ).one()
    given_up = session.scalar(select(func.count()).where(Message.state == "given_up"))
    waited = dt.timedelta() if oldest is None else now - oldest
    return Backlog(due, waited.total_seconds(), given_up or 0)


def given_up(session: Session, *, limit: int | None = None) -> list[Message]:
    """The messages that were given up, the oldest first."""
    query = select(Message).where(Message.state == "given_up").order_by(Message.id)
    return list(session.scalars(query if limit is None else query.limit(limit)))


def retry(session: Session, messages: Sequence[Message], *, now: dt.datetime) -> int:
    """Let given-up messages wait again, with all their tries before them."""
    count = 0
    for message in messages:
        result = session.execute(
            update(Message)
            .where(
                Message.district_code == message.district_code,
                Message.id == message.id,
                Message.written_at == message.written_at,
                Message.state == "given_up",
            )
            .values(state="waiting", tries=0, next_try_at=now)
        )
        assert isinstance(result, CursorResult)
        count += result.rowcount
    return count
