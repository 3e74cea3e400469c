"""The worker: a loop that claims due messages and calls the webhooks of their receivers.

The message table is itself the queue, because a job library's own table (procrastinate) would
repeat each message's state beside it, with logic in triggers and claims that name no district.

A claim is a short transaction that moves the message's next try behind a lease and counts the
try; the call happens outside any transaction; a second one writes how it ended, only if the
count is still the same. So two workers never make the same try, a worker that is killed holds
nothing up for longer than the lease, and a message may arrive twice but is never lost.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import structlog
from sqlalchemy.orm import Session, sessionmaker

from gridsvc.cases.core.messages import repository, service
from gridsvc.cases.core.messages.groups import Speaking, outgoing_to_group
from gridsvc.cases.core.messages.model import Delivery, Outcome
from gridsvc.cases.core.messages.service import INBOX_BATCH
from gridsvc.cases.core.messages.webhook import Outgoing, call, outgoing
from gridsvc.db.base import transaction
from gridsvc.errors import Unavailable
from gridsvc.settings import Settings

_log = structlog.get_logger(__name__)

_POLL_S = 1.0
#: A call ends after one timeout; the rest is for writing its outcome down.
_LEASE_TIMEOUTS = 3


@dataclass(slots=True)
class DeliveryCount:
    """What a worker has done: tries that succeeded, failed, and ended in giving up."""

    delivered: int = 0
    failed: int = 0
    given_up: int = 0


@dataclass(slots=True)
class Worker:
    """Delivers messages until it is told to stop; ``clock`` tells the present moment.

    ``speaking`` is what it needs for chat groups; without it their messages wait.
    """

    sessions: sessionmaker[Session]
    settings: Settings
    key: bytes
    clock: Callable[[], dt.datetime]
    chance: Callable[[], float] = random.random
    speaking: Speaking | None = None
    tally: DeliveryCount = field(default_factory=DeliveryCount)

    async def run(self, stop: asyncio.Event, *, once: bool = False) -> DeliveryCount:
        """Deliver until ``stop`` is set, or with ``once`` until nothing is due.

        Calls under way are finished before it returns. A database that does not answer is
        waited for; with ``once`` it raises Unavailable.
        """
        stopping = asyncio.create_task(stop.wait())
        calls: dict[asyncio.Task[Any], Delivery] = {}
        async with httpx.AsyncClient(timeout=None) as client:
            try:
                while not stop.is_set():
                    told, claimed = await self._take(list(calls.values()), patient=not once)
                    self.tally.delivered += told
                    for delivery in claimed:
                        task = asyncio.create_task(self._deliver(client, delivery))
                        calls[task] = delivery
                    if told == INBOX_BATCH:
                        continue
                    if once and not calls:
                        break
                    done, _ = await asyncio.wait(
                        {stopping, *calls}, timeout=_POLL_S, return_when=asyncio.FIRST_COMPLETED
                    )
                    for task in done & calls.keys():
                        del calls[task]
                        await task
            finally:
                stopping.cancel()
                await asyncio.gather(*calls)
        return self.tally

    async def _take(
        self, under_way: list[Delivery], *, patient: bool
    ) -> tuple[int, list[Delivery]]:
        try:
            return await asyncio.to_thread(self._claim, under_way)
        except Unavailable as error:
            if not patient:
                raise
            _log.warning("the database does not answer; waiting", reason=error.detail)
            return 0, []

    def _claim(self, under_way: list[Delivery]) -> tuple[int, list[Delivery]]:
        with transaction(self.sessions) as session:
            told = service.deliver_to_inboxes(session, now=self.clock())
        # One call a receiver at a time; followers take half of the calls, and bodies the others.
        at_once = self.settings.webhooks_at_once
        followed = sum(one.follow_id is not None for one in under_way)
        with transaction(self.sessions) as session:
            claimed = service.claim_deliveries(
                session,
                robots={} if self.speaking is None else self.speaking.robots,
                most=at_once - len(under_way),
                most_followers=(at_once + 1) // 2 - followed,
                busy={one.receiver for one in under_way},
                now=self.clock(),
                lease=_LEASE_TIMEOUTS * self._timeout,
                timeout=self._timeout,
            )
        return told, claimed

    async def _deliver(self, client: httpx.AsyncClient, delivery: Delivery) -> None:
        try:
            sent, timeout_s = self._outgoing(delivery), self.settings.webhook_timeout_s
            error = await call(client, sent, timeout_s=timeout_s)
        except Unavailable as unreadable:
            error = unreadable.detail
        about = {
            "message": str(delivery.id),
            "receiver": delivery.receiver,
            "tries": delivery.tries,
            "request_id": delivery.request_id,
        }
        try:
            outcome = await asyncio.to_thread(self._settle, delivery, error)
        except Unavailable:
            # The lease ends by itself, and the message is sent again under the same id.
            _log.warning("an outcome could not be written down", **about)
            return
        if outcome is None:
            _log.warning("another worker took the message over", **about)
        elif outcome.state == "delivered":
            self.tally.delivered += 1
        elif outcome.state == "given_up":
            self.tally.given_up += 1
            _log.error("the message is given up", error=error, **about)
        else:
            self.tally.failed += 1
            _log.warning("the webhook did not take the message", error=error, **about)

    @property
    def _timeout(self) -> dt.timedelta:
        return dt.timedelta(seconds=self.settings.webhook_timeout_s)

    def _outgoing(self, delivery: Delivery) -> Outgoing:
        if delivery.group is not None and self.speaking is not None:
            return outgoing_to_group(delivery, delivery.group, self.speaking, now=self.clock())
        private = delivery.follow_id is None or self.settings.follow_private_addresses
        return outgoing(delivery, key=self.key, now=self.clock(), private=private)

    def _settle(self, delivery: Delivery, error: str | None) -> Outcome | None:
        """Write down how a try ended; None when the message is another worker's by now."""
        now = self.clock()
        outcome = service.judge(
            delivery,
            error,
            max_attempts=self.settings.max_attempts,
            base_s=self.settings.retry_pause_s,
            chance=self.chance(),
            now=now,
        )
        with transaction(self.sessions) as session:
            kept = repository.settle(session, delivery, outcome, now=now)
        return outcome if kept else None
