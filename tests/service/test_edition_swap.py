"""Another edition is activated, and taken back, while look-ups run against several processes."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gridsvc.db import session_factory
from gridsvc.registry.areas.service import NewArea, load_edition
from gridsvc.registry.editions.service import activate_edition, revert_edition
from tests import cities
from tests.service import joint_city as city
from tests.waiting import GRIDSVC, PATIENCE_S, Command, slowness, wait_until

_PROCESSES, _CLIENTS = 2, 8
_LOOKUPS_A_SECOND = 1_000
_BEFORE_S, _AFTER_S, _SWAPPED_WITHIN_S = 2.0, 4.0, 2.0


@dataclass
class _Answers:
    """What the clients saw: when each was asked, its edition and its street; and faults."""

    seen: list[tuple[float, str, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@pytest.fixture
def port(city_database: str, tmp_path: Path) -> Iterator[int]:
    """'gridsvc serve' with two processes on the made-up city."""
    server = Command(
        [*GRIDSVC, "serve", "--port", "0", "--workers", _PROCESSES],
        environment={"DATABASE_URL": city_database, "GRIDSVC_VAR_DIR": str(tmp_path)},
    )
    try:
        yield int(server.says(r"serves http://\S+:(\d+)/map")[1])
    finally:
        server.process.terminate()
        server.wait()
        server.kill()


def _ask(port: int, until: threading.Event, answers: _Answers) -> None:
    """Look the same place up again and again over one connection, at an even pace."""
    place = city.beside_border(-300)
    path = f"/v1/locate?lon={place['lon']}&lat={place['lat']}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    pause = _CLIENTS / _LOOKUPS_A_SECOND
    due = time.monotonic()
    while not until.is_set():
        due += pause
        time.sleep(max(0.0, due - time.monotonic()))
        asked = time.monotonic()
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            answer = json.loads(response.read())
            if response.status != 200:
                answers.faults.append(str(answer))
                continue
            street = answer["street"]["code"]
            answers.seen.append((asked, answer["edition"]["street"]["id"], street))
        except (OSError, http.client.HTTPException, ValueError) as error:
            answers.faults.append(repr(error))
            connection.close()
    connection.close()


def _watch(answers: _Answers, edition: str, seconds: float) -> None:
    """Wait until the edition answers, then look on for so long."""
    wait_until(lambda: any(seen[1] == edition for seen in answers.seen[-_CLIENTS:]))
    time.sleep(seconds)


def _swap_streets(engine: Engine) -> None:
    """A new edition in which the two streets of the west have changed places."""
    south, north, *east = city.STREETS
    swapped = [
        NewArea(south.code, south.name, north.geometry),
        NewArea(north.code, north.name, south.geometry),
        *east,
    ]
    with session_factory(engine).begin() as session:
        load_edition(
            session,
            id="street-new",
            level="street",
            title="Made up, changed places",
            source="made up for a test",
            licence="CC0",
            accuracy_m=5.0,
            approximate=False,
            effective_from=dt.datetime.now(dt.UTC),
            areas=swapped,
            at=cities.now(),
        )
        activate_edition(
            session, "street-new", why="changed places", without_audit="made up", at=cities.now()
        )


def _revert_streets(engine: Engine) -> None:
    """The new edition is taken back."""
    with session_factory(engine).begin() as session:
        revert_edition(session, "street-new", why="wrong file", at=cities.now())


@pytest.mark.alone
def test_an_edition_is_swapped_and_taken_back_under_load_without_an_error_or_a_mixed_answer(
    port: int, city_engine: Engine
) -> None:
    slow, answers, ended = slowness(), _Answers(), threading.Event()
    clients = [threading.Thread(target=_ask, args=(port, ended, answers)) for _ in range(_CLIENTS)]
    began = time.monotonic()
    for client in clients:
        client.start()
    _watch(answers, "street-2020", _BEFORE_S)
    _swap_streets(city_engine)
    swapped = time.monotonic()
    _watch(answers, "street-new", _AFTER_S)
    _revert_streets(city_engine)
    reverted = time.monotonic()
    _watch(answers, "street-2020", _AFTER_S)
    ended.set()
    for client in clients:
        client.join()
    took_s = time.monotonic() - began
    slow = max(slow, slowness())
    assert answers.faults == []
    # A place of the first street before is a place of the second one after.
    pairs = {(edition, street) for _, edition, street in answers.seen}
    assert pairs == {("street-2020", city.LEAD), ("street-new", city.LEAD_NORTH)}
    late = [
        asked for asked, edition, _ in answers.seen if edition == "street-2020" and asked < reverted
    ]
    assert max(late) - swapped <= _SWAPPED_WITHIN_S * slow
    late = [asked for asked, edition, _ in answers.seen if edition == "street-new"]
    assert max(late) - reverted <= _SWAPPED_WITHIN_S * slow
    assert len(answers.seen) > 0.5 * _LOOKUPS_A_SECOND * took_s / slow
