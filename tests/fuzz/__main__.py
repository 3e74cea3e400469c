"""``python -m tests.fuzz SECONDS [READER ...]``: every reader in turn, for so many seconds in all.

Each runs in a process of its own, so that one that ends it is told. With atheris (``make fuzz``
installs it where it can) its engine chooses the inputs, else our own generator does. An input that
breaks a reader is kept in ``tests/fuzz/kept``, and every test run replays it.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import sys
import time
from importlib.util import find_spec

from rich.console import Console

from tests.fuzz.fuzzing import KEPT, TRIED, fuzz, fuzz_guided
from tests.fuzz.readers import READERS


def main() -> int:
    """Fuzz, and give the number of readers that broke."""
    seconds = float(sys.argv[1])
    names = sys.argv[2:] or list(READERS)
    guided = find_spec("atheris") is not None
    say = Console(highlight=False).print
    broken = 0
    context = multiprocessing.get_context("spawn")
    for name in names:
        folder = KEPT / name
        folder.mkdir(parents=True, exist_ok=True)
        seed = time.time_ns() % 2**31
        work = fuzz_guided if guided else fuzz
        process = context.Process(target=work, args=(name, seconds / len(names), seed, folder))
        process.start()
        process.join()
        tried = folder / TRIED
        if process.exitcode:
            broken += 1
            body = tried.read_bytes()
            kept = tried.rename(folder / hashlib.sha256(body).hexdigest()[:16])
            say(f"{name}: broken (exit code {process.exitcode}) by {kept}")
        else:
            tried.unlink(missing_ok=True)
            say(f"{name}: sound (seed {seed})")
        if not any(folder.iterdir()):
            folder.rmdir()
    return broken


if __name__ == "__main__":
    sys.exit(main())
