"""Monthly partitions of the tables that nothing references."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection, text

_MONTHS_AHEAD = 3
_PARTITIONED = ("trace", "message")


def ensure_partitions(connection: Connection, now: dt.datetime) -> list[str]:
    """Make the partitions of this month (of UTC) and the next three; give the names of new ones.

    A month whose rows already are in the default partition stays there. The owner's function
    ``make_partition`` does it, so that the service needs no right to change the schema.
    """
    made = []
    month = dt.date(now.year, now.month, 1)
    for _ in range(_MONTHS_AHEAD + 1):
        for table in _PARTITIONED:
            given = {"table": table, "month": month}
            made.append(connection.scalar(text("select make_partition(:table, :month)"), given))
        month = (month + dt.timedelta(days=32)).replace(day=1)
    return [name for name in made if name is not None]
