"""Dear work ends with its time, its memory, or its client, and the next piece finds a process."""

from __future__ import annotations

import os
import resource
import threading
import time
from collections.abc import Iterator
from math import factorial

import pytest

from gridsvc.errors import BadGeometry, QueryTooBroad
from gridsvc.spatial.sharing import shares
from gridsvc.workers import ClientGone, Workers


@pytest.fixture
def workers() -> Iterator[Workers]:
    made = Workers(at_once=1)
    yield made
    made.close()


def test_work_is_answered_and_its_refusals_are_raised(workers: Workers) -> None:
    assert workers.run(factorial, 5) == 120
    with pytest.raises(BadGeometry, match="footprint"):
        workers.run(shares, None, [], [])
    assert workers.run(factorial, 3) == 6


def test_work_that_takes_more_than_two_seconds_of_a_core_is_ended(workers: Workers) -> None:
    with pytest.raises(QueryTooBroad, match="2 seconds"):
        workers.run(sum, range(10**12))
    assert workers.run(factorial, 3) == 6


def test_work_that_takes_more_memory_than_it_may_is_refused(workers: Workers) -> None:
    with pytest.raises(QueryTooBroad, match="200 MB"):
        workers.run(bytearray, 10**9)
    assert workers.run(factorial, 3) == 6


def test_work_ends_when_its_client_has_gone(workers: Workers) -> None:
    workers.run(factorial, 3)
    gone = threading.Event()
    threading.Timer(0.2, gone.set).start()
    begun = time.monotonic()
    with pytest.raises(ClientGone):
        workers.run(time.sleep, 60, gone=gone)
    assert time.monotonic() - begun < 5
    assert workers.run(factorial, 3) == 6


def test_a_process_with_a_thousand_open_files_has_workers_too(workers: Workers) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2048)), hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1_100)]
    try:
        assert workers.run(abs, -3) == 3
    finally:
        for one in held:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
