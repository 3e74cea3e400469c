"""What keepers see: each request by its id and its measure, and the figures for Prometheus.

The id is the caller's ``X-Request-ID`` where that is a plain word, else one of ours. It stands in
the answer, in each line of the log, in the messages that the request wrote, and in the log of the
worker that delivers them.

Latency, traffic and errors are one histogram of requests by route; saturation is what is under
way and which connections are taken. With several processes the library adds them up, in files of
the folder that ``serve --workers`` made.
"""

from __future__ import annotations

import itertools
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session
from starlette.types import Scope

from gridsvc.api.clock import utc_now
from gridsvc.api.dependencies import CurrentCaller, CurrentService, DbSession, Service
from gridsvc.api.problems import problems
from gridsvc.callers import REQUEST_ID
from gridsvc.cases.core.messages.repository import backlog
from gridsvc.errors import NotAllowed, NotAuthenticated

HEADER = b"x-request-id"
_PLAIN = re.compile(r"[A-Za-z0-9._:-]{1,64}")

router = APIRouter(tags=["health"])

_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

#: Where several processes keep their figures; the library reads the variable when it is imported.
SHARED = "PROMETHEUS_MULTIPROC_DIR"

REQUESTS = Histogram(
    "gridsvc_request_seconds",
    "Time until the answer was sent, by route, method and status.",
    ("route", "method", "status"),
    buckets=_BOUNDS_S,
)
IN_FLIGHT = Gauge("gridsvc_requests_in_flight", "Requests under way.", multiprocess_mode="livesum")
REPORTS = Counter(
    "gridsvc_reports",
    "Reports filed here, by whether a border is near and whether they joined a case.",
    ("near_border", "joined"),
)
JOINT_WHISTLES = Counter("gridsvc_joint_whistles", "Joint whistles that reports blew here.")
REPORT_INS = Counter(
    "gridsvc_report_ins", "Bodies that reported in, by whether in time.", ("late",)
)

_children: dict[tuple[str, str, int], Histogram] = {}


def observe_request(scope: Scope, status: int, seconds: float) -> None:
    """Count a request that ended; what has no route counts as one, whatever it asked for."""
    route = scope.get("route")
    key = (getattr(route, "path", "none"), scope["method"], status)
    child = _children.get(key)
    if child is None:
        child = _children[key] = REQUESTS.labels(*map(str, key))
    child.observe(seconds)


def count_report(answer: Mapping[str, Any]) -> None:
    """Count a report by the answer to its sender."""
    border = answer["placement"]["border"]
    near = border is not None and border["near"]
    REPORTS.labels(str(near).lower(), str(answer["joined"]).lower()).inc()
    if answer["joint_whistle_id"] is not None:
        JOINT_WHISTLES.inc()


class _Store(Collector):
    """What only the database knows, read when somebody asks."""

    def __init__(self, session: Session, service: Service) -> None:
        self._session, self._service = session, service

    def collect(self) -> Iterator[Metric]:
        """The messages that wait or were given up, and what is taken of this process's means."""
        waiting = backlog(self._session, now=utc_now())
        taken = self._service.engine.pool.checkedout()  # type: ignore[attr-defined] # a QueuePool
        for name, told, value in (
            ("gridsvc_messages_due", "Messages that are due and wait.", waiting.due),
            ("gridsvc_messages_oldest_due_seconds", "Age of the oldest.", waiting.oldest_due_s),
            ("gridsvc_messages_given_up", "Messages that nobody took.", waiting.given_up),
            ("gridsvc_connections_taken", "Connections in use, of this process.", taken),
        ):
            yield GaugeMetricFamily(name, told, value)


@router.get(
    "/metrics",
    response_class=Response,
    responses=problems(NotAuthenticated, NotAllowed)
    | {200: {"content": {"text/plain": {}}, "description": "Prometheus' text format."}},
)
def get_metrics(service: CurrentService, session: DbSession, _: CurrentCaller) -> Response:
    """The figures for Prometheus, to the token of an admin or of the city."""
    counted, stored = REGISTRY, CollectorRegistry()
    if os.environ.get(SHARED):
        counted = CollectorRegistry()
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call] # the library's
    stored.register(_Store(session, service))
    return Response(
        generate_latest(counted) + generate_latest(stored), media_type=CONTENT_TYPE_LATEST
    )


class Names:
    """Names for requests: the caller's own where it is a plain word, else one of ours."""

    def __init__(self) -> None:
        self._process = secrets.token_hex(6)
        self._numbers = itertools.count(1)

    def of(self, scope: Scope) -> str:
        """The name of a request, by which the log and its messages know it too."""
        name = ""
        for header, value in scope["headers"]:
            if header == HEADER and _PLAIN.fullmatch(value.decode("latin-1")):
                name = value.decode("latin-1")
        if not name:
            name = f"{self._process}-{next(self._numbers):x}"
        REQUEST_ID.set(name)
        return name
