"""Clients that hold what they were given: they do not read, or send a byte now and then."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.waiting import PATIENCE_S


@contextmanager
def connected(client: httpx.Client, sent: bytes = b"") -> Iterator[socket.socket]:
    """A connection of its own to the client's server, which keeps little of what it is sent."""
    with socket.socket() as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        own.settimeout(PATIENCE_S)
        own.connect((client.base_url.host, client.base_url.port))
        own.sendall(sent)
        yield own


def request(method: str, path: str, *headers: str) -> bytes:
    """The head of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: service", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer(own: socket.socket) -> bytes:
    """All that comes until the server ends the connection."""
    pieces = []
    try:
        while piece := own.recv(65_536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


def seconds_until_cut_off(own: socket.socket) -> float:
    """How long the server keeps a connection that says nothing more."""
    begun = time.monotonic()
    answer(own)
    return time.monotonic() - begun
