"""The key of a class: the same digits name a part and an event, in several standards."""

from __future__ import annotations

from dataclasses import dataclass

#: The national list since 2026-07-01.
STANDARD = "GB/T 47678.5-2026"


@dataclass(frozen=True, slots=True)
class ClassKey:
    """Standard, kind (``part`` or ``event``) and code of a class."""

    standard: str
    kind: str
    code: str
