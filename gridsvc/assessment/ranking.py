"""Rankings with stable ties."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Ranked", "ranked"]


@dataclass(frozen=True, slots=True)
class Ranked:
    """One line of a ranking; ``rank`` and ``value`` are None without data."""

    rank: int | None
    key: str
    value: Fraction | None


def ranked(values: Iterable[tuple[str, Fraction | None]]) -> list[Ranked]:
    """The highest first. Equal values share a rank and stand in the order of their codes.

    They are compared exactly, not as they are rounded; after two that share rank 1 comes rank 3.
    Lines without data have no rank and stand last, by code. The order of the input does not
    matter, so that the same figures always give the same list.
    """
    known = list(values)
    with_data = sorted(
        ((key, value) for key, value in known if value is not None),
        key=lambda line: (-line[1], line[0]),
    )
    lines: list[Ranked] = []
    for place, (key, value) in enumerate(with_data, 1):
        tied = lines and lines[-1].value == value
        lines.append(Ranked(lines[-1].rank if tied else place, key, value))
    return lines + [Ranked(None, key, None) for key in sorted(k for k, v in known if v is None)]
