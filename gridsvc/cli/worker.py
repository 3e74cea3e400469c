"""The worker that delivers messages, and the messages that it had to give up."""

from __future__ import annotations

import asyncio
import datetime as dt
import signal
import uuid
from dataclasses import asdict
from typing import Annotated

import structlog
import typer
from rich.table import Table
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from gridsvc.api.clock import utc_now
from gridsvc.cases.core.messages import repository
from gridsvc.cases.core.messages.groups import Speaking
from gridsvc.cases.core.messages.service import retry_given_up
from gridsvc.cases.core.messages.worker import DeliveryCount, Worker
from gridsvc.cases.intake.repository import forget_keys
from gridsvc.cases.systems.help_requests.service import end_those_over
from gridsvc.cases.systems.leader_notes.service import remind
from gridsvc.cases.systems.limits import recompute
from gridsvc.cases.systems.reminders.service import notice_limits
from gridsvc.cases.systems.tasks.limits import notice_task_limits
from gridsvc.city import City
from gridsvc.city.robots import ROBOTS
from gridsvc.cli.alarms import scan_due
from gridsvc.cli.runtime import AsJson, console, database, notes, print_json, session
from gridsvc.db.base import transaction
from gridsvc.db.engine import create_engine, session_factory
from gridsvc.db.partitions import ensure_partitions
from gridsvc.db.roles import SERVICE_ROLE
from gridsvc.errors import GridsvcError, NotFound, Unavailable
from gridsvc.foresight.recurring.service import look_back_everywhere
from gridsvc.registry.access.keys import KeyRing, secret_key
from gridsvc.registry.placement.store import AtlasStore
from gridsvc.settings import get_settings

_log = structlog.get_logger(__name__)

_DAY_S = 86_400.0
_SOON_S = 60.0
_SCAN_EVERY_S = 900.0

messages = typer.Typer(help="Messages that could not be delivered.", no_args_is_help=True)


def worker(
    once: Annotated[bool, typer.Option("--once", help="Deliver what is due, then exit.")] = False,
    as_json: AsJson = False,
) -> None:
    """Deliver messages to webhooks until it is stopped; any number of workers may run."""
    settings = get_settings()
    key = secret_key(settings.var_dir / "keys", "webhook", settings.webhook_key)
    url = database(settings)
    engine = create_engine(url, application_name="gridsvc worker", role=SERVICE_ROLE)
    try:
        speaking = Speaking(
            robots=ROBOTS.load(settings),
            key=key,
            keys=KeyRing(settings.var_dir / "keys", "reporter", settings.reporter_key),
            base=settings.public_url,
            hours=settings.group_link_hours,
        )
        loop = Worker(session_factory(engine), settings, key, utc_now, speaking=speaking)
        tally = asyncio.run(_run(loop, engine, once=once))
    finally:
        engine.dispose()
    if as_json:
        print_json(asdict(tally))
    else:
        notes.print(
            f"{tally.delivered:,} delivered, {tally.failed:,} to be tried again,"
            f" {tally.given_up:,} given up."
        )


async def _run(loop: Worker, engine: Engine, *, once: bool) -> DeliveryCount:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if once:
        return await loop.run(stop, once=True)
    notes.print("The worker delivers messages until Ctrl-C.")
    city = City.load(loop.settings)
    beside = (
        _keep_up(engine, loop.sessions, city, stop),
        _watch(loop.sessions, city, stop),
        _foresee(city, stop),
    )
    tasks = [asyncio.create_task(one) for one in beside]
    try:
        return await loop.run(stop)
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def _keep_up(
    engine: Engine, sessions: sessionmaker[Session], city: City, stop: asyncio.Event
) -> None:
    """Once a day make next months' partitions, forget old keys, make provisional limits again.

    And ask for another look at recurring places whose season is near.

    What failed is tried again in a minute.
    """
    keep = dt.timedelta(days=city.settings.idempotency_days)
    while not stop.is_set():
        pause_s = _DAY_S
        try:
            made = await asyncio.to_thread(_make_partitions, engine)
            if made:
                _log.info("partitions were made", partitions=made)
            forgotten = await asyncio.to_thread(_forget_keys, sessions, utc_now() - keep)
            if forgotten:
                _log.info("idempotency keys were forgotten", keys=forgotten)
            looked = await asyncio.to_thread(_look_back, engine, sessions, city)
            if looked:
                _log.info("recurring places are looked at again", places=looked)
            moved = await asyncio.to_thread(_recompute, sessions, city)
            if moved:
                _log.info("provisional limits were made again", cases=moved)
        except (DBAPIError, Unavailable) as error:
            pause_s = _SOON_S
            reason = str(error.orig if isinstance(error, DBAPIError) else error).strip()
            _log.warning("the upkeep failed; it is tried again", reason=reason)
        try:
            await asyncio.wait_for(stop.wait(), pause_s)
        except TimeoutError:
            continue


async def _watch(sessions: sessionmaker[Session], city: City, stop: asyncio.Event) -> None:
    """Every minute tell of limits that have passed, and remind of those that will."""
    while not stop.is_set():
        try:
            noticed = await asyncio.to_thread(_notice_limits, sessions, city)
            if noticed:
                _log.info("limits were noticed", events_and_reminders=noticed)
        except (DBAPIError, Unavailable) as error:
            reason = str(error.orig if isinstance(error, DBAPIError) else error).strip()
            _log.warning("limits could not be looked at; it is tried again", reason=reason)
        try:
            await asyncio.wait_for(stop.wait(), _SOON_S)
        except TimeoutError:
            continue


async def _foresee(city: City, stop: asyncio.Event) -> None:
    """Scan yesterday for hot places, once it is over; any number of workers do it once."""
    while not stop.is_set():
        try:
            raised = await asyncio.to_thread(scan_due, city, stop.is_set)
            if raised:
                _log.info("hot places raised alarms", alarms=raised)
        except (DBAPIError, GridsvcError) as error:
            reason = str(error.orig if isinstance(error, DBAPIError) else error).strip()
            _log.warning("no scan for hot places; it is tried again", reason=reason)
        try:
            await asyncio.wait_for(stop.wait(), _SCAN_EVERY_S)
        except TimeoutError:
            continue


def _notice_limits(sessions: sessionmaker[Session], city: City) -> int:
    with transaction(sessions) as opened:
        noticed = notice_limits(opened, city, now=utc_now())
    with transaction(sessions) as opened:
        noticed += notice_task_limits(opened, city, now=utc_now())
    with transaction(sessions) as opened:
        noticed += end_those_over(opened, now=utc_now())
    with transaction(sessions) as opened:
        return noticed + remind(opened, city, now=utc_now())


def _make_partitions(engine: Engine) -> list[str]:
    with engine.begin() as connection:
        # A new partition locks its table: better none today than every writer waiting behind it.
        connection.execute(text("set local lock_timeout = '4s'"))
        return ensure_partitions(connection, utc_now())


def _forget_keys(sessions: sessionmaker[Session], before: dt.datetime) -> int:
    with transaction(sessions) as opened:
        return forget_keys(opened, before)


def _look_back(engine: Engine, sessions: sessionmaker[Session], city: City) -> int:
    try:
        atlas = AtlasStore(engine, city, utc_now).get(None)
    except NotFound:  # nothing was imported yet
        return 0
    return look_back_everywhere(sessions, city, atlas, now=utc_now())


def _recompute(sessions: sessionmaker[Session], city: City) -> int:
    with transaction(sessions) as opened:
        return recompute(opened, city, now=utc_now())


@messages.command()
def given_up(
    limit: Annotated[int, typer.Option(min=1, help="Show so many, the oldest first.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List the messages that no try could deliver; they are in their inboxes all the same."""
    with session() as opened:
        found = repository.given_up(opened, limit=limit)
    if as_json:
        print_json(
            [
                {
                    "id": message.id,
                    "body": message.body_code,
                    "follow": message.follow_id,
                    "group": message.group_id,
                    "topic": message.topic,
                    "case_id": message.case_id,
                    "written_at": message.written_at.isoformat(),
                    "tries": message.tries,
                    "error": message.last_error,
                }
                for message in found
            ]
        )
        return
    title = f"{len(found):,} given-up messages"
    table = Table("id", "receiver", "topic", "written", "tries", "last error", title=title)
    for message in found:
        table.add_row(
            str(message.id),
            message.receiver,
            message.topic,
            f"{message.written_at:%Y-%m-%d %H:%M}",
            str(message.tries),
            message.last_error,
        )
    console.print(table)


@messages.command()
def retry(
    ids: Annotated[
        list[uuid.UUID] | None, typer.Argument(help="Ids of given-up messages; none: all.")
    ] = None,
) -> None:
    """Let given-up messages be tried again, from the first try on."""
    with session() as opened:
        count = retry_given_up(opened, ids or [], now=utc_now())
    console.print(f"Messages that are tried again: {count:,}.")
