"""One call of a webhook: signed, bounded in time, never followed elsewhere.

The address of a body's was set by whoever runs the service. A follower's comes from anybody, so it
must lie in the public internet: what its name stands for is looked up once, judged, and called.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import hmac
import ipaddress
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gridsvc.cases.core.messages.model import Delivery

if TYPE_CHECKING:
    import httpx

_LONGEST_REASON = 300
#: An answer that tells whether a message was taken is short.
_MOST_READ_BYTES = 4_096
#: IPv6 addresses that a gateway turns into IPv4 ones (RFC 6052, RFC 8215).
_TRANSLATED = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48")))


def webhook_secret(key: bytes, receiver: str) -> str:
    """The secret that a body or a follower checks signatures with; each has its own.

    Made from the service's key, so that one receiver cannot sign messages to another.
    """
    return hmac.new(key, f"webhook:{receiver}".encode(), hashlib.sha256).hexdigest()


async def public_address(url: str) -> str:
    """An address of a URL's host, all of which lie in the public internet.

    Raises NotPublic; the name is to be looked up by nobody after that.
    """
    import httpx  # rare

    parsed = httpx.URL(url)
    port = parsed.port or {"https": 443}.get(parsed.scheme, 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            parsed.host, port, type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError):
        raise NotPublic(f"no address is known of {parsed.host}") from None
    addresses = [str(one[4][0]) for one in found]
    for address in addresses:
        if not is_public(address):
            where = "" if address == parsed.host else f" ({address})"
            raise NotPublic(f"{parsed.host}{where} is not in the public internet")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address can be anybody's, and leads to no other one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and (
        ip.sixtofour or ip.teredo or any(ip in network for network in _TRANSLATED)
    ):
        return False
    return ip.is_global and not ip.is_multicast


class NotPublic(Exception):
    """The host of a webhook is unknown, or not in the public internet."""


def signature(secret: str, payload: bytes, at: dt.datetime) -> str:
    """The header ``Gridsvc-Signature``: ``t=<unix seconds>,v1=<hexadecimal HMAC-SHA256>``.

    What is signed is the timestamp, a full stop and the payload.
    """
    timestamp = str(int(at.timestamp()))
    signed = f"{timestamp}.".encode() + payload
    return f"t={timestamp},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One POST: where, what, and how its answer is read.

    Unless it may be ``private``, the address is held to the public internet. ``accepted`` says from
    the first bytes of a 2xx answer why the message was not taken, None when it was. What is told
    of a fault never holds a ``secret`` address.
    """

    url: str
    payload: bytes
    headers: Mapping[str, str]
    private: bool
    accepted: Callable[[bytes], str | None] | None = None
    secret: bool = False


def outgoing(delivery: Delivery, *, key: bytes, now: dt.datetime, private: bool) -> Outgoing:
    """The POST of a message to a body or a follower, signed."""
    payload = delivery.payload()
    headers = {
        "Idempotency-Key": str(delivery.id),
        "Gridsvc-Signature": signature(webhook_secret(key, delivery.receiver), payload, now),
    }
    if delivery.request_id is not None:
        headers["X-Request-ID"] = delivery.request_id
    return Outgoing(delivery.webhook_url, payload, headers, private)


async def call(client: httpx.AsyncClient, sent: Outgoing, *, timeout_s: float) -> str | None:
    """POST a message to its webhook; None when it was taken, else the reason in words.

    ``timeout_s`` bounds the whole call. Of the answer no more is read than tells whether it was.
    """
    import httpx  # rare

    headers = {"Content-Type": "application/json", "User-Agent": "gridsvc", **sent.headers}
    try:
        async with asyncio.timeout(timeout_s):
            url, named = httpx.URL(sent.url), dict[str, str]()
            if not sent.private:
                # Called by the address that was judged: its name may stand for another one by now.
                headers["Host"], named = url.netloc.decode(), {"sni_hostname": url.host}
                url = url.copy_with(host=await public_address(sent.url))
            async with client.stream(
                "POST", url, content=sent.payload, headers=headers, extensions=named
            ) as answer:
                if not answer.is_success:
                    said = f"it answered {answer.status_code} {answer.reason_phrase}"
                    return said[:_LONGEST_REASON]
                if sent.accepted is None:
                    return None
                return sent.accepted(await _beginning(answer))
    except NotPublic as error:
        return str(error)[:_LONGEST_REASON]
    except TimeoutError:
        return f"it did not answer within {timeout_s:g} s"
    except Exception as error:  # noqa: BLE001, RUF100 - whatever one receiver does, the others go on
        said = "" if sent.secret else str(error)
        return f"{type(error).__name__}: {said}".rstrip(": ")[:_LONGEST_REASON]


async def _beginning(answer: httpx.Response) -> bytes:
    read = b""
    async for part in answer.aiter_bytes():
        read += part
        if len(read) > _MOST_READ_BYTES:
            break
    return read[:_MOST_READ_BYTES]
