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
from typing import TYPE_CHECKING

from gridsvc.cases.core.messages.model import Delivery

if TYPE_CHECKING:
    import httpx

_LONGEST_REASON = 300
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


async def call(
    client: httpx.AsyncClient,
    delivery: Delivery,
    *,
    key: bytes,
    now: dt.datetime,
    timeout_s: float,
    private: bool,
) -> str | None:
    """POST a message to its webhook; None when it answered 2xx, else the reason in words.

    ``timeout_s`` bounds the whole call. The answer's body is never read. Unless it may be
    ``private``, the address is held to the public internet.
    """
    import httpx  # rare

    payload = delivery.payload()
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": str(delivery.id),
        "Gridsvc-Signature": signature(webhook_secret(key, delivery.receiver), payload, now),
        "User-Agent": "gridsvc",
    }
    if delivery.request_id is not None:
        headers["X-Request-ID"] = delivery.request_id
    try:
        async with asyncio.timeout(timeout_s):
            url, named = httpx.URL(delivery.webhook_url), dict[str, str]()
            if not private:
                # Called by the address that was judged: its name may stand for another one by now.
                headers["Host"], named = url.netloc.decode(), {"sni_hostname": url.host}
                url = url.copy_with(host=await public_address(delivery.webhook_url))
            async with client.stream(
                "POST", url, content=payload, headers=headers, extensions=named
            ) as answer:
                if answer.is_success:
                    return None
                return f"it answered {answer.status_code} {answer.reason_phrase}"[:_LONGEST_REASON]
    except NotPublic as error:
        return str(error)[:_LONGEST_REASON]
    except TimeoutError:
        return f"it did not answer within {timeout_s:g} s"
    except Exception as error:  # noqa: BLE001, RUF100 - whatever one receiver does, the others go on
        return f"{type(error).__name__}: {error}".rstrip(": ")[:_LONGEST_REASON]
