"""Counts of fixed windows, in memory, for the library that limits requests."""

from __future__ import annotations

import threading
import time

from limits.storage import Storage

_SWEPT_AT_LEAST = 10_000


class Counts(Storage):
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
