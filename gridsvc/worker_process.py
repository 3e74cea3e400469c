"""``python -m gridsvc.worker_process SECONDS BYTES``: does pickled work until nobody sends more.

The kernel ends it when a piece of work has taken its seconds of a core; beyond its memory the work
fails. It leaves after a minute without work, and when whoever started it has ended.
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
import sys
from pathlib import Path
from select import select

import shapely

from gridsvc.errors import QueryTooBroad
from gridsvc.spatial.sharing import shares

_IDLE_S = 60.0


def main() -> None:
    """Work until the sender is gone."""
    cpu_s, memory_bytes = float(sys.argv[1]), int(sys.argv[2])
    given, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    # What is loaded and compiled once is no piece of work's own.
    ground = shapely.box(0.0, 0.0, 1.0, 1.0)
    shares(ground, [ground], ["warm"])
    used = _bytes_used() + memory_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (used, used))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pickle.dump(None, answers)
    answers.flush()
    while select([given], [], [], _IDLE_S)[0]:
        try:
            work, arguments = pickle.load(given)
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_PROF, cpu_s)
        found: object
        try:
            found = work(*arguments)
        except MemoryError:
            found = QueryTooBroad(
                f"This geometry takes more than {memory_bytes // 1_000_000} MB to work on; send"
                " fewer vertices, or a smaller outline.",
                field="geometry",
            )
        except Exception as error:
            found = error
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        pickle.dump(found, answers)
        answers.flush()


def _bytes_used() -> int:
    """The private memory of this process, as RLIMIT_DATA counts it."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("Linux tells VmData of every process")


if __name__ == "__main__":
    main()
