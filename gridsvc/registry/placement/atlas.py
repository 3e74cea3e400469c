"""An atlas: every level in force on a day, in memory, and the store that keeps it current."""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import structlog
from sqlalchemy import Engine

from gridsvc.errors import DamagedIndex, NotFound
from gridsvc.registry.placement import repository
from gridsvc.registry.placement.model import LEVELS, AreaRef, EditionRef, GridRef
from gridsvc.spatial.border import BorderIndex
from gridsvc.spatial.locator import Locator

__all__ = ["AreaLevel", "Atlas", "AtlasStore", "GridLevel"]

_log = structlog.get_logger(__name__)

#: Levels whose borders part bodies from each other; a community's border does not.
_BORDERED = ("district", "street")


@dataclass(frozen=True, slots=True)
class AreaLevel:
    """One level of areas: its edition, its areas in code order, its indexes."""

    edition: EditionRef
    refs: tuple[AreaRef, ...]
    locator: Locator
    borders: BorderIndex | None


@dataclass(frozen=True, slots=True)
class GridLevel:
    """The unit grids in order of district and code, with their index."""

    refs: tuple[GridRef, ...]
    locator: Locator


@dataclass(frozen=True, slots=True)
class Atlas:
    """All levels in force at one moment; never changes, so one answer never mixes editions."""

    stamp: str
    areas: Mapping[str, AreaLevel]
    grids: GridLevel | None
    grid_edition: EditionRef | None

    @property
    def editions(self) -> tuple[EditionRef, ...]:
        """The editions that answers come from."""
        editions = tuple(level.edition for level in self.areas.values())
        return editions if self.grid_edition is None else (*editions, self.grid_edition)


class AtlasStore:
    """Gives the atlas of a day; builds its indexes once and keeps them as files.

    The present atlas is renewed when the editions in the database have changed, which is
    looked at no more than once in ``check_every_s``.
    """

    _KEPT = 4

    def __init__(self, engine: Engine, index_dir: Path, *, check_every_s: float = 1.0) -> None:
        self._engine = engine
        self._index_dir = index_dir
        self._check_every_s = check_every_s
        self._lock = threading.Lock()
        self._checked_at = float("-inf")
        self._stamp = ""
        self._kept: OrderedDict[tuple[str, str], Atlas] = OrderedDict()

    def get(self, as_of: dt.datetime | None = None) -> Atlas:
        """The atlas in force at ``as_of`` (now when None).

        Raises NotFound when no edition of districts was in force then.
        """
        stamp = self._present_stamp()
        day = as_of or dt.datetime.now(dt.UTC)
        key = (stamp, day.date().isoformat() if as_of is None else as_of.isoformat())
        with self._lock:
            atlas = self._kept.get(key)
            if atlas is None:
                atlas = self._build(stamp, day)
                self._kept[key] = atlas
                while len(self._kept) > self._KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
        return atlas

    def _present_stamp(self) -> str:
        now = time.monotonic()
        if now - self._checked_at >= self._check_every_s:
            with self._engine.connect() as connection:
                self._stamp = repository.edition_stamp(connection)
            self._checked_at = now
        return self._stamp

    def _build(self, stamp: str, day: dt.datetime) -> Atlas:
        started = time.perf_counter()
        with self._engine.connect() as connection:
            editions = repository.editions_on(connection, day)
            if not any(edition.level == "district" for edition in editions):
                raise NotFound(
                    f"No district boundaries were in force on {day.date()}; ask for a later day,"
                    " or load an edition with 'gridsvc import areas'.",
                    field="as_of",
                )
            areas: dict[str, AreaLevel] = {}
            grids, grid_edition = None, None
            for edition in editions:
                if edition.level == "unit_grid":
                    grid_rows = repository.grids_on(connection, day)
                    grid_edition = edition
                    codes = [ref.district_code + ref.code for ref in grid_rows.refs]
                    if codes:
                        locator = self._locator("unit_grid", grid_rows.geometries, codes)
                        grids = GridLevel(grid_rows.refs, locator)
                    continue
                rows = repository.areas_of(connection, edition.id)
                refs = tuple(
                    AreaRef(code, name) for code, name in zip(rows.codes, rows.names, strict=True)
                )
                locator = self._locator(edition.level, rows.geometries, list(rows.codes))
                borders = None
                if edition.level in _BORDERED:
                    shapes = list(rows.geometries)
                    borders = BorderIndex.build(shapes, list(rows.codes), locator=locator)
                areas[edition.level] = AreaLevel(edition, refs, locator, borders)
        ordered = {level: areas[level] for level in LEVELS if level in areas}
        _log.info("atlas ready", seconds=round(time.perf_counter() - started, 2))
        return Atlas(stamp=stamp, areas=ordered, grids=grids, grid_edition=grid_edition)

    def _locator(
        self, level: str, geometries: npt.NDArray[np.object_], codes: list[str]
    ) -> Locator:
        """The index of these geometries, from its file when one was made of the same input."""
        digest = hashlib.sha256()
        for code, geometry in zip(codes, geometries, strict=True):
            digest.update(code.encode())
            digest.update(geometry.wkb)
        path = self._index_dir / f"{level}-{digest.hexdigest()[:24]}.idx"
        if path.exists():
            try:
                return Locator.open(path)
            except DamagedIndex as error:
                _log.warning("index file is built anew", path=str(path), reason=str(error))
        locator = Locator.build(list(geometries), codes)
        self._index_dir.mkdir(parents=True, exist_ok=True)
        locator.save(path)
        return locator
