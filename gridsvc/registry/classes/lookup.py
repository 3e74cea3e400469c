"""Finds the class that a report names."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from gridsvc.errors import UnknownClass
from gridsvc.registry.classes.model import STANDARD, ClassKey
from gridsvc.registry.classes.models import ListedClass

__all__ = ["find_class"]


def find_class(
    session: Session, code: str, *, kind: str | None, standard: str = STANDARD
) -> ClassKey:
    """The class of a code; the event where the same digits name a part too and no kind is given.

    Raises UnknownClass.
    """
    kinds = [kind] if kind else ["event", "part"]
    found = session.scalar(
        select(ListedClass.kind)
        .where(
            ListedClass.standard == standard,
            ListedClass.kind.in_(kinds),
            ListedClass.code == code,
        )
        .order_by(ListedClass.kind)
        .limit(1)
    )
    if found is not None:
        return ClassKey(standard, found, code)
    raise UnknownClass(
        f"{standard} has no {kind or 'event or part'} class '{code[:20]}'; a class is five digits,"
        " such as 06001 (illegal building).",
        field="class",
    )
