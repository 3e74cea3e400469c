"""A table that people change: shipped with the package, replaced by a city's own file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from gridsvc.settings import Settings

T = TypeVar("T", covariant=True)
#: The path of a file of that name: the city's own where there is one, else the shipped one.
Find = Callable[[str], Path]


def own_rules(settings: Settings) -> Path | None:
    """The folder of a city's own procedures and rules."""
    return settings.procedures_dir


@dataclass(frozen=True, eq=False)
class Table(Generic[T]):
    """A table of one or more files in ``shipped``, and how it is read; BadFile tells what is wrong.

    ``own`` gives the folder in which a city keeps files of its own, None where it has none.
    """

    shipped: Path
    read: Callable[[Find], T]
    own: Callable[[Settings], Path | None] = own_rules

    def load(self, settings: Settings) -> T:
        """The table of a city. Raises BadFile with file, line and reason."""
        folder = self.own(settings)

        def find(name: str) -> Path:
            own = None if folder is None else folder / name
            return own if own is not None and own.is_file() else self.shipped / name

        return self.read(find)
