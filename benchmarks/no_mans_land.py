"""`python -m benchmarks.no_mans_land`: what the scan finds of what was planted, and of nothing.

Strews made-up cases over the city whose demonstration was played (GRIDSVC_VAR_DIR, DATABASE_URL),
once without and once with no-man's-lands on borders of its streets, and prints what the scan lists
as JSON. Nothing of it is kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

import numpy as np
import shapely
from sqlalchemy.orm import Session

from benchmarks.fixtures import PLANE
from benchmarks.random_cases import NOW, SINCE, Planted, generate
from gridsvc.api.clock import utc_now
from gridsvc.cases.systems.no_mans_land.model import Scan, Terms
from gridsvc.cases.systems.no_mans_land.service import scan
from gridsvc.city import City
from gridsvc.db.engine import create_engine, database_url, session_factory
from gridsvc.registry.areas.repository import geometries_in
from gridsvc.registry.placement.store import Atlas, AtlasStore
from gridsvc.settings import Settings, get_settings
from gridsvc.spatial.borderland import stretches_of

__all__ = ["main"]

#: The inner city (WGS84 degrees), and what is compared.
_BOX = (116.26, 39.83, 116.50, 40.00)
_TERMS = Terms(band_m=100.0, stretch_m=500.0)
# Planted no-man's-lands are so far from each other.
_APART_M = 3_000.0


def main() -> None:
    """Strew, scan, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.no_mans_land", description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000, help="so many cases (100,000)")
    parser.add_argument("--planted", type=int, default=10, help="so many no-man's-lands (10)")
    parser.add_argument("--shuffles", type=int, default=1_000, help="so many shuffles (1,000)")
    parser.add_argument("--seed", type=int, default=7, help="of everything (7)")
    chosen = parser.parse_args()
    city = City.load(get_settings())
    engine = create_engine(database_url(city.settings), statement_timeout_s=0.0)
    atlas = AtlasStore(engine, city, utc_now).get()
    answer: dict[str, Any] = {}
    with session_factory(engine)() as session:
        boxes = _boxes(session, atlas, chosen.planted, chosen.seed)
        for name, planted in (("nothing planted", []), ("planted", boxes)):
            generate(session, count=chosen.cases, box=_BOX, seed=chosen.seed, planted=planted)
            answer[name] = _looked(session, atlas, planted, chosen.shuffles, chosen.seed)
            session.rollback()
    engine.dispose()
    sys.stdout.write(json.dumps(answer, indent=2) + "\n")


def _boxes(session: Session, atlas: Atlas, count: int, seed: int) -> list[Planted]:
    """Boxes around stretches of street borders, far apart from each other."""
    _, shapes = geometries_in(session, atlas.areas["street"].edition.id)
    stretches = stretches_of(list(shapes), plane=PLANE, longest_m=500.0, seam_m=10.0)
    inner = shapely.box(*_BOX)
    found: list[Planted] = []
    taken: list[Any] = []
    for k in np.random.default_rng(seed).permutation(len(stretches.lines)).tolist():
        line = stretches.lines[k]
        flat = PLANE.project(line)
        lone = not taken or shapely.distance(flat, shapely.union_all(taken)) > _APART_M
        if len(found) < count and lone and inner.contains(line) and stretches.metres[k] > 400.0:
            taken.append(flat)
            box = PLANE.unproject(shapely.box(*shapely.buffer(flat, 100.0).bounds))
            west, south, east, north = box.bounds
            found.append(Planted(west, south, east, north, refused=0.25, times_slower=2.0))
    return found


def _looked(
    session: Session, atlas: Atlas, planted: list[Planted], shuffles: int, seed: int
) -> dict[str, Any]:
    began = time.perf_counter()
    found = _scan(session, atlas, 0, seed)
    seconds = time.perf_counter() - began
    boxes = [shapely.box(it.west, it.south, it.east, it.north) for it in planted]
    hit = [any(shapely.intersects(box, it.line) for it in found.listed) for box in boxes]
    true = [any(shapely.intersects(box, it.line) for box in boxes) for it in found.listed]
    alarms = _scan(session, atlas, shuffles, seed).false_alarms
    return {
        "cases": found.cases,
        "stretches": found.stretches,
        "tested": found.tested,
        "planted": len(boxes),
        "planted found": sum(hit),
        "listed": len(true),
        "listed elsewhere": len(true) - sum(true),
        "seconds": round(seconds, 2),
        "shuffled": None if alarms is None else alarms.to_json(),
    }


def _scan(session: Session, atlas: Atlas, shuffles: int, seed: int) -> Scan:
    return scan(
        session,
        City.load(Settings()),
        atlas,
        _TERMS,
        since=SINCE,
        until=NOW,
        now=NOW,
        shuffles=shuffles,
        seed=seed,
    )


if __name__ == "__main__":
    main()
