"""How a run that was stopped goes on: a spool that only grows, and a journal of how far it is good.

Beside OUT lie, until the run is done:

- ``OUT.spool``: everything placed so far (CSV: the file itself; else an Arrow stream);
- ``OUT.bad.csv``: the bad rows so far;
- ``OUT.journal``: a line for what the run is of, then a line for each step: where the input goes
  on, and how long the two files are.

A step is written into the files, they are synced, then its line is written and synced. Whatever
comes after the last whole line is cut off when the run is taken up again, so a step counts once.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from gridsvc.errors import Conflict

_BAD_HEADER = b"row,reason\n"
_FINISHING = {"finishing": True}


@dataclass(frozen=True, slots=True)
class Step:
    """How far a run is: where the input goes on, rows and bad rows so far, lengths in bytes."""

    next: int
    rows: int
    bad_rows: int
    spool_bytes: int
    bad_bytes: int


class Journal:
    """The files of one run. ``identity`` is what may not change while it lasts.

    Raises Conflict when another process is at it, or when what lies there is of another run and
    ``restart`` is not given.
    """

    def __init__(
        self,
        out: Path,
        identity: dict[str, Any],
        *,
        first: int,
        header: bytes,
        restart: bool = False,
    ) -> None:
        self._path = out.with_name(out.name + ".journal")
        self.spool_path = out.with_name(out.name + ".spool")
        self.bad_path = out.with_name(out.name + ".bad.csv")
        self._files = ExitStack()
        self._journal = self._files.enter_context(self._path.open("ab+"))
        try:
            fcntl.flock(self._journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(self._path.stat(), os.fstat(self._journal.fileno())):
                raise FileNotFoundError  # the other run has just ended, and its journal is gone
        except OSError:
            self._files.close()
            raise Conflict(f"Another run is writing {out}; wait for it, or stop it.") from None
        self._complete = False
        try:
            if restart:
                self._journal.truncate(0)
            self.step = self._begin(out, identity, first, header)
        except BaseException:
            self._files.close()
            raise
        self.resumed = self.step.rows > 0

    def _begin(self, out: Path, identity: dict[str, Any], first: int, header: bytes) -> Step:
        self._journal.seek(0)
        lines = _whole_lines(self._journal.read())
        if lines and lines[0] != identity:
            changed = [name for name in identity if lines[0].get(name) != identity[name]]
            raise Conflict(
                f"A run for {out} was stopped half-way, and {' and '.join(changed)} changed since"
                " then. Give --restart to start again, or the same input to continue."
            )
        if len(lines) > 1:
            finishing = lines[-1] == _FINISHING
            if finishing:
                lines.pop()
            step = Step(**lines[-1])
            self._complete = finishing and not self.spool_path.exists()
            if self._complete:
                return step
            self._open(step.spool_bytes, step.bad_bytes)
            self._journal.truncate(sum(len(_line(line)) for line in lines))
            self._journal.seek(0, os.SEEK_END)
            return step
        self._open(0, 0)
        self._spool.write(header)
        self._bad.write(_BAD_HEADER)
        step = Step(first, 0, 0, len(header), len(_BAD_HEADER))
        self._journal.truncate(0)
        self._journal.write(_line(identity))
        self._keep(step)
        return step

    def _open(self, spool_bytes: int, bad_bytes: int) -> None:
        self._spool = self._files.enter_context(_cut(self.spool_path, spool_bytes))
        self._bad = self._files.enter_context(_cut(self.bad_path, bad_bytes))

    def append(self, content: bytes, bad: bytes, *, next: int, rows: int, bad_rows: int) -> None:
        """Keep one step for good."""
        self._spool.write(content)
        self._bad.write(bad)
        last = self.step
        self._keep(
            Step(
                next,
                last.rows + rows,
                last.bad_rows + bad_rows,
                last.spool_bytes + len(content),
                last.bad_bytes + len(bad),
            )
        )

    def _keep(self, step: Step) -> None:
        for file in (self._spool, self._bad):
            file.flush()
            os.fsync(file.fileno())
        self._write(asdict(step))
        self.step = step

    def _write(self, content: dict[str, Any]) -> None:
        self._journal.write(_line(content))
        self._journal.flush()
        os.fsync(self._journal.fileno())

    def finishing(self) -> bool:
        """Note that the whole spool is to become OUT; False when it has before the last stop."""
        if self._complete:
            return False
        self._write(_FINISHING)
        return True

    def done(self) -> None:
        """Forget the run: OUT stands. Without bad rows their list goes too."""
        if not self.step.bad_rows:
            self.bad_path.unlink(missing_ok=True)
        self._path.unlink()  # while it is locked: nobody takes up a run that is over
        self.__exit__(None, None, None)

    def discard(self) -> None:
        """Remove everything that the run has written."""
        for path in (self.spool_path, self.bad_path, self._path):
            path.unlink(missing_ok=True)
        self.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._files.close()


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True).encode() + b"\n"


def _whole_lines(text: bytes) -> list[dict[str, Any]]:
    """The lines that were written to their end."""
    whole = text[: text.rfind(b"\n") + 1]
    return [json.loads(line) for line in whole.splitlines()]


def _cut(path: Path, length: int) -> BinaryIO:
    """A file opened to append, of this length. Raises Conflict when it is shorter."""
    file = path.open("ab+")
    found = file.seek(0, os.SEEK_END)
    if found < length:
        file.close()
        raise Conflict(f"{path} is shorter than its journal says; give --restart to start again.")
    file.truncate(length)
    return file
