"""Several processes that answer on one port, each with a socket of its own.

Where they share one, the process that wakes first takes all connections that wait: sixteen clients
that come at once are then served by one process, and the others are idle.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from threading import Thread

from uvicorn import Config
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from gridsvc.api.connections import BoundedConfig
from gridsvc.cli.logs import configure_logs
from gridsvc.errors import Conflict


class DependentConfig(BoundedConfig):
    """The settings of processes that end with the one that started them, however it ends.

    After ``kill -9`` of it they would answer on, with nobody to start them again, and the next
    start would find the port taken.
    """

    def load(self) -> None:
        """Load the application, in the process that answers."""
        configure_logs()
        super().load()
        parent = multiprocessing.parent_process()
        if parent is not None:
            Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


class _Apart(Multiprocess):
    """The supervisor of uvicorn; a process that takes the place of another one has all sockets.

    ``tell`` hears the port once every process answers.
    """

    def __init__(
        self, config: Config, sockets: list[socket.socket], tell: Callable[[int], None]
    ) -> None:
        super().__init__(config, sockets)
        self._tell: Callable[[int], None] | None = tell

    def init_processes(self) -> None:
        for own in self.sockets:
            process = Process(self.config, [own])
            process.start()
            self.processes.append(process)

    def keep_subprocess_alive(self) -> None:
        super().keep_subprocess_alive()
        if self._tell and all(process.is_ready() for process in self.processes):
            self._tell(self.config.port)
            self._tell = None


def serve_apart(config: DependentConfig, tell: Callable[[int], None]) -> None:
    """Serve in ``config.workers`` processes until a signal ends them.

    ``tell`` hears the port once all of them answer. Raises Conflict where somebody else has it.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    sockets: list[socket.socket] = []
    for _ in range(config.workers):
        own = socket.socket(family)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sockets:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        _bind(own, config)
        # The first has bound a port that nobody shares; from now on it lets the others in.
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        config.port = own.getsockname()[1]
        own.set_inheritable(True)
        sockets.append(own)
    _Apart(config, sockets, tell).run()


def _bind(own: socket.socket, config: Config) -> None:
    try:
        own.bind((config.host, config.port))
    except OSError as error:
        raise Conflict(
            f"{config.host}:{config.port} cannot be listened on ({error.strerror}); end what is"
            " using it, or give another --port."
        ) from error
