"""Finds the class that a report names."""

from __future__ import annotations

from sqlalchemy.orm import Session

from gridsvc.city.classes import ClassKey
from gridsvc.db.driver import Prepared
from gridsvc.errors import UnknownClass

__all__ = ["find_class"]


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
    raise UnknownClass(
        f"{standard} has no {kind or 'event or part'} class '{code[:20]}'; a class is five digits,"
        " such as 06001 (illegal building).",
        field="class",
    )
