"""Files reports over HTTP from many connections at once, and beside it inserts their rows bare."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import psycopg2

from benchmarks.case_sites import CLASSES, weights
from benchmarks.filling import BEIJING
from gridsvc.db.base import uuid7

__all__ = ["CLIENTS", "Filed", "bare_inserts", "file_reports"]

CLIENTS = 16
_WORDS = "居民反映此处问题长期无人处理"
_HEAD = (
    "POST /v1/reports HTTP/1.1\r\nHost: gridsvc\r\nAuthorization: Bearer {token}\r\n"
    "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
)
_BARE = (
    "insert into report (district_code, id, receipt, channel, standard, kind, class_code,"
    " description, given_x, given_y, given_crs, accuracy_m, point, needs_confirmation,"
    " case_district, case_id, joined, created_at) values ('110102', %s, 'BARE', '12345',"
    " 'GB/T 47678.5-2026', 'event', '06010', %s, %s, %s, 'wgs84', 10,"
    " st_setsrid(st_point(%s, %s), 4326), false, '110102', %s, false, %s)"
)


@dataclass(frozen=True, slots=True)
class Filed:
    """Reports a second, how long they took in milliseconds, how many joined a case."""

    rate: float
    p50_ms: float
    p99_ms: float
    joined: float


def file_reports(url: str, token: str, *, seconds: float, seed: int) -> Filed:
    """File reports at places and of classes drawn from a seed, from 16 connections.

    Raises SystemExit where one is refused for another reason than lying outside the city.
    """
    return asyncio.run(_file(url, token, seconds, seed))


async def _file(url: str, token: str, seconds: float, seed: int) -> Filed:
    host, _, port = url.removeprefix("http://").partition(":")
    requests = _requests(token, seed)
    until = time.perf_counter() + seconds
    took: list[float] = []
    joined = 0

    async def client() -> None:
        nonlocal joined
        reader, writer = await asyncio.open_connection(host, int(port))
        while (begun := time.perf_counter()) < until:
            writer.write(next(requests))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            body = await reader.readexactly(length)
            if head[9:12] == b"201":
                took.append(time.perf_counter() - begun)
                joined += b'"joined":true' in body
            elif b"outside-city" not in body:
                raise SystemExit(f"a report was refused: {body.decode()}")
        writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    rate = len(took) / (time.perf_counter() - begun)
    p50, p99 = np.percentile(np.array(took) * 1e3, [50, 99])
    return Filed(rate, float(p50), float(p99), joined / len(took))


def _requests(token: str, seed: int) -> Iterator[bytes]:
    """Reports as the wire has them; dense in the middle of the city, as the made-up ones are."""
    rng = np.random.default_rng([seed, 7])
    west, south, east, north = BEIJING
    while True:
        chosen = rng.choice(len(CLASSES), 1_000, p=weights())
        lon = np.clip(rng.normal((west + east) / 2, (east - west) / 5, 1_000), west, east)
        lat = np.clip(rng.normal((south + north) / 2, (north - south) / 5, 1_000), south, north)
        for i, x, y in zip(chosen.tolist(), lon.tolist(), lat.tolist(), strict=True):
            key = CLASSES[i][0]
            body = json.dumps(
                {
                    "channel": "12345",
                    "class": key.code,
                    "class_kind": key.kind,
                    "description": _WORDS,
                    "location": {"lon": round(x, 6), "lat": round(y, 6), "accuracy_m": 10.0},
                    "reporter": {"name": "张三", "phone": "13800000000"},
                }
            ).encode()
            yield _HEAD.format(token=token, length=len(body)).encode() + body


def bare_inserts(url: str, *, seconds: float) -> float:
    """Rows a second: the report's own row alone, from 16 connections, each committed durably."""
    counts = [0] * CLIENTS
    until = time.perf_counter() + seconds
    west, south, east, north = BEIJING

    def insert(n: int) -> None:
        rng = np.random.default_rng(n)
        connection = psycopg2.connect(url)
        connection.autocommit = True
        with connection.cursor() as cursor:
            while time.perf_counter() < until:
                x, y = float(rng.uniform(west, east)), float(rng.uniform(south, north))
                now = dt.datetime.now(dt.UTC)
                row = (str(uuid7()), _WORDS, x, y, x, y, str(uuid7()), now)
                cursor.execute(_BARE, row)
                counts[n] += 1
        connection.close()

    threads = [threading.Thread(target=insert, args=(n,)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("delete from report where receipt = 'BARE'")
    return sum(counts) / seconds
