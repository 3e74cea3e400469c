"""From which address a request comes."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import Scope

from gridsvc.errors import BadInput

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(text: str | None) -> tuple[Network, ...]:
    """The networks of a list with commas. Raises BadInput."""
    try:
        return tuple(ipaddress.ip_network(one.strip()) for one in (text or "").split(",") if one)
    except ValueError as error:
        raise BadInput(
            f"GRIDSVC_TRUSTED_PROXIES is {text!r}: {error}.", field="GRIDSVC_TRUSTED_PROXIES"
        ) from None


def address_of(scope: Scope, trusted: Sequence[Network]) -> str:
    """The address of whoever asks; an IPv6 network of 64 bits counts as one.

    Only a trusted proxy's ``X-Forwarded-For`` is read, from its end to the first address that is
    not a trusted proxy's own.
    """
    peer = scope["client"][0] if scope.get("client") else ""
    named = [peer]
    if trusted and _is_in(peer, trusted):
        forwarded = ",".join(Headers(scope=scope).getlist("x-forwarded-for"))
        named = [*(one.strip() for one in forwarded.split(",") if one.strip()), peer]
    strangers = [one for one in named if not _is_in(one, trusted)]
    return _whole((strangers or named)[-1])


def _is_in(address: str, trusted: Sequence[Network]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in trusted)


def _whole(address: str) -> str:
    if ":" not in address:
        return address[:45]
    try:
        return str(ipaddress.ip_network(f"{address.partition('%')[0]}/64", strict=False))
    except ValueError:
        return address[:45]
