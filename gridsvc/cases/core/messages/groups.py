"""Messages to chat groups: written for their robot, signed as it asks, with the link to answer by.

A link is signed and expires. It names a group and a case, and opens no more than the group's body
may do there.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import struct
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

import orjson

from gridsvc.cases.core.messages.model import Delivery, GroupAddress
from gridsvc.cases.core.messages.webhook import Outgoing, signature, webhook_secret
from gridsvc.city.robots import Robot, Signed
from gridsvc.errors import NotAllowed
from gridsvc.registry.access.keys import KeyRing
from gridsvc.registry.groups.service import address_of

#: Where a link leads, behind the address at which the service is reached.
LINKS = "/v1/group-links/"
_LINK = struct.Struct(">16s16sI")
#: So much of an HMAC-SHA256 nobody guesses (RFC 2104, section 5, wants at least ten).
_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class Speaking:
    """What the worker needs to speak in groups.

    ``key`` signs, ``keys`` open sealed addresses; ``base`` is where the service is reached from
    outside, None where that is not set: then messages have no link.
    """

    robots: Mapping[str, Robot]
    key: bytes
    keys: KeyRing
    base: str | None
    hours: int


@dataclass(frozen=True, slots=True)
class GroupLink:
    """What a link opens: a case, for the body of a group."""

    group_id: uuid.UUID
    case_id: uuid.UUID
    expires_at: dt.datetime


def outgoing_to_group(
    delivery: Delivery, group: GroupAddress, speaking: Speaking, *, now: dt.datetime
) -> Outgoing:
    """The POST of a message to a group's robot. Raises Unavailable for an address of another key.

    The robot's address was checked against those that the city's table names when the group was
    entered; they may be private ones.
    """
    robot, where = speaking.robots[group.robot], address_of(group.sealed, speaking.keys.keys)
    link = None
    if speaking.base is not None:
        expires_at = now + dt.timedelta(hours=speaking.hours)
        sealed = write_link(speaking.key, GroupLink(group.id, delivery.case_id, expires_at))
        link = f"{speaking.base.rstrip('/')}{LINKS}{sealed}"
    text = robot.text_of(
        str(delivery.content["text"]), link, hours=speaking.hours, language=group.language
    )
    payload = orjson.dumps(robot.written(text))
    secret = webhook_secret(speaking.key, delivery.receiver)
    return Outgoing(
        url=signed_url(robot, where, now),
        payload=payload,
        headers={
            "Idempotency-Key": str(delivery.id),
            "Gridsvc-Signature": signature(secret, payload, now),
        },
        private=True,
        accepted=lambda answer: refused(robot, answer),
        secret=True,
    )


def signed_url(robot: Robot, where: Mapping[str, Any], now: dt.datetime) -> str:
    """Where a robot is called now.

    DingTalk's has the timestamp in milliseconds, and the base64 of the HMAC-SHA256, by the secret,
    of timestamp, a line feed and the secret.
    """
    url = str(where["url"])
    if robot.sign is not Signed.DINGTALK:
        return url
    secret, timestamp = str(where["secret"]), str(int(now.timestamp() * 1_000))
    said = f"{timestamp}\n{secret}".encode()
    mac = base64.b64encode(hmac.new(secret.encode(), said, hashlib.sha256).digest()).decode()
    return f"{url}{'&' if '?' in url else '?'}timestamp={timestamp}&sign={quote_plus(mac)}"


def refused(robot: Robot, answer: bytes) -> str | None:
    """Why a robot did not take a message, by its answer of 200; None when it did."""
    try:
        code = orjson.loads(answer)[robot.accepted]
    except (orjson.JSONDecodeError, LookupError, TypeError):
        return f"it answered without '{robot.accepted}'"
    return None if code == 0 else f"it answered {robot.accepted} {str(code)[:20]}"


def write_link(key: bytes, link: GroupLink) -> str:
    """The last part of a link's address: letters, digits, dashes and underlines."""
    expires = int(link.expires_at.timestamp())
    return _sealed(key, _LINK.pack(link.group_id.bytes, link.case_id.bytes, expires))


def read_link(key: bytes, text: str, *, now: dt.datetime) -> GroupLink:
    """What a link opens. Raises NotAllowed for one that is not ours, or has expired."""
    try:
        read = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        read = b""
    said = read[: _LINK.size]
    # Compared as text: the last letter has bits that no byte needs.
    known = _sealed(key, said).encode()
    if len(said) != _LINK.size or not hmac.compare_digest(known, text.encode()):
        raise NotAllowed("This link is not one of ours, or was cut; open it from the message.")
    group, case, expires = _LINK.unpack(said)
    expires_at = dt.datetime.fromtimestamp(expires, dt.UTC)
    if now >= expires_at:
        raise NotAllowed(
            f"This link expired at {expires_at.isoformat()}; the next message has a new one, and"
            " the case is in the body's own list."
        )
    return GroupLink(uuid.UUID(bytes=group), uuid.UUID(bytes=case), expires_at)


def _sealed(key: bytes, said: bytes) -> str:
    return base64.urlsafe_b64encode(said + _mac(key, said)).rstrip(b"=").decode()


def _mac(key: bytes, said: bytes) -> bytes:
    own = hmac.new(key, b"group-link", hashlib.sha256).digest()
    return hmac.new(own, said, hashlib.sha256).digest()[:_MAC_BYTES]
