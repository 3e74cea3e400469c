"""What tables and transactions rest on: the declarative base, ids, one transaction a request.

And what goes to the driver past SQLAlchemy: questions planned once (:class:`Prepared`), all new
rows in one trip (:func:`write_added`). Each saves most of what a report costs there
(docs/benchmarks-cases.md).
"""

from __future__ import annotations

import csv
import io
import json
import re
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import psycopg2
from sqlalchemy import Column, LargeBinary, MetaData, Table, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapper,
    Session,
    make_transient_to_detached,
    object_mapper,
    sessionmaker,
)

from gridsvc.errors import Unavailable
from gridsvc.whole import full

if TYPE_CHECKING:
    from geoalchemy2 import WKBElement

_QUERY_CANCELED = "57014"
_DISK_FULL = "53100"
_DEADLOCK_DETECTED = "40P01"
_Read = Callable[[dict[str, Any]], Any]
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)")
_KEPT = "gridsvc prepared"


class Base(DeclarativeBase):
    """Base of every table; constraints are named so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


_lock = threading.Lock()
_last = 0


def uuid7() -> uuid.UUID:
    """A UUID of version 7 (RFC 9562): sorts by time, and never backwards within a process.

    The 12 bits after the milliseconds hold the fraction of the millisecond (method 3 of the
    RFC's section 6.2), pushed on by one where two calls fall together.
    """
    global _last
    with _lock:
        ticks = max(time.time_ns() * 4096 // 1_000_000, _last + 1)
        _last = ticks
    milliseconds, fraction = divmod(ticks, 4096)
    value = milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | secrets.randbits(62)
    return uuid.UUID(int=value)


@contextmanager
def transaction(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """One transaction: committed at the end, rolled back whole on any error.

    Raises ``Unavailable`` when the database does not answer, a statement took too long, no
    connection became free, or two transactions waited for each other and this one gave way;
    ``StorageFull`` when its disk has no room.
    """
    try:
        with sessions.begin() as session:
            yield session
    except PoolTimeout as error:
        raise Unavailable(
            "All connections to the database are taken; nothing was changed. Try again in a moment."
        ) from error
    except (DBAPIError, psycopg2.Error) as error:
        fault = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(fault, "pgcode", None)
        if code == _QUERY_CANCELED:
            raise Unavailable(
                "The database took too long for this and stopped; ask for less, or try again later."
            ) from error
        if code == _DISK_FULL:
            raise full() from error
        if code == _DEADLOCK_DETECTED:
            raise Unavailable(
                "Someone else was changing the same things; nothing was changed. Try again."
            ) from error
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        broken = isinstance(fault, psycopg2.OperationalError | psycopg2.InterfaceError)
        if lost or (broken and code is None):
            raise Unavailable(
                "The database does not answer; nothing was changed. Try again in a moment."
            ) from error
        raise


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
        Raises :class:`psycopg2.Error`, which :func:`transaction` translates.
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
