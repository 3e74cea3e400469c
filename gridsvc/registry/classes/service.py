"""Loads the national class list that ships with the package."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.city.classes import STANDARD, ClassKey
from gridsvc.db.base import Prepared
from gridsvc.errors import BadFile, UnknownClass
from gridsvc.registry.classes import repository
from gridsvc.tables import Row, table

_SHIPPED = Path(__file__).with_name("gbt_47678_5_2026.csv")
_COLUMNS = ["kind", "code", "name", "major"]
_KINDS = ("part", "event")


def read_class_list(path: Path | None = None) -> list[Row]:
    """Read a class list: a CSV with the columns kind, code, name and major.

    Raises BadFile, with the line number, for an unknown kind, a code that does not have 5 digits,
    an empty name or major, and a kind and code that are duplicated.
    """
    classes = list(table(path or _SHIPPED, _COLUMNS, key=("kind", "code")))
    for row in classes:
        if (wrong := _fault(row)) is not None:
            raise BadFile(f"{row.where}: {wrong}; correct the line and load again.")
    return classes


def load_classes(session: Session, path: Path | None = None, *, standard: str = STANDARD) -> int:
    """Load a class list into the register, new or over an older load; gives their number.

    Raises BadFile as :func:`read_class_list` does.
    """
    rows: list[dict[str, Any]] = [{"standard": standard, **row} for row in read_class_list(path)]
    repository.upsert(session, rows)
    return len(rows)


def part_class_names(session: Session, standard: str) -> dict[str, str]:
    """The names of the part classes of a standard, by code.

    Raises UnknownClass when the standard's list was never loaded.
    """
    names = repository.names_of(session, standard, "part")
    if not names:
        raise UnknownClass(
            f"The register holds no part classes of {standard}; load its class list first.",
            field="standard",
        )
    return names


def _fault(row: Row) -> str | None:
    if row["kind"] not in _KINDS:
        return f"kind {row['kind']!r} is neither part nor event"
    if re.fullmatch("[0-9]{5}", row["code"]) is None:
        return f"code {row['code']!r} does not have 5 digits"
    return None if row["name"] and row["major"] else "name or major is empty"


_KIND_OF = Prepared(
    "kind_of",
    "select kind from class where standard = :standard and kind = any(:kinds) and code = :code"
    " order by kind limit 1",
    {"standard": "text", "kinds": "text[]", "code": "text"},
)


def find_class(session: Session, code: str, *, kind: str | None, standard: str) -> ClassKey:
    """The class of a code; the event where the same digits name a part too and no kind is given.

    Raises UnknownClass.
    """
    kinds = [kind] if kind else ["event", "part"]
    found = _KIND_OF.ask(session, {"standard": standard, "kinds": kinds, "code": code})
    if found:
        return ClassKey(standard, found[0][0], code)
    if not repository.has_classes(session, standard):
        raise UnknownClass(
            f"The register holds no class of {standard}; load its list with 'gridsvc import"
            " classes'.",
            field="class",
        )
    raise UnknownClass(
        f"{standard} has no {kind or 'event or part'} class '{code[:20]}'; a class is five digits,"
        " such as 06001 (illegal building).",
        field="class",
    )
