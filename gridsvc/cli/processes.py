"""Several processes that answer on one port, each with a socket of its own.

Where they share one, the process that wakes first takes all connections that wait: sixteen clients
that come at once are then served by one process, and the others stand idle.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
from multiprocessing.process import BaseProcess
from threading import Thread

from uvicorn import Config
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from gridsvc.errors import Conflict

__all__ = ["DependentConfig", "serve_apart"]


class DependentConfig(Config):
    """The settings of processes that end with the one that started them, however it ends.

    After ``kill -9`` of it they would answer on, with nobody to start them again, and the next
    start would find the port taken.
    """

    def load(self) -> None:
        """Load the application, in the process that answers."""
        super().load()
        parent = multiprocessing.parent_process()
        if parent is not None:
            Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


class _Apart(Multiprocess):
    """The supervisor of uvicorn; a process that takes the place of another one has all sockets."""

    def init_processes(self) -> None:
        for own in self.sockets:
            process = Process(self.config, [own])
            process.start()
            self.processes.append(process)


def serve_apart(config: DependentConfig) -> None:
    """Serve in ``config.workers`` processes until a signal ends them.

    Raises Conflict where somebody else has the port.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    with socket.socket(family) as alone:
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _bind(alone, config)
        if config.port == 0:
            config.port = alone.getsockname()[1]
    sockets = []
    for _ in range(config.workers):
        own = socket.socket(family)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        _bind(own, config)
        own.set_inheritable(True)
        sockets.append(own)
    _Apart(config, sockets=sockets).run()


def _bind(own: socket.socket, config: Config) -> None:
    try:
        own.bind((config.host, config.port))
    except OSError as error:
        raise Conflict(
            f"{config.host}:{config.port} cannot be listened on ({error.strerror}): end what has"
            " it, or give another --port."
        ) from error
