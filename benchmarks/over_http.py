"""`python -m benchmarks.over_http`: the service over HTTP, beside a bare route on the same server.

Writes docs/benchmarks-http.md. Needs wrk. Builds the demonstration's city in a folder of its own
unless `--var` names one where it was played.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

import httpx
import numpy as np
import pyarrow as pa
import shapely
from rich.console import Console

from benchmarks import NAVIGATION
from gridsvc.registry.districts import read_districts

_ROOT = Path(__file__).resolve().parent.parent
_PAGE = _ROOT / "docs" / "benchmarks-http.md"
_ROUNDS, _SECONDS = 5, 4
_BOX = (116.2, 39.7, 116.6, 40.1)
_INNER = ("110101", "110102", "110105", "110106", "110107", "110108")
_PLACES = 100_000  # more than are asked in one round
_SCRIPT = Path(__file__).with_name("places.lua")
GRIDSVC = [sys.executable, "-c", "from gridsvc.cli import main; main()"]
_ARROW = "application/vnd.apache.arrow.stream"

_BARE = """
from fastapi import FastAPI
from pydantic import BaseModel

class Answer(BaseModel):
    code: str
    distance_m: float

app = FastAPI()

@app.get("/bare")
async def bare(lon: float, lat: float) -> Answer:
    return Answer(code="110102", distance_m=lon + lat)
"""


@dataclass(frozen=True)
class Load:
    """What wrk measured: requests a second, and the 99th percentile in milliseconds."""

    rate: float
    p99_ms: float


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.over_http", description=__doc__)
    parser.add_argument("--var", type=Path, help="a var folder where the demonstration was played")
    chosen = parser.parse_args()
    tell = Console(stderr=True, highlight=False).print
    with tempfile.TemporaryDirectory(prefix="gridsvc-bench-") as made:
        Path(made).chmod(0o755)
        var = (chosen.var or Path(made) / "var").resolve()
        if chosen.var is None:
            tell("Playing the demonstration in a folder of its own ...")
            _gridsvc(var, "demo", "--once", "--json")
        (Path(made) / "bare_app.py").write_text(_BARE)
        bare = [sys.executable, "-m", "uvicorn", "bare_app:app"]
        bare += ["--no-access-log", "--loop", "asyncio"]
        serve = [*GRIDSVC, "serve"]
        with running(bare, var, made) as bare_url, running(serve, var, made) as url:
            rows = _lookups(bare_url, url, Path(made), tell)
            rows += _batches(url, _token(var), tell)
        if chosen.var is None:
            subprocess.run([sys.executable, "-c", _REMOVE, str(var)], check=True, cwd=_ROOT)
    _write(rows)
    tell(f"Written to {_PAGE.relative_to(_ROOT)}.")


_REMOVE = (
    "import sys; from pathlib import Path; from gridsvc.db import PrivateCluster;"
    " PrivateCluster(Path(sys.argv[1])).remove()"
)


def _environment(var: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return {**kept, "GRIDSVC_VAR_DIR": str(var)}


def _gridsvc(var: Path, *arguments: str) -> None:
    subprocess.run([*GRIDSVC, *arguments], env=_environment(var), check=True, cwd=_ROOT)


def _token(var: Path, role: str = "analyst") -> str:
    """A token with which a batch may be large, or of another role."""
    made = [*GRIDSVC, "token", "create", "--role", role]
    done = subprocess.run(
        made, env=_environment(var), check=True, cwd=_ROOT, capture_output=True, text=True
    )
    return done.stdout.strip()


@contextmanager
def running(command: list[str], var: Path, folder: str) -> Iterator[str]:
    """A server in a process of its own, on a free port; gives its address once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        [*command, "--port", str(port)],
        env=_environment(var),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
    ) as process:
        try:
            while True:
                try:
                    httpx.get(url + "/openapi.json", timeout=None)
                    break
                except httpx.TransportError:
                    if process.poll() is not None:
                        raise RuntimeError(f"{command[0]} ended before it answered") from None
                    time.sleep(0.1)
            yield url
        finally:
            process.terminate()


def _wrk(url: str, paths: Path, connections: int) -> Load:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{_SECONDS}s", "--latency"]
    done = subprocess.run(
        [*command, "-s", str(_SCRIPT), url, "--", str(paths)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    if "Non-2xx" in done or "Socket errors" in done:
        raise SystemExit(f"{url} answered with errors:\n{done}")
    amount, unit = re.findall(r"99%\s+([\d.]+)(us|ms|s)", done)[0]
    scale = {"us": 1e-3, "ms": 1.0, "s": 1e3}[unit]
    return Load(float(re.findall(r"Requests/sec:\s+([\d.]+)", done)[0]), float(amount) * scale)


def _places() -> list[tuple[str, float, float]]:
    """Places of the six inner districts, uniformly random: `(district code, lon, lat)`."""
    inner = {one.code: one.geometry for one in read_districts() if one.code in _INNER}
    west, south, east, north = shapely.total_bounds(list(inner.values()))
    rng = np.random.default_rng(9)
    places: list[tuple[str, float, float]] = []
    while len(places) < _PLACES:
        lon, lat = rng.uniform(west, east, _PLACES), rng.uniform(south, north, _PLACES)
        which = np.full(_PLACES, "", dtype=object)
        for code, shape in inner.items():
            shapely.prepare(shape)
            which[shapely.contains_xy(shape, lon, lat)] = code
        places += [one for one in zip(which, lon, lat, strict=True) if one[0]]
    return places[:_PLACES]


def _lookups(
    bare_url: str, url: str, folder: Path, tell: Callable[[str], None]
) -> list[tuple[str, str, str]]:
    places = _places()
    _check(url, places[:500])
    questions = [f"lon={lon:.7f}&lat={lat:.7f}" for _, lon, lat in places]
    targets: dict[str, tuple[str, Path]] = {}
    for name, host, path, asked in (
        ("bare", bare_url, "/bare", questions),
        ("locate", url, "/v1/locate", questions),
        ("one place", url, "/v1/locate", questions[:1]),
    ):
        listed = folder / f"{name}.paths"
        listed.write_text("".join(f"{path}?{question}\n" for question in asked))
        targets[name] = host, listed
    rows = []
    for connections in (16, 64):
        loads: dict[str, list[Load]] = {name: [] for name in targets}
        for _ in range(_ROUNDS):  # by turns, so that all see the same machine
            for name, (host, listed) in targets.items():
                loads[name].append(_wrk(host, listed, connections))
        rate = {name: median(load.rate for load in found) for name, found in loads.items()}
        p99 = {name: median(load.p99_ms for load in found) for name, found in loads.items()}
        ratio = rate["locate"] / rate["bare"]
        told = {name: f"{rate[name]:,.0f} requests/s, p99 {p99[name]:.1f} ms" for name in targets}
        rows += [
            (f"bare FastAPI route, {connections} connections", told["bare"], ""),
            (
                f"`GET /v1/locate`, {connections} connections",
                f"{told['locate']}; **{ratio:.2f}** of bare",
                "0.9 of bare" + ("; p99 20 ms" if connections == 64 else ""),
            ),
            (
                f"`GET /v1/locate`, {connections} connections, one place all the time",
                told["one place"],
                "",
            ),
        ]
        tell(f"{connections} connections: {ratio:.2f} of bare, p99 {p99['locate']:.1f} ms")
    return rows


def _check(url: str, places: list[tuple[str, float, float]]) -> None:
    """End unless each place is in the district that GEOS says."""
    with httpx.Client(base_url=url) as client:
        for code, lon, lat in places:
            answer = client.get("/v1/locate", params={"lon": lon, "lat": lat}).json()
            if answer["district"]["code"] != code:
                raise SystemExit(f"({lon}, {lat}) is in {code}, not in {answer['district']}.")


def _points(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(8)
    west, south, east, north = _BOX
    return rng.uniform(west, east, count), rng.uniform(south, north, count)


def _batches(url: str, token: str, tell: Callable[[str], None]) -> list[tuple[str, str, str]]:
    lon, lat = _points(200_000)
    body = json.dumps({"points": np.column_stack([lon, lat]).tolist()}).encode()
    rows = []
    holder = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, timeout=300, headers=holder) as client:
        rate = _best(client, body, "application/json", len(lon))
        what = "`POST /v1/locate/batch`, JSON, 200,000 points"
        rows.append((what, f"{rate:,.0f} points/s", "100,000 points/s"))
        for count in (1_000_000, 5_000_000):
            lon, lat = _points(count)
            sink = io.BytesIO()
            table = pa.table({"lon": lon, "lat": lat})
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table, max_chunksize=65_536)
            rate = _best(client, sink.getvalue(), _ARROW, count)
            what = f"`POST /v1/locate/batch`, Arrow, {count:,} points"
            rows.append((what, f"{rate:,.0f} points/s", "1,000,000 points/s"))
            tell(f"Arrow, {count:,} points: {rate:,.0f} points/s")
    return rows


def _best(client: httpx.Client, body: bytes, kind: str, count: int) -> float:
    rates = []
    for _ in range(3):
        begun = time.perf_counter()
        answer = client.post("/v1/locate/batch", content=body, headers={"Content-Type": kind})
        answer.raise_for_status()
        rates.append(count / (time.perf_counter() - begun))
    return max(rates)


def _write(rows: list[tuple[str, str, str]]) -> None:
    cpu = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    versions = ", ".join(f"{name} {version(name)}" for name in ("fastapi", "uvicorn", "pydantic"))
    lines = [
        NAVIGATION,
        "",
        "# Over HTTP",
        "",
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with `python -m benchmarks.over_http`:"
        f" {cpu[1] if cpu else 'unknown processor'}, {os.cpu_count()} cores, Python"
        f" {sys.version.split()[0]}, {versions}. One server process (uvicorn with asyncio and"
        " httptools); wrk and the clients run on the same machine. Bare is a route with two numbers"
        f" and a small model. Medians of {_ROUNDS} rounds by turns, {_SECONDS} s each; batches: the"
        " best of three, in which the client's own work is included.",
        "",
        f"Both routes are asked {_PLACES:,} different places one after the other, uniformly random"
        " in the six inner districts; no round asks one twice, and nothing keeps an answer. The"
        " last line of each group asks one place all the time.",
        "",
        "| what | measured | goal |",
        "|---|---|---|",
        *(f"| {what} | {how} | {goal} |" for what, how, goal in rows),
        "",
    ]
    _PAGE.write_text("\n".join(lines))


if __name__ == "__main__":
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing; install it (Debian: apt-get install wrk).")
    main()
