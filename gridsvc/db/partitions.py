"""Monthly partitions of the tables that nothing references."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from sqlalchemy import Connection, text

_MONTHS_AHEAD = 3
_PARTITIONED = ("trace", "message")


def ensure_partitions(connection: Connection, now: dt.datetime) -> list[str]:
    """Make the partitions of this month (of UTC) and the next three; give the names of new ones.

    A month whose rows already are in the default partition stays there. The owner's function
    ``make_partition`` does it, so that the service needs no right to change the schema.
    """
    made = []
    for table, name, first, _ in _missing(connection, now):
        given = {"table": table, "month": first}
        connection.execute(text("select make_partition(:table, :month)"), given)
        made.append(name)
    return made


def missing_partitions(connection: Connection, now: dt.datetime) -> list[str]:
    """The names of those that :func:`ensure_partitions` would make."""
    return [name for _, name, _, _ in _missing(connection, now)]


def _missing(
    connection: Connection, now: dt.datetime
) -> Iterator[tuple[str, str, dt.date, dt.date]]:
    """Table, name, first day and the day after the last of each that is not there."""
    first = dt.date(now.year, now.month, 1)
    for _ in range(_MONTHS_AHEAD + 1):
        following = (first + dt.timedelta(days=32)).replace(day=1)
        for table in _PARTITIONED:
            name = f"{table}_{first:%Y_%m}"
            if not (_exists(connection, name) or _in_default(connection, table, first, following)):
                yield table, name, first, following
        first = following


def _exists(connection: Connection, name: str) -> bool:
    return bool(
        connection.execute(text("select to_regclass(:name) is not null"), {"name": name}).scalar()
    )


def _in_default(connection: Connection, table: str, first: dt.date, following: dt.date) -> bool:
    query = {
        "trace": "select exists (select from trace_default where written_at >= :a and"
        " written_at < :b)",
        "message": "select exists (select from message_default where written_at >= :a and"
        " written_at < :b)",
    }[table]
    return bool(connection.execute(text(query), {"a": first, "b": following}).scalar())
