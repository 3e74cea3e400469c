"""Chat groups are entered with their robot's address, which is sealed, and ended."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.city.robots import Robot, Signed
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, Conflict, NotAllowed, NotFound
from gridsvc.registry.access.keys import seal, unseal
from gridsvc.registry.bodies.service import body_or_refuse, http_url
from gridsvc.registry.groups import repository
from gridsvc.registry.groups.models import ChatGroup

_BATCH = 500
#: Where :func:`reseal` begins.
FIRST = ("", uuid.UUID(int=0))
_LEADER = "-leader"


@dataclass(frozen=True, slots=True)
class NewGroup:
    """A group as somebody enters it; ``secret`` is that of a robot that signs, else None."""

    inbox: str
    name: str
    robot: str
    url: str
    secret: str | None
    kinds: Sequence[str]
    language: str


def add_group(
    session: Session,
    caller: Caller,
    robots: Mapping[str, Robot],
    given: NewGroup,
    key: bytes,
    *,
    known_kinds: Collection[str],
    now: dt.datetime,
) -> ChatGroup:
    """Enter a group, its address and secret sealed with the key.

    Raises NotFound, NotAllowed, BadInput, and Conflict for an address that has a group.
    """
    check_inbox(session, caller, given.inbox)
    robot = robots.get(given.robot)
    if robot is None:
        known = ", ".join(robots)
        raise BadInput(f"There is no robot '{given.robot[:40]}'; there are {known}.", field="robot")
    url = http_url(given.url, field="url")
    if not url.startswith(robot.addresses):
        starts = ", ".join(robot.addresses)
        raise BadInput(f"A webhook of {robot.name} begins with {starts}.", field="url")
    if (robot.sign is Signed.NONE) is not (given.secret is None):
        raise BadInput(
            f"The robot {robot.name} signs by '{robot.sign}'; send a secret only where it needs"
            " one.",
            field="secret",
        )
    kinds = list(dict.fromkeys(given.kinds))
    if not kinds or not set(kinds) <= set(known_kinds):
        raise BadInput(f"'kinds' are some of {', '.join(known_kinds)}.", field="kinds")
    address_hash = hashlib.sha256(url.encode()).hexdigest()
    group = ChatGroup(
        id=uuid7(),
        inbox=given.inbox,
        name=given.name,
        robot=robot.name,
        language=given.language,
        kinds=kinds,
        sealed=seal(key, {"url": url, "secret": given.secret}),
        address_hash=address_hash,
        created_at=now,
        created_by=caller.named[:100],
        ended_at=None,
        sent_at=[],
    )
    try:
        with session.begin_nested():
            session.add(group)
    except IntegrityError:
        raise Conflict(
            "The group at this address is entered already; two entries would tell it everything"
            " twice. End the other one first."
        ) from None
    return group


def end_group(
    session: Session, caller: Caller, inbox: str, group_id: uuid.UUID, *, now: dt.datetime
) -> ChatGroup:
    """Tell a group no more; its address is forgotten, and its links open nothing.

    Raises NotFound, NotAllowed.
    """
    check_inbox(session, caller, inbox)
    group = repository.group_by_id(session, group_id)
    if group is None or group.inbox != inbox or group.ended_at is not None:
        raise NotFound(f"{inbox} has no group {group_id}.")
    group.ended_at, group.sealed = now, None
    return group


def check_inbox(session: Session, caller: Caller, inbox: str) -> None:
    """Raises NotAllowed but for the body of an inbox and its supervision, NotFound for none."""
    district = inbox.removesuffix(_LEADER)
    if len(district) == 6 and district.isascii() and district.isdigit():
        allowed = caller.supervises(district)
    else:
        body = body_or_refuse(session, inbox, field="body")
        allowed = caller.acts_for(body.code, body.area_code)
    if not allowed:
        raise NotAllowed(f"The groups of {inbox} are for that body and its supervision.")


def address_of(sealed: bytes, keys: Sequence[bytes]) -> Mapping[str, Any]:
    """The address and secret (None without one) of a group. Raises Unavailable."""
    return unseal(keys[0], sealed, *keys[1:])


def reseal(
    session: Session, after: tuple[str, uuid.UUID], keys: Sequence[bytes]
) -> tuple[int, tuple[str, uuid.UUID] | None]:
    """Seal the next addresses with the first of the keys; how many, and where to go on."""
    batch = repository.sealed_after(session, after[1], limit=_BATCH)
    for one in batch:
        if one.sealed is not None:
            one.sealed = seal(keys[0], unseal(keys[0], one.sealed, *keys[1:]))
    return len(batch), ("", batch[-1].id) if batch else None
