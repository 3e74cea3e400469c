"""What one caller takes of the service: counted by token or, without one that holds, by address.

A process counts for itself, in memory.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from limits import (
    RateLimitItem,
    RateLimitItemPerHour,
    RateLimitItemPerMinute,
    RateLimitItemPerSecond,
)
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gridsvc.api.allowances import ANONYMOUS, Allowance
from gridsvc.api.problems import problem_response
from gridsvc.callers import Caller, Role
from gridsvc.errors import BadInput, GridsvcError, NotAuthenticated, TooMany, Unavailable
from gridsvc.registry.access.service import Tokens

_LOOK_UP = "/v1/locate"
_INTAKE = "/v1/reports"
#: Answers that are read for long.
_LONG_AT, _LONG_TO = "/exports/", "/events"
#: So many look-ups are counted at once: to count each costs a tenth of answering it.
_LOT = 50
_REMEMBERED = 10_000
_SWEPT_AT_LEAST = 10_000
_FREE = ("/healthz",)
_READING = frozenset({"GET", "HEAD"})


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
    if not trusted or not _is_in(peer, trusted):
        return _whole(peer)
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


class _Counts(Storage):
    """Counters that expire; the library's own start a thread every 10 ms to forget them.

    What has expired is dropped when there are twice as many as were left the last time.
    """

    STORAGE_SCHEME = None
    base_exceptions = ()

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        #: Each key's count, and until when it holds (Unix seconds).
        self._counts: dict[str, tuple[int, float]] = {}
        self._sweep_at = _SWEPT_AT_LEAST

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, for ``expiry`` seconds from the first; gives the count."""
        now = time.time()
        with self._lock:
            count, until = self._counts.get(key, (0, 0.0))
            if until <= now:
                count, until = 0, now + expiry
            self._counts[key] = count + amount, until
            if len(self._counts) > self._sweep_at:
                self._counts = {k: one for k, one in self._counts.items() if one[1] > now}
                self._sweep_at = max(_SWEPT_AT_LEAST, 2 * len(self._counts))
        return count + amount

    def get(self, key: str) -> int:
        """The count of a key; 0 where none holds."""
        count, until = self._counts.get(key, (0, 0.0))
        return count if until > time.time() else 0

    def get_expiry(self, key: str) -> float:
        """Until when a key's count holds (Unix seconds); now where none does."""
        return max(self._counts.get(key, (0, 0.0))[1], time.time())

    def check(self) -> bool:
        """Memory is always there."""
        return True

    def reset(self) -> int:
        """Forget all; gives how many keys there were."""
        with self._lock:
            forgotten, self._counts = len(self._counts), {}
        return forgotten

    def clear(self, key: str) -> None:
        """Forget a key."""
        with self._lock:
            self._counts.pop(key, None)


class _Share:
    """The allowance of a role, as the library counts it."""

    def __init__(self, allowance: Allowance) -> None:
        self.allowance = allowance
        self.requests = RateLimitItemPerMinute(allowance.requests)
        self.work_ms = RateLimitItemPerMinute(1000 * allowance.work_s)
        self.kilobytes = RateLimitItemPerMinute(1000 * allowance.megabytes)
        #: What is known only when a request is over, and what it is called.
        self.afterwards = (
            (self.work_ms, "seconds of work of this minute"),
            (self.kilobytes, "megabytes of this minute"),
        )


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, as far as it counts: a key, the role's share, the address."""

    key: str
    share: _Share
    address: str
    caller: Caller | None


class Quotas:
    """ASGI middleware: 429 to whoever asks for more than their share, 503 when all is taken.

    It leaves the :class:`Asker` in ``scope["asker"]``.
    """

    def __init__(
        self,
        app: ASGIApp,
        allowances: Mapping[str, Allowance],
        tokens: Tokens,
        trusted: tuple[Network, ...],
        at_once: int,
        look_up: ASGIApp,
    ) -> None:
        self._app = app
        self._shares = {role: _Share(allowance) for role, allowance in allowances.items()}
        self._tokens = tokens
        self._trusted = trusted
        self._at_once = at_once
        self._look_up = look_up
        self._limiter = FixedWindowRateLimiter(_Counts())
        anonymous = allowances[ANONYMOUS]
        self._look_ups = RateLimitItemPerMinute(anonymous.look_ups)
        self._lot = min(_LOT, anonymous.look_ups)
        self._citizens = RateLimitItemPerHour(anonymous.reports)
        self._lots: dict[str, int] = {}
        self._holders: dict[bytes, Caller | None] = {}
        self._running: Counter[str] = Counter()
        self._all_running = 0
        #: Whose work or bytes of a minute are used up: which, and until when (Unix seconds).
        self._spent: dict[str, tuple[str, float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the request, and pass it on if there is room for it."""
        if scope["type"] != "http" or (scope["path"] in _FREE and scope["method"] in _READING):
            await self._app(scope, receive, send)
            return
        try:
            reads = scope["path"] == _LOOK_UP and scope["method"] in _READING
            if reads and b"as_of=" not in scope["query_string"]:
                self._count_look_up(address_of(scope, self._trusted))
                passed = self._look_up(scope, receive, send)
            else:
                asker = scope["asker"] = self._asker(scope)
                running = self._admit(asker, scope)
                passed = self._counted(asker, running, scope, receive, send)
        except GridsvcError as refused:
            passed = problem_response(refused, scope)(scope, receive, send)
        await passed

    def _count_look_up(self, address: str) -> None:
        left = self._lots.get(address, 0)
        if not left:
            if len(self._lots) >= _REMEMBERED:
                self._lots.clear()
            left = self._lot
            self._take(self._look_ups, f"look-ups {address}", "look-ups of this minute", left)
        self._lots[address] = left - 1

    def _asker(self, scope: Scope) -> Asker:
        address = address_of(scope, self._trusted)
        for name, value in scope["headers"]:
            if name == b"authorization":
                caller = self._holder(value)
                if caller is not None:
                    share = self._shares[caller.role]
                    return Asker(f"token {caller.token_id}", share, address, caller)
        return Asker(f"address {address}", self._shares[ANONYMOUS], address, None)

    def _holder(self, authorization: bytes) -> Caller | None:
        """Whom a header's token was made for; what it still opens, the routes decide."""
        if authorization in self._holders:
            return self._holders[authorization]
        scheme, _, token = authorization.decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            caller = self._tokens.holder(token.strip(), ask=False)
        except NotAuthenticated:
            return None
        if len(self._holders) >= _REMEMBERED:
            self._holders.clear()
        self._holders[authorization] = caller
        return caller

    def _admit(self, asker: Asker, scope: Scope) -> str:
        """The name under which the request counts while it is answered.

        Raises TooMany, Unavailable.
        """
        share, path = asker.share, scope["path"]
        if path.startswith(_LONG_AT) or path.endswith(_LONG_TO):
            running, most, what = f"streams {asker.key}", share.allowance.streams, "streams"
        else:
            running, most, what = asker.key, share.allowance.at_once, "requests"
            if self._all_running >= self._at_once:
                raise Unavailable(
                    "The service answers as many requests as it can; try again in a moment.",
                    retry_after_s=1,
                )
        if self._running[running] >= most:
            raise TooMany(
                f"You have {most:,} {what} that are not answered to their end; end one of them"
                " first.",
                retry_after_s=1,
            )
        if asker.key in self._spent:
            name, until = self._spent[asker.key]
            if time.time() < until:
                raise used_up(name, until)
            del self._spent[asker.key]
        self._take(share.requests, f"requests {asker.key}", "requests of this minute")
        citizen = asker.caller is None or asker.caller.role is Role.CITIZEN
        if citizen and path == _INTAKE and scope["method"] == "POST" and self._citizens.amount:
            self._take(self._citizens, f"reports {asker.address}", "reports of this hour")
        return running

    def _take(self, item: RateLimitItem, key: str, what: str, count: int = 1) -> None:
        if not self._limiter.hit(item, key, cost=count):
            raise self._too_many(item, key, what)

    def _too_many(self, item: RateLimitItem, key: str, what: str) -> TooMany:
        return used_up(what, self._limiter.get_window_stats(item, key).reset_time)

    async def _counted(
        self, asker: Asker, running: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Pass on, counting what is sent, and the time from the end of the body to the answer."""
        came, begun, ended = 0, time.monotonic(), 0.0

        async def receiving() -> Message:
            nonlocal came, begun
            message = await receive()
            if not ended:
                came += len(message.get("body", b""))
                begun = time.monotonic()
            return message

        async def sending(message: Message) -> None:
            nonlocal ended
            ended = ended or time.monotonic()
            await send(message)

        short = running == asker.key
        self._running[running] += 1
        self._all_running += short
        try:
            await self._app(scope, receiving, sending)
        finally:
            self._all_running -= short
            self._running[running] -= 1
            if not self._running[running]:
                del self._running[running]
            worked_ms = round(1000 * ((ended or time.monotonic()) - begun))
            for (item, name), cost in zip(
                asker.share.afterwards, (worked_ms, came // 1000), strict=True
            ):
                key = f"{name} {asker.key}"
                if cost and not self._limiter.hit(item, key, cost=cost):
                    until = self._limiter.get_window_stats(item, key).reset_time
                    self._spent[asker.key] = name, until


class Pace:
    """How fast reports of one citizen are taken in."""

    def __init__(self, allowances: Mapping[str, Allowance]) -> None:
        self._allowances = allowances
        self._limiter = FixedWindowRateLimiter(_Counts())

    def admit(self, caller: Caller) -> bool:
        """Count one report; whether it comes after those that nobody looks at twice.

        Raises TooMany where it comes too soon after the one before.
        """
        allowance = self._allowances[caller.role]
        if not allowance.reports:
            return False
        key = str(caller.token_id)
        if self._limiter.hit(RateLimitItemPerHour(allowance.reports), key):
            return False
        slow = RateLimitItemPerSecond(1, allowance.then_every_s)
        if not self._limiter.hit(slow, key):
            raise used_up(
                "reports of this hour", self._limiter.get_window_stats(slow, key).reset_time
            )
        return True


def used_up(what: str, until: float) -> TooMany:
    """The refusal of whoever has had their share until a moment (Unix seconds)."""
    wait_s = max(1, math.ceil(until - time.time()))
    return TooMany(
        f"You have used up your {what}; ask again in {wait_s} seconds.", retry_after_s=wait_s
    )
