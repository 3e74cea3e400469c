"""The demonstration's story in the made-up city: interrupted anywhere, it is told to its end."""

from __future__ import annotations

import json
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import shapely
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from gridsvc.api.app import create_app
from gridsvc.db import PrivateCluster, session_factory
from gridsvc.demo.building import Building
from gridsvc.demo.playing import Playing
from gridsvc.demo.story import Told, tell_story
from gridsvc.settings import Settings
from tests.scratch import copy_of
from tests.service import joint_city as city
from tests.service.conftest import REPORTER_KEY, TOKEN_KEY, served
from tests.waiting import Command

#: Plays on the made-up city, with fewer reports; killed at the n-th telling or mixed report.
_PLAY = """
import importlib, json, os, signal, sys
from gridsvc.settings import get_settings

play = importlib.import_module("gridsvc.demo.play")
play.GRIDDED, play.PARTS_IN, play.MIXED_REPORTS = ("110102", "110106"), "110102", 40
play.LEAKS_IN = None
railway = importlib.import_module("gridsvc.demo.railway")
railway.RAILWAY = {"type": "LineString", "coordinates": [[116.303, 39.884], [116.338, 39.887]]}
railway.BODIES = ("110102-GZ", "110106-GZ")
stage, left = sys.argv[1], int(sys.argv[2])

def passed(here):
    global left
    left -= here == stage
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

with play.serving(get_settings(), 0) as (http, service):
    outcome = play.play(get_settings(), http, service, tell=lambda what: passed("telling"),
                        track=lambda total: lambda: passed("mixed"), again=stage == "again")
rows = None if outcome.told is None else outcome.told.rows
print("outcome:", json.dumps([outcome.played, rows, outcome.counts["reports"]]))
"""


class _Died(BaseException):
    """The player was killed: no handler of its own sees this."""


class _Dying(httpx.HTTPTransport):
    """The way to the service of a player who dies before it hears that its first new write is done.

    What was written before is answered once more, and is not new.
    """

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        writes = request.method == "POST" and request.url.path != "/v1/straddle"
        if writes and response.is_success and "Idempotency-Replayed" not in response.headers:
            raise _Died
        return response


City = tuple[httpx.Client, Callable[[], Session], str]


@pytest.fixture
def new_city(cluster: PrivateCluster, city_template: str, index_folder: Path) -> Iterator[Any]:
    """Makes cities of the same kind: each a service's client, a maker of sessions, a database."""
    with ExitStack() as open_cities:

        def make() -> City:
            url = open_cities.enter_context(copy_of(cluster, city_template))
            engine = create_engine(url)
            open_cities.callback(engine.dispose)
            settings = Settings(
                DATABASE_URL=url,
                var_dir=index_folder,
                token_key=TOKEN_KEY,
                reporter_key=REPORTER_KEY,
            )
            client = open_cities.enter_context(served(create_app(settings)))
            return client, session_factory(engine), url

        yield make


def _tell(http: httpx.Client, sessions: Any) -> Told:
    west, east = (shapely.Point(*city.beside_border(metres).values()) for metres in (-9, 9))
    building = Building(shapely.geometry.shape(city.astride()), west, east)
    playing = Playing(1, http, bytes.fromhex(TOKEN_KEY), sessions)
    return tell_story(playing, building, lambda _: None)


def test_a_story_whose_player_dies_after_any_write_is_taken_up_and_ends_the_same(
    new_city: Callable[[], City],
) -> None:
    client, sessions, _ = new_city()
    undisturbed = _tell(client, sessions)
    with sessions() as session:
        counts = city.counts(session)

    client, sessions, _ = new_city()
    deaths, told = 0, None
    while told is None:
        with httpx.Client(base_url=client.base_url, transport=_Dying(), timeout=None) as dying:
            try:
                told = _tell(dying, sessions)
            except _Died:
                deaths += 1

    # After every write; the refusal and the plan's time are kept beside them.
    assert deaths == counts["idempotency_key"] - 2 > 30
    assert told.rows == undisturbed.rows
    assert (told.intact, told.whistle["state"]) == (True, "closed")
    with sessions() as session:
        assert city.counts(session) == counts


@pytest.fixture
def play(city_database: str, index_folder: Path) -> Iterator[Callable[..., Any]]:
    """Plays in a process; gives its outcome, None when it was killed."""
    started: list[Command] = []

    def run(stage: str = "", count: int = 1) -> Any:
        environment = {"DATABASE_URL": city_database, "GRIDSVC_VAR_DIR": str(index_folder)}
        words = [sys.executable, "-c", _PLAY, stage, count]
        started.append(Command(words, environment=environment))
        if started[-1].wait() == -signal.SIGKILL:
            return None
        return json.loads(started[-1].says(r"outcome: (.*)")[1])

    yield run
    for command in started:
        command.kill()


@pytest.mark.slow
def test_a_demonstration_killed_in_any_act_is_taken_up_and_played_before_only_at_its_end(
    play: Callable[..., Any], new_city: Callable[[], City]
) -> None:
    for stage, count in (("telling", 6), ("mixed", 15)):
        assert play(stage, count) is None
    played, rows, reports = play()
    assert (played, reports) == (True, 42)
    assert rows[0][0] == "Reported from the Xicheng side (gcj02)"
    assert rows[-1][0] == "The trace"
    assert play() == [True, None, 42]
    played, again, reports = play("again")
    assert (played, [row[0] for row in again], reports) == (True, [row[0] for row in rows], 84)


def test_nothing_is_played_beside_reports_of_somebody_else(
    play: Callable[..., Any], citizen: Any
) -> None:
    citizen.report(-300)
    assert play() == [False, None, 1]
    played, rows, reports = play("again")
    assert (played, rows is None, reports) == (True, False, 43)


def test_a_port_that_is_taken_is_told(city_database: str, index_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code = (
            "import sys; from gridsvc.demo.play import serving; from gridsvc.settings import"
            " get_settings; serving(get_settings(), int(sys.argv[1])).__enter__()"
        )
        command = Command(
            [sys.executable, "-c", code, taken.getsockname()[1]],
            environment={"DATABASE_URL": city_database, "GRIDSVC_VAR_DIR": str(index_folder)},
        )
        command.says("choose another --port")
        assert command.wait() == 1
        command.kill()
