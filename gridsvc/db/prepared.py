"""Questions that every report asks: planned once a connection, not once a report.

PostgreSQL takes longer to plan them than to answer them (docs/benchmarks-cases.md).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

__all__ = ["Prepared"]

_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)")
_KEPT = "gridsvc prepared"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement with ``:name`` parameters, and the PostgreSQL type of each of them."""

    name: str
    statement: str
    types: Mapping[str, str]
    _order: list[str] = field(init=False, default_factory=list)
    _prepare: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        used = dict.fromkeys(_PARAMETER.findall(self.statement))
        self._order.extend(used)
        numbers = {name: f"${n}" for n, name in enumerate(used, 1)}
        written = _PARAMETER.sub(lambda found: numbers[found[1]], self.statement)
        types = ", ".join(self.types[name] for name in used)
        marks = ", ".join(["%s"] * len(used))
        self._prepare.append(f"prepare {self.name} ({types}) as " + written.replace("%", "%%"))
        self._prepare.append(f"execute {self.name} ({marks})")

    def ask(self, session: Session, values: Mapping[str, Any]) -> Sequence[Any]:
        """The rows of the answer; ``values`` may have more than the statement asks for."""
        connection = session.connection()
        known: set[str] = connection.info.setdefault(_KEPT, set())
        prepare, execute = self._prepare
        if self.name not in known:
            connection.exec_driver_sql(prepare, ())
            known.add(self.name)
        return connection.exec_driver_sql(
            execute, tuple(values[name] for name in self._order)
        ).all()
