"""Plays the demonstration against a server of its own, and tells how it went."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import shapely
import uvicorn
from sqlalchemy import text
from sqlalchemy.orm import Session

from gridsvc.api.app import create_app
from gridsvc.api.clock import utc_now
from gridsvc.api.connections import BoundedConfig, ConnectionLimits
from gridsvc.api.dependencies import Service
from gridsvc.city import City
from gridsvc.db.base import transaction
from gridsvc.db.engine import create_engine, database_url, session_factory
from gridsvc.demo.building import building_astride
from gridsvc.demo.city import GRIDDED, PARTS_IN, count_city, prepare_city
from gridsvc.demo.leaking import Roofs, tell_leaks
from gridsvc.demo.mixed import send_mixed
from gridsvc.demo.playing import Playing, last_playing
from gridsvc.demo.railway import tell_railway
from gridsvc.demo.story import LEAD, OTHER, Told, tell_story
from gridsvc.errors import Unavailable
from gridsvc.settings import Settings

MIXED_REPORTS = 2_000
#: Daxing, where roofs leaked; None: that story is not played.
LEAKS_IN: str | None = "110115"
_GOODBYE_S = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demonstration made: counts, the story, whistles.

    ``told`` is None when nothing was played: the story was ``played`` to its end before, or the
    database has reports of somebody else's. ``others`` are the other stories: title and rows.
    """

    counts: dict[str, int]
    played: bool
    told: Told | None
    others: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    mixed: dict[str, int]
    joint_whistles: tuple[dict[str, Any], ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """One line for scripts."""
        return {
            **self.counts,
            "joint_whistles": list(self.joint_whistles),
            "seconds": round(self.seconds, 1),
        }


@contextmanager
def serving(settings: Settings, port: int) -> Iterator[tuple[httpx.Client, Service]]:
    """A server in this process, on loopback; gives a client of it. Raises Unavailable."""
    app = create_app(settings)
    config = BoundedConfig(
        app,
        limits=ConnectionLimits.of(settings),
        host="127.0.0.1",
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_GOODBYE_S,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="gridsvc serve", daemon=True)
    thread.start()
    try:
        while not server.started:
            thread.join(0.02)
            if not thread.is_alive():
                raise Unavailable(
                    f"The server ended before it answered on port {port}; the lines above say why."
                    " If the port is taken, choose another --port."
                )
        # No limit on an answer: the server is in this process and ends with it.
        with httpx.Client(base_url=f"http://127.0.0.1:{_port_of(server)}", timeout=None) as http:
            yield http, app.state.service
    finally:
        server.should_exit = True
        thread.join()


def play(
    settings: Settings,
    http: httpx.Client,
    service: Service,
    *,
    tell: Callable[[str], None],
    track: Callable[[int], Callable[[], None]],
    again: bool = False,
) -> Outcome:
    """Play the story and send the mixed reports, once in the life of a database.

    A playing that was interrupted is taken up, and all of it told. Where somebody else has filed
    reports, and where it was played to its end, it is played only ``again``.
    ``tell`` hears each stage, ``track`` gives a function that counts the mixed reports.
    """
    started = time.perf_counter()
    told, mixed = None, {}
    others: list[tuple[str, tuple[tuple[str, str], ...]]] = []
    number, ended = last_playing(service.sessions)
    with transaction(service.sessions) as session:
        strange = not number and count_city(session)["reports"] > 0
    if again or not (ended or strange):
        if number and not ended:
            tell("The story was interrupted: it goes on, and is told from its beginning.")
        else:
            number += 1
        playing = Playing(number, http, service.tokens.key, service.sessions)
        playing.begin()
        with transaction(service.sessions) as session:
            lead, other = (_area(session, "street", code) for code in (LEAD, OTHER))
            building = building_astride(lead, other, service.city.plane)
            districts = [_area(session, "district", code) for code in GRIDDED]
            parts = _some_parts(session)
        told = tell_story(playing, building, tell)
        tell(f"{MIXED_REPORTS:,} mixed reports")
        mixed = send_mixed(playing, districts, parts, MIXED_REPORTS, track(MIXED_REPORTS))
        if LEAKS_IN is not None:
            atlas = service.atlases.get(None)
            with transaction(service.sessions) as session:
                ground = _area(session, "district", LEAKS_IN)
            roofs = Roofs(LEAKS_IN, ground, service.city, atlas, service.sessions)
            others.append(("Leaking roofs", tell_leaks(playing, roofs, utc_now(), tell)))
        others.append(("A team along a railway", tell_railway(playing, tell)))
        playing.end()
    with transaction(service.sessions) as session:
        counts = count_city(session)
    whistles = http.get("/v1/whistles", params={"joint": True, "limit": 500}).json()["whistles"]
    return Outcome(
        counts=counts,
        played=number > 0,
        told=told,
        others=tuple(others),
        mixed=mixed,
        joint_whistles=tuple(
            {name: whistle[name] for name in ("id", "areas", "state", "actions")}
            for whistle in whistles
        ),
        seconds=time.perf_counter() - started,
    )


def prepare(city: City, tell: Callable[[str], None]) -> None:
    """Make the city ready, in the owner's role and without a limit on statements."""
    engine = create_engine(database_url(city.settings), statement_timeout_s=0.0)
    try:
        prepare_city(session_factory(engine), city, tell)
    finally:
        engine.dispose()


def _port_of(server: uvicorn.Server) -> int:
    return int(server.servers[0].sockets[0].getsockname()[1])


def _area(session: Session, level: str, code: str) -> shapely.MultiPolygon:
    wkb = session.execute(
        text(
            "select st_asbinary(geometry) from area join edition on edition.id = edition_id"
            " where edition.state = 'active' and area.level = :level and code = :code"
        ),
        {"level": level, "code": code},
    ).scalar_one()
    return shapely.from_wkb(bytes(wkb))


def _some_parts(session: Session) -> list[tuple[str, str]]:
    rows = session.execute(
        text(
            "select district_code, code from part where district_code = :district"
            " order by code limit 200000"
        ),
        {"district": PARTS_IN},
    )
    return [(row[0], row[1]) for row in rows][::97]
