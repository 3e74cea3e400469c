from __future__ import annotations

import itertools
import threading
import time
import uuid

import pytest

from gridsvc.db import uuid7


def test_ids_have_the_version_and_variant_of_rfc_9562() -> None:
    made = uuid7()
    assert made.version == 7
    assert made.variant == uuid.RFC_4122


def test_an_id_begins_with_the_milliseconds_of_its_making() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    after = time.time_ns() // 1_000_000
    assert before <= made.int >> 80 <= after + 1


def test_ids_sort_in_the_order_of_their_making_even_if_the_clock_goes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = time.time_ns()
    ticks = itertools.chain([now, now], itertools.count(now, -1_000_000))
    monkeypatch.setattr(time, "time_ns", lambda: next(ticks))
    made = [uuid7() for _ in range(1_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_ids_made_by_several_threads_at_once_differ() -> None:
    made: list[uuid.UUID] = []
    threads = [
        threading.Thread(target=lambda: made.extend(uuid7() for _ in range(5_000)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 20_000
