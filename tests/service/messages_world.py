"""Bodies with webhooks, messages to them, and an HTTP server that stands for the outside world."""

from __future__ import annotations

import datetime as dt
import json
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message as Headers
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from sqlalchemy import text
from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import Act
from gridsvc.cases.core.models import Case
from gridsvc.registry.bodies.models import Body
from tests import cities
from tests.waiting import PATIENCE_S

CITY = cities.city()
NOW = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
KEY = bytes(range(32))


def add_body(session: Session, code: str, webhook_url: str | None = None) -> str:
    session.add(
        Body(
            code=code,
            name=f"body {code}",
            kind="department",
            area_code=code[:6],
            webhook_url=webhook_url,
            source="made up",
        )
    )
    session.flush()
    return code


def write(
    session: Session,
    *bodies: str,
    now: dt.datetime = NOW,
    due_at: dt.datetime | None = None,
    case_id: uuid.UUID | None = None,
) -> None:
    """One message to each body, in the district that its code begins with."""
    for body in bodies:
        case = Case(district_code=body[:6], id=case_id or uuid.uuid4())
        operator = Caller("a test", Role.ADMIN, "", None, uuid.uuid4())
        act = Act(session, CITY, operator, now, case)
        act.tell([body], "whistle", {"place": "两区交界"}, due_at=due_at)


def rows(session: Session) -> list[Any]:
    """What is stored of every message, in the order of ids."""
    session.rollback()
    return list(
        session.execute(
            text(
                "select id, body_code, state, tries, next_try_at, last_error, delivered_at"
                " from message order by id"
            )
        )
    )


def states(session: Session) -> Counter[str]:
    return Counter(row.state for row in rows(session))


@dataclass(frozen=True)
class Request:
    path: str
    headers: Headers
    body: bytes
    port: int

    @property
    def id(self) -> str:
        return str(json.loads(self.body)["id"])


@dataclass
class Receiver:
    """Answers every whole POST with ``answer(request)``, a status code, and remembers it.

    ``content`` is what the answers have in them.
    """

    answer: Callable[[Request], int] = lambda _: 204
    content: bytes = b""
    requests: list[Request] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                if len(body) < length:
                    self.close_connection = True  # the caller was killed before it had said all
                    return
                request = Request(self.path, self.headers, body, self.client_address[1])
                with receiver.arrived:
                    receiver.requests.append(request)
                    receiver.arrived.notify_all()
                status = receiver.answer(request)
                try:
                    self.send_response(status)
                    if 300 <= status < 400:
                        self.send_header("Location", receiver.url("elsewhere"))
                    self.send_header("Content-Length", str(len(receiver.content)))
                    self.end_headers()
                    self.wfile.write(receiver.content)
                except OSError:
                    self.close_connection = True  # the caller was killed or has lost patience

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128  # several workers call at the same moment

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.socket.close()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/{path}"

    def wait_for(self, count: int, timeout_s: float = PATIENCE_S) -> list[Request]:
        """The requests, as soon as there are ``count``."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.requests) >= count, timeout_s), (
                f"{len(self.requests)} of {count} requests came"
            )
            return list(self.requests)
