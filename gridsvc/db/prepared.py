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

    def ask(
        self,
        session: Session,
        values: Mapping[str, Any],
        *,
        behind: tuple[Prepared, Mapping[str, Any]] | None = None,
    ) -> Sequence[Any]:
        """The rows of the answer; ``values`` may have more than the statement asks for.

        ``behind`` names a question that is put first, in the same round trip, and whose answer
        nobody needs: a lock. This one sees what was committed until the other was done.

        SQLAlchemy's way to a result costs more than the driver's own, so the cursor is that one.
        Raises :class:`psycopg2.Error`, which :func:`gridsvc.db.engine.transaction` translates.
        """
        asked = (self, values) if behind is None else (*behind, self, values)
        statements, given = [], []
        connection = session.connection()
        known: set[str] = connection.info.setdefault(_KEPT, set())
        driver: Any = connection.connection
        with driver.cursor() as cursor:
            for question, its_values in zip(asked[::2], asked[1::2], strict=True):
                prepare, execute = question._prepare
                if question.name not in known:
                    cursor.execute(prepare, ())
                    known.add(question.name)
                statements.append(execute)
                given += [its_values[name] for name in question._order]
            cursor.execute("; ".join(statements), given)
            rows: Sequence[Any] = cursor.fetchall()
            return rows
