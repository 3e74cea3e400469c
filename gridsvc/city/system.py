"""A system of the field as a city runs it: its procedures, its tables, what it hears and shows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gridsvc.city.table import Table

#: What follows from an event: it is given the act and the event, and may answer whoever emitted it.
Hears = Callable[[Any, Any], Mapping[str, Any] | None]
#: A system's part of what readers see of a case: it is given the session, the city and the case.
Shows = Callable[[Any, Any, Any], Mapping[str, Any]]
#: The bodies that take part in a case by what a system did: given the session and the case.
Bodies = Callable[[Any, Any], Collection[str]]


@dataclass(frozen=True, slots=True)
class System:
    """One system of the field.

    ``procedures`` is the folder of its procedures (TOML), None for a system without;
    ``hears`` maps a kind of event to what follows from it, in the same transaction.
    """

    name: str
    procedures: Path | None = None
    tables: tuple[Table[Any], ...] = ()
    hears: Mapping[type[Any], Hears] = field(default_factory=dict)
    shows: Shows | None = None
    bodies: Bodies | None = None
