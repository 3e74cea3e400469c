"""Keeps atlases: builds their indexes once, keeps them as files, and renews the present one."""

from __future__ import annotations

import datetime as dt
import gc
import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import shapely
import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from gridsvc.city import City
from gridsvc.errors import DamagedIndex, NotFound
from gridsvc.registry.placement import repository
from gridsvc.registry.placement.model import LEVELS, AreaRef, EditionRef, GridRef
from gridsvc.spatial.border import BorderIndex
from gridsvc.spatial.locator import Locator

_log = structlog.get_logger(__name__)

#: Levels whose borders part bodies from each other; a community's border does not.
_BORDERED = ("district", "street")
#: So many atlases are kept: the present one, and days that were asked for lately.
_KEPT = 4


class AtlasStore:
    """Gives the atlas of a moment. Safe to share between threads.

    While it is watched, the present atlas is renewed in the background within ``check_every_s``
    of a change, and :meth:`get` without a day costs nothing; otherwise a change is looked for
    when somebody asks. ``clock`` tells the present moment; ``index_dir`` is where the files of the
    indexes are.
    """

    def __init__(
        self,
        engine: Engine,
        city: City,
        clock: Callable[[], dt.datetime],
        *,
        check_every_s: float = 0.5,
    ) -> None:
        self._engine = engine
        self._city = city
        self._clock = clock
        self.index_dir = city.settings.var_dir / "index"
        self._check_every_s = check_every_s
        self._lock = threading.Lock()
        self._checked_at = float("-inf")
        self._stamp = ""
        self._in_force = ""
        self._kept: OrderedDict[tuple[str, str], Atlas] = OrderedDict()
        #: The present atlas while the store is watched; None before there is one.
        self.present: Atlas | None = None
        self._ended = threading.Event()
        self._watcher: threading.Thread | None = None

    def get(self, as_of: dt.datetime | None = None) -> Atlas:
        """The atlas in force at ``as_of`` (now when None).

        Raises NotFound when no edition of districts was in force then.
        """
        if as_of is None and self.present is not None:
            return self.present
        return self._kept_or_built(as_of)

    def watch(self) -> None:
        """Renew the present atlas in the background until :meth:`close`."""
        self._renew()
        self._watcher = threading.Thread(target=self._keep_watching, name="atlas", daemon=True)
        self._watcher.start()

    def close(self) -> None:
        """Stop watching."""
        self._ended.set()
        if self._watcher is not None:
            self._watcher.join()

    def _keep_watching(self) -> None:
        while not self._ended.wait(self._check_every_s):
            self._renew()

    def _renew(self) -> None:
        before = self.present
        try:
            self.present = self._kept_or_built(None)
            if self.present is not before:
                # An atlas holds a hundred thousand small objects for good. Looking through them
                # at every full collection would hold all requests up for a tenth of a second.
                gc.collect()
                gc.freeze()
        except NotFound as error:
            _log.debug("no boundaries yet", advice=error.detail)
        except SQLAlchemyError as error:
            _log.warning("the editions could not be looked at", reason=type(error).__name__)

    def _kept_or_built(self, as_of: dt.datetime | None) -> Atlas:
        with self._lock:
            stamp = self._newest_stamp()
            moment = as_of or self._clock()
            # Editions come into force at any hour, cells begin and end with a day.
            present = f"{self._in_force} {self._city.day(moment)}"
            key = (stamp, present if as_of is None else moment.isoformat())
            atlas = self._kept.get(key)
            if atlas is None:
                atlas = self._build(stamp, moment)
                self._kept[key] = atlas
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return atlas

    def _newest_stamp(self) -> str:
        now = time.monotonic()
        if now - self._checked_at >= self._check_every_s / 2:
            with self._engine.connect() as connection:
                self._stamp = repository.edition_stamp(connection)
                found = repository.editions_on(connection, self._clock())
            self._in_force = " ".join(edition.id for edition in found)
            self._checked_at = now
        return self._stamp

    def _build(self, stamp: str, moment: dt.datetime) -> Atlas:
        started = time.perf_counter()
        with self._engine.connect() as connection:
            editions = repository.editions_on(connection, moment)
            by_level = {edition.level: edition for edition in editions}
            if "district" not in by_level:
                raise NotFound(
                    f"No district boundaries were in force on"
                    f" {self._city.day(moment)}; ask for a later"
                    " day, or load an edition with 'gridsvc import areas'.",
                    field="as_of",
                )
            areas = {
                level: self._level(connection, by_level[level])
                for level in LEVELS[:3]
                if level in by_level
            }
            grid_edition = by_level.get("unit_grid")
            grids = None if grid_edition is None else self._grids(connection, moment)
        _log.info("atlas ready", seconds=round(time.perf_counter() - started, 2))
        return Atlas(stamp=stamp, areas=areas, grids=grids, grid_edition=grid_edition)

    def _level(self, connection: Connection, edition: EditionRef) -> AreaLevel:
        """A level; taken from an atlas that has it, since an edition in force never changes."""
        for atlas in reversed(self._kept.values()):
            level = atlas.areas.get(edition.level)
            if level is not None and level.edition == edition:
                return level
        rows = repository.areas_of(connection, edition.id)
        refs = tuple(AreaRef(*ref) for ref in zip(rows.codes, rows.names, strict=True))
        locator = locator_of(self.index_dir, edition.level, rows.wkb, rows.codes)
        borders = None
        if edition.level in _BORDERED:
            shapes = list(shapely.from_wkb(rows.wkb))
            borders = BorderIndex.build(shapes, list(rows.codes), locator=locator)
        return AreaLevel(edition, refs, locator, borders)

    def _grids(self, connection: Connection, moment: dt.datetime) -> GridLevel | None:
        day = self._city.day(moment)
        stamp = repository.grid_stamp(connection, moment, day)
        for atlas in reversed(self._kept.values()):
            if atlas.grids is not None and atlas.grids.stamp == stamp:
                return atlas.grids
        rows = repository.grids_on(connection, day)
        if not rows.refs:
            return None
        codes = [ref.district_code + ref.code for ref in rows.refs]
        locator = locator_of(self.index_dir, "unit_grid", rows.wkb, codes)
        return GridLevel(stamp, rows.refs, locator)


@dataclass(frozen=True, slots=True)
class AreaLevel:
    """One level of areas: its edition, its areas in code order, its indexes."""

    edition: EditionRef
    refs: tuple[AreaRef, ...]
    locator: Locator
    borders: BorderIndex | None


@dataclass(frozen=True, slots=True)
class GridLevel:
    """The unit grids in order of district and code, with their index.

    ``stamp`` names the builds and the day that they are of.
    """

    stamp: str
    refs: tuple[GridRef, ...]
    locator: Locator


@dataclass(frozen=True)
class Atlas:
    """All levels in force at one moment; never changes, so one answer never mixes editions."""

    stamp: str
    areas: Mapping[str, AreaLevel]
    grids: GridLevel | None
    grid_edition: EditionRef | None

    @cached_property
    def editions(self) -> tuple[EditionRef, ...]:
        """The editions that answers come from."""
        editions = tuple(level.edition for level in self.areas.values())
        return editions if self.grid_edition is None else (*editions, self.grid_edition)


@dataclass(frozen=True, slots=True)
class DatedAtlas:
    """The atlas of a day that was asked for, and that day of the city."""

    atlas: Atlas
    day: dt.date


def locator_of(index_dir: Path, level: str, wkb: Sequence[bytes], codes: Sequence[str]) -> Locator:
    """The index of n geometries (WKB, WGS84), from its file when one was made of the same input.

    Raises BadGeometry as ``Locator.build`` does.
    """
    digest = hashlib.sha256()
    for code, geometry in zip(codes, wkb, strict=True):
        digest.update(code.encode())
        digest.update(geometry)
    path = index_dir / f"{level}-{digest.hexdigest()[:24]}.idx"
    if path.exists():
        try:
            return Locator.open(path)
        except DamagedIndex as error:
            _log.warning("index file is built anew", path=str(path), reason=str(error))
    locator = Locator.build(list(shapely.from_wkb(wkb)), codes)
    index_dir.mkdir(parents=True, exist_ok=True)
    locator.save(path)
    return locator
