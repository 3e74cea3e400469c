"""The locators of several levels of one edition of a city."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridsvc.errors import DamagedIndex, NotFound
from gridsvc.spatial.locator._locator import Locator

__all__ = ["LocatorSet", "Places"]

_MANIFEST = "levels.json"
_FORMAT = 2
_HEADER_BYTES = 4096  # of a locator's file: it holds the checksums of all the rest


@dataclass(frozen=True, slots=True)
class Places:
    """Where one point lies: its areas in each level.

    `codes`: the primary area's code by level, or None; `claims`: the codes of all areas that the
    point touches, by level; `editions`: the edition that answered, by level.
    """

    codes: Mapping[str, str | None]
    claims: Mapping[str, tuple[str, ...]]
    editions: Mapping[str, str]


class LocatorSet:
    """Named locators (district, street, community, unit_grid, ...), asked together.

    `locators` and `editions` have the same levels as keys; their order is the order of the answer.
    """

    def __init__(self, locators: Mapping[str, Locator], editions: Mapping[str, str]) -> None:
        if list(locators) != list(editions):
            raise NotFound(
                f"Locators are given for {list(locators)} and editions for {list(editions)}; "
                "give both for the same levels."
            )
        self._locators = dict(locators)
        self._editions = dict(editions)

    @property
    def levels(self) -> tuple[str, ...]:
        """The names of the levels."""
        return tuple(self._locators)

    @property
    def editions(self) -> dict[str, str]:
        """The edition of each level."""
        return dict(self._editions)

    def __getitem__(self, level: str) -> Locator:
        try:
            return self._locators[level]
        except KeyError:
            raise NotFound(
                f"There is no level {level!r} in this index; it has {', '.join(self.levels)}."
            ) from None

    def locate(self, lon: ArrayLike, lat: ArrayLike) -> dict[str, NDArray[np.int32]]:
        """For each level the index of each point's primary area, as `Locator.locate` gives it."""
        return {level: locator.locate(lon, lat) for level, locator in self._locators.items()}

    def locate_one(self, lon: float, lat: float) -> dict[str, int]:
        """For each level the index of one point's primary area, -1 for none."""
        return {level: locator.locate_one(lon, lat) for level, locator in self._locators.items()}

    def place(self, lon: float, lat: float) -> Places:
        """The codes and claims of one point (WGS84 degrees) in all levels."""
        claims = {
            level: tuple(locator.codes[index] for index in locator.claims(lon, lat))
            for level, locator in self._locators.items()
        }
        codes = {level: found[0] if found else None for level, found in claims.items()}
        return Places(codes, claims, self._editions)

    def save(self, directory: Path | str) -> None:
        """Write all levels into `directory`; an older set there is replaced as a whole.

        Each level's file is named by what it holds, and the list of levels comes last: whoever
        opens the directory, at any time, finds the older set or this one and never some of both.
        Files that only the older set has are removed.
        """
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        before = _listed(directory)
        files: dict[str, str] = {}
        for level, locator in self._locators.items():
            new = directory / f"{level}.locator.new"
            locator.save(new)
            files[level] = _fingerprint(new)
            new.replace(_file(directory, level, files[level]))
        manifest = {"format": _FORMAT, "editions": self._editions, "files": files}
        written = directory / (_MANIFEST + ".new")
        written.write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
        written.replace(directory / _MANIFEST)
        for level, fingerprint in before.items():
            if files.get(level) != fingerprint:
                _file(directory, level, fingerprint).unlink(missing_ok=True)

    @classmethod
    def open(cls, directory: Path | str) -> LocatorSet:
        """Open a saved set, memory-mapped.

        Raises `DamagedIndex` if any part of it is not sound, or is another than was saved with it.
        """
        directory = Path(directory)
        path = directory / _MANIFEST
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            sound = manifest["format"] == _FORMAT
            editions = {str(level): str(label) for level, label in manifest["editions"].items()}
            files = {level: str(manifest["files"][level]) for level in editions} if sound else {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DamagedIndex(
                f"The list of levels {path} cannot be read ({error}); build the index again."
            ) from error
        if not sound:
            raise DamagedIndex(f"{path} has another format; build the index again.")
        locators = {}
        for level, fingerprint in files.items():
            file = _file(directory, level, fingerprint)
            locators[level] = Locator.open(file)
            if _fingerprint(file) != fingerprint:
                raise DamagedIndex(
                    f"{file} is another index than {path} names; build the index again.",
                    path=str(file),
                )
        return cls(locators, editions)


def _file(directory: Path, level: str, fingerprint: str) -> Path:
    return directory / f"{level}.{fingerprint}.locator"


def _fingerprint(file: Path) -> str:
    """Names what a locator's file holds, by the checksums in its header."""
    with file.open("rb") as opened:
        return hashlib.sha256(opened.read(_HEADER_BYTES)).hexdigest()[:16]


def _listed(directory: Path) -> dict[str, str]:
    """The fingerprint of each level of the set that is in a directory; none if there is no set."""
    try:
        manifest = json.loads((directory / _MANIFEST).read_text(encoding="utf-8"))
        return {str(level): str(name) for level, name in manifest["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
