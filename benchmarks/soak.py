"""`python -m benchmarks.soak --minutes 30`: steady load below the limit, then far above it.

Mixed load of reports, look-ups and reads of cases: its limit is measured, 70 % of it is kept up for
the minutes; then many more clients than one caller may have ask as fast as they can; then, a minute
later, 70 % again. Tells answers by their status and the memory of the server. Exit code 1 where a
request below the limit was refused or failed, where one above it was answered otherwise than it
may be, or where the memory grew by more than a tenth.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil  # type: ignore[import-untyped]
from rich.console import Console

from benchmarks.over_http import GRIDSVC, _gridsvc, _token, running

_CLIENTS = 16
_CROWD = 300
_BOX = (116.33, 39.87, 116.45, 39.95)
_CLASSES = ("06001", "06010", "06028")
#: Of twenty requests: two reports, one list of cases, the others look-ups.
_MIX = ("report", "cases", "report", *["look-up"] * 17)
_WELL = {200, 201}
_SHED = {429, 503}


@dataclass
class Load:
    """What some clients met: statuses (0: no answer), and how long each took (seconds)."""

    statuses: Counter[int] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Requests answered a second."""
        return len(self.took) / self.seconds

    def to_json(self) -> dict[str, object]:
        """Rate, statuses, and the median and 99th percentile in milliseconds."""
        ranked = sorted(self.took)
        return {
            "requests_a_second": round(self.rate, 1),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "p50_ms": round(1000 * median(ranked), 1),
            "p99_ms": round(1000 * ranked[int(0.99 * len(ranked))], 1),
        }


class _Client(threading.Thread):
    """One connection; asks at ``rate`` a second, or as fast as it is answered."""

    def __init__(self, port: int, token: str, until: float, rate: float | None, seed: int) -> None:
        super().__init__()
        self.load = Load()
        self._port, self._until, self._rate = port, until, rate
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._random = random.Random(seed)
        self._connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        due = time.monotonic() + self._random.random()
        while time.monotonic() < self._until:
            if self._rate is not None:
                due = max(due + 1 / self._rate, time.monotonic() - 1.0)
                time.sleep(max(0.0, due - time.monotonic()))
            begun = time.perf_counter()
            status = self._ask()
            self.load.took.append(time.perf_counter() - begun)
            self.load.statuses[status] += 1
            if status in _SHED:
                time.sleep(0.05)
        if self._connection is not None:
            self._connection.close()

    def _ask(self) -> int:
        lon = self._random.uniform(_BOX[0], _BOX[2])
        lat = self._random.uniform(_BOX[1], _BOX[3])
        what, body, method = self._random.choice(_MIX), None, "GET"
        path = f"/v1/locate?lon={lon:.7f}&lat={lat:.7f}"
        if what == "cases":
            path = "/v1/cases?limit=20"
        elif what == "report":
            method, path = "POST", "/v1/reports"
            place = {"lon": lon, "lat": lat, "accuracy_m": 10.0}
            chosen = self._random.choice(_CLASSES)
            body = json.dumps({"class": chosen, "description": "A load.", "location": place})
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
            self._connection.request(method, path, body, self._headers)
            answer = self._connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException):
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            return 0


def load(
    port: int, token: str, seconds: float, *, clients: int = _CLIENTS, rate: float | None = None
) -> Load:
    """What so many clients meet in so many seconds; ``rate`` is that of all, None for the most."""
    until = time.monotonic() + seconds
    each = None if rate is None else rate / clients
    crowd = [_Client(port, token, until, each, seed) for seed in range(clients)]
    begun = time.monotonic()
    for client in crowd:
        client.start()
    for client in crowd:
        client.join()
    whole = Load(seconds=time.monotonic() - begun)
    for client in crowd:
        whole.statuses += client.load.statuses
        whole.took += client.load.took
    return whole


def _memory_mb(port: int) -> float:
    """Private and shared memory of the process that listens, in MB."""
    for one in psutil.net_connections("tcp"):
        if one.laddr and one.laddr.port == port and one.status == "LISTEN" and one.pid:
            return float(psutil.Process(one.pid).memory_info().rss) / 1e6
    raise SystemExit(f"nobody listens on port {port}")


def main() -> None:
    """Measure, and print what was met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--var", type=Path, help="a var folder where the demonstration was played")
    chosen = parser.parse_args()
    tell = Console(stderr=True, highlight=False).print
    with tempfile.TemporaryDirectory(prefix="gridsvc-soak-") as made:
        Path(made).chmod(0o755)
        var = (chosen.var or Path(made) / "var").resolve()
        if chosen.var is None:
            tell("Playing the demonstration in a folder of its own ...")
            _gridsvc(var, "demo", "--once", "--json")
        token = _token(var, "city")
        with running([*GRIDSVC, "serve"], var, made) as url:
            port = int(url.rpartition(":")[2])
            load(port, token, 10.0)
            limit = load(port, token, 20.0)
            tell(f"limit: {limit.to_json()}")
            steady, memory = [], [_memory_mb(port)]
            for _ in range(max(1, round(chosen.minutes))):
                steady.append(load(port, token, 60.0, rate=0.7 * limit.rate))
                memory.append(_memory_mb(port))
                tell(f"at 70 %: {steady[-1].to_json()}, {memory[-1]:,.0f} MB")
            above = load(port, token, 20.0, clients=_CROWD)
            tell(f"far above: {above.to_json()}")
            time.sleep(60.0)  # what they used up was the share of a minute
            after = load(port, token, 30.0, rate=0.7 * limit.rate)
            tell(f"again at 70 %: {after.to_json()}")
    bad = sum((one.statuses for one in (*steady, after)), Counter[int]())
    failed = {status: count for status, count in bad.items() if status not in _WELL}
    worse = {one: count for one, count in above.statuses.items() if one not in _WELL | _SHED}
    # The first minutes fill caches and pools.
    settled = memory[min(5, len(memory) - 1)]
    grown = memory[-1] / settled - 1
    told = {
        "limit": limit.to_json(),
        "minutes": len(steady),
        "steady": sum(one.statuses.total() for one in steady),
        "failed": failed,
        "above": above.to_json(),
        "memory_mb": [round(one) for one in memory],
        "grown": round(grown, 3),
    }
    Console(highlight=False).print_json(data=told)
    if failed or worse or grown > 0.1:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
