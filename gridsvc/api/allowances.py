"""What each role may ask of one process: a table, the package's or a city's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from gridsvc.callers import Role
from gridsvc.errors import BadFile
from gridsvc.tables import Row, table

_OURS = Path(__file__).with_name("allowances.csv")
#: Whoever has no token that holds, by their address.
ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one caller may ask for.

    A minute: look-ups of points, other requests, megabytes that they send, seconds of work. At
    once: requests, and answers that are read for long (exports, event streams). Of ``reports`` so
    many an hour are taken in as they come, then one in ``then_every_s`` seconds; 0 is no limit, and
    those in the row ``anonymous`` are of all citizens of one address. ``body_bytes`` are of one
    body that is not a photo: JSON is read in the event loop, where all wait for it.
    """

    look_ups: int
    requests: int
    megabytes: int
    work_s: int
    at_once: int
    streams: int
    body_bytes: int
    reports: int
    then_every_s: int


def read_allowances(path: Path | None) -> Mapping[str, Allowance]:
    """The table by role and ``anonymous``. Raises BadFile with the line of a fault."""
    path = path or _OURS
    names = [field.name for field in fields(Allowance)]
    read = {
        row["role"]: Allowance(*(_count(row, name) for name in names))
        for row in table(path, ("role", *names), key=("role",))
    }
    missing = {ANONYMOUS, *Role} - read.keys()
    if missing:
        raise BadFile(f"{path.name} has no line for {min(missing)}; add it.")
    return read


def _count(row: Row, name: str) -> int:
    text = row[name]
    if not (text.isascii() and text.isdecimal()):
        raise BadFile(f"{row.where}: {name} is {text!r}; write a whole number.")
    return int(text)
