"""What goes to the driver past SQLAlchemy: questions planned once, all new rows in one trip.

Each saves most of what a report costs there (docs/benchmarks-cases.md).
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, LargeBinary, Table, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapper, Session, make_transient_to_detached, object_mapper

from gridsvc.db.base import Base

if TYPE_CHECKING:
    from geoalchemy2 import WKBElement

_Read = Callable[[dict[str, Any]], Any]


def write_added(session: Session, keep: Sequence[object] | None = None) -> None:
    """Insert all new objects of a session, those that others point at first; then the rest.

    What was changed is flushed as ever. The objects are then as persistent as after a flush; those
    that are not in ``keep`` (None: all) leave the session.
    """
    made: dict[Table, list[Any]] = {}
    for added in session.new:
        mapper = object_mapper(added)
        made.setdefault(mapper.local_table, []).append(added)  # type: ignore[arg-type] # all ours
    statements: list[str] = []
    values: list[Any] = []
    written: list[Any] = []
    for table in sorted(made, key=_order):
        objects = made[table]
        into, row, reads = _insert_of(object_mapper(objects[0]))
        statements.append(into + ", ".join([row] * len(objects)))
        for added in objects:
            values += [read(added.__dict__) for read in reads]
        written += objects
    if statements:
        driver: Any = session.connection().connection
        with driver.cursor() as cursor:
            cursor.execute("; ".join(statements), values)
    for added in written:
        session.expunge(added)
        if keep is None or any(added is kept for kept in keep):
            make_transient_to_detached(added)
            session.add(added)
    session.flush()


def copy_rows(session: Session, statement: str, rows: Iterable[Sequence[object]]) -> None:
    """Write rows by a COPY statement that reads CSV; an empty field is null."""
    lines = io.StringIO()
    csv.writer(lines).writerows(rows)
    lines.seek(0)
    session.connection().connection.cursor().copy_expert(statement, lines)


@cache
def _orders() -> dict[Table, int]:
    return {table: n for n, table in enumerate(Base.metadata.sorted_tables)}


def _order(table: Table) -> int:
    return _orders()[table]


@cache
def _insert_of(mapper: Mapper[Any]) -> tuple[str, str, tuple[_Read, ...]]:
    """The beginning of an INSERT, the form of a row, and how its values are read."""
    columns = list(mapper.columns)
    names = ", ".join(column.name for column in columns)
    reads = tuple(_reader(mapper.get_property_by_column(c).key, c) for c in columns)
    row = f"({', '.join(['%s'] * len(columns))})"
    # Names of our own tables and columns; every value is bound.
    into = f"insert into {mapper.local_table} ({names}) values "  # noqa: S608
    return into, row, reads


def _reader(key: str, column: Column[Any]) -> _Read:
    """How a column's value comes from an object's attributes, in a form that psycopg2 takes."""
    # It brings shapely, which who asks nothing about geometry need not wait for.
    from geoalchemy2 import Geometry

    default = getattr(column.default, "arg", None)

    def plain(given: dict[str, Any]) -> Any:
        return given.get(key, default)

    if isinstance(column.type, JSONB):
        return lambda given: json.dumps(given[key]) if key in given else None
    if isinstance(column.type, Uuid):
        return lambda given: None if given.get(key) is None else str(given[key])
    if isinstance(column.type, Geometry):
        return lambda given: _ewkb(given.get(key))
    if isinstance(column.type, LargeBinary):
        return lambda given: None if given.get(key) is None else memoryview(given[key])
    return plain


def _ewkb(shape: WKBElement | None) -> str | None:
    return None if shape is None else shape.as_ewkb().desc


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
