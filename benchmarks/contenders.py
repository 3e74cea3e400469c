"""The tools that join points to areas, each set up in the ways that its manual advises.

A contender is a generator used as a context manager: it takes areas and points, makes ready all
that can be made before points come in (index of the areas, tables) and all that depends on the
form of the points alone (point geometries, loaded tables), and gives an `Asked`. An index over the
points is inside the measured time, since each batch of points is a new one. Everything runs on one
core. Where a tool has several ways, each is a contender of its own, and the best one counts.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.db import PrivateCluster
from gridsvc.spatial.locator import Locator

__all__ = ["CONTENDERS", "OURS", "Asked", "Contender", "primaries"]

Shapes = NDArray[np.object_]
Floats = NDArray[np.float64]
Pairs = tuple[NDArray[Any], NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """`ask` is what is timed; `pairs` turns what it gave into (point, area) index arrays."""

    ask: Callable[[], Any]
    pairs: Callable[[Any], Pairs]


@dataclass(frozen=True, slots=True)
class Contender:
    """One tool used in one way; `packages` are what it needs, the first gives the version."""

    tool: str
    way: str
    packages: tuple[str, ...]
    enter: Callable[[Shapes, Floats, Floats], AbstractContextManager[Asked]]

    @property
    def name(self) -> str:
        """Tool and way."""
        return f"{self.tool}, {self.way}" if self.way else self.tool

    def missing(self) -> str | None:
        """What is not installed here, or None."""
        for package in self.packages:
            try:
                version(package)
            except PackageNotFoundError:
                return package
        return None


def primaries(pairs: Pairs, count: int) -> NDArray[np.int32]:
    """The smallest area of each of `count` points, -1 for none."""
    point, area = pairs
    least = np.full(count, np.iinfo(np.int32).max, np.int32)
    np.minimum.at(least, point, area.astype(np.int32))
    least[least == np.iinfo(np.int32).max] = -1
    return least


# --- the locator -----------------------------------------------------------------------------


@contextmanager
def _locator(areas: Shapes, xs: Floats, ys: Floats) -> Iterator[Asked]:
    locator = Locator.build(list(areas), [str(index) for index in range(len(areas))])

    def pairs(found: NDArray[np.int32]) -> Pairs:
        inside = np.flatnonzero(found >= 0)
        return inside, found[inside]

    yield Asked(lambda: locator.locate(xs, ys), pairs)


# --- GEOS: shapely and geopandas -------------------------------------------------------------


@contextmanager
def _tree_of_areas(areas: Shapes, xs: Floats, ys: Floats) -> Iterator[Asked]:
    tree = shapely.STRtree(areas)
    tree.query(shapely.Point(0, 0))
    points = shapely.points(xs, ys)
    yield Asked(lambda: tree.query(points, predicate="intersects"), lambda it: (it[0], it[1]))


@contextmanager
def _tree_of_points(areas: Shapes, xs: Floats, ys: Floats) -> Iterator[Asked]:
    points = shapely.points(xs, ys)

    def ask() -> Any:  # each area is prepared once: what `query` does with its input
        return shapely.STRtree(points).query(areas, predicate="intersects")

    yield Asked(ask, lambda it: (it[1], it[0]))


def _frames(areas: Shapes, xs: Floats, ys: Floats) -> tuple[Any, Any]:
    import geopandas

    points = geopandas.GeoDataFrame(
        {"point": np.arange(len(xs))}, geometry=shapely.points(xs, ys), crs=4326
    )
    shapes = geopandas.GeoDataFrame({"area": np.arange(len(areas))}, geometry=areas, crs=4326)
    return points, shapes


def _columns(joined: Any) -> Pairs:
    return joined["point"].to_numpy(), joined["area"].to_numpy()


@contextmanager
def _sjoin_to_areas(areas: Shapes, xs: Floats, ys: Floats) -> Iterator[Asked]:
    import geopandas

    points, shapes = _frames(areas, xs, ys)
    shapes.sindex.query(shapely.Point(0, 0))
    yield Asked(lambda: geopandas.sjoin(points, shapes, predicate="intersects"), _columns)


@contextmanager
def _sjoin_to_points(areas: Shapes, xs: Floats, ys: Floats) -> Iterator[Asked]:
    import geopandas

    points, shapes = _frames(areas, xs, ys)

    def ask() -> Any:  # a shallow copy has no index yet: it is made in the measured time
        return geopandas.sjoin(shapes, points.set_geometry(points.geometry.array.copy()))

    yield Asked(ask, _columns)


# --- engines that read Arrow -----------------------------------------------------------------


def _tables(areas: Shapes, xs: Floats, ys: Floats) -> tuple[Any, Any]:
    import pyarrow

    shapes = pyarrow.table(
        {
            "area": np.arange(len(areas), dtype=np.int32),
            "wkb": pyarrow.array(shapely.to_wkb(areas), pyarrow.binary()),
        }
    )
    points = pyarrow.table({"point": np.arange(len(xs), dtype=np.int32), "x": xs, "y": ys})
    return shapes, points


def _arrow(table: Any) -> Pairs:
    return table["point"].to_numpy(), table["area"].to_numpy()


def _sedona(library: str) -> Callable[[Shapes, Floats, Floats], AbstractContextManager[Asked]]:
    @contextmanager
    def enter(areas: Shapes, xs: Floats, ys: Floats) -> Iterator[Asked]:
        import sedonadb

        database = sedonadb.connect()
        database.sql("SET datafusion.execution.target_partitions = 1").execute()
        database.sql(f"SET sedona.spatial_join.spatial_library = '{library}'").execute()
        shapes, points = _tables(areas, xs, ys)
        database.create_data_frame(shapes).to_view("raw_areas", overwrite=True)
        database.create_data_frame(points).to_view("raw_points", overwrite=True)
        for name, expression in (
            ("areas", "SELECT area, ST_GeomFromWKB(wkb) AS geom FROM raw_areas"),
            ("points", "SELECT point, ST_Point(x, y) AS geom FROM raw_points"),
        ):
            database.sql(expression).to_memtable().to_view(name, overwrite=True)
        join = "SELECT p.point, a.area FROM points p JOIN areas a ON ST_Intersects(a.geom, p.geom)"
        yield Asked(lambda: database.sql(join).to_arrow_table(), _arrow)

    return enter


@contextmanager
def _duckdb(areas: Shapes, xs: Floats, ys: Floats) -> Iterator[Asked]:
    import duckdb

    spec = find_spec("duckdb_extension_spatial")
    folder = Path(spec.origin).parent if spec and spec.origin else Path()
    extension = next(folder.rglob("spatial.duckdb_extension"))
    shapes, points = _tables(areas, xs, ys)
    with duckdb.connect(config={"threads": 1}) as database:
        database.load_extension(str(extension))
        database.register("raw_areas", shapes)
        database.register("raw_points", points)
        database.execute(
            "CREATE TABLE areas AS SELECT area, ST_GeomFromWKB(wkb) AS geom FROM raw_areas"
        )
        database.execute(
            "CREATE TABLE points AS SELECT point, ST_Point(x, y) AS geom FROM raw_points"
        )
        join = "SELECT p.point, a.area FROM points p JOIN areas a ON ST_Intersects(a.geom, p.geom)"
        yield Asked(lambda: database.sql(join).to_arrow_table(), _arrow)


# --- PostGIS ---------------------------------------------------------------------------------

_POSTGIS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "shared_buffers": "2GB",
    "work_mem": "256MB",
    "maintenance_work_mem": "1GB",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "autovacuum": "off",
    "jit": "off",
}
_JOIN = "FROM points p JOIN areas a ON ST_Intersects(a.geom, p.geom)"


@contextmanager
def _postgis_tables(areas: Shapes, xs: Floats, ys: Floats) -> Iterator[Any]:
    import psycopg2

    folder = Path(tempfile.mkdtemp(prefix="gridsvc-bench-"))
    folder.chmod(0o755)
    server = PrivateCluster(folder, options=_POSTGIS)
    try:
        with server:
            connection = psycopg2.connect(server.url().replace("+psycopg2", ""))
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("CREATE EXTENSION IF NOT EXISTS postgis")
                cursor.execute("CREATE UNLOGGED TABLE areas (area int4, geom geometry)")
                cursor.execute("CREATE UNLOGGED TABLE points (point int4, geom geometry)")
                for table, wkb in (
                    ("areas", shapely.to_wkb(areas, hex=True)),
                    ("points", shapely.to_wkb(shapely.points(xs, ys), hex=True)),
                ):
                    lines = "".join(f"{index}\t{one}\n" for index, one in enumerate(wkb))
                    cursor.copy_expert(f"COPY {table} FROM STDIN", io.StringIO(lines))
                cursor.execute("CREATE INDEX areas_geom ON areas USING gist (geom)")
                cursor.execute("VACUUM ANALYZE areas")
                cursor.execute("VACUUM ANALYZE points")
                yield cursor
            connection.close()
    finally:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)


def _fetched(cursor: Any) -> Pairs:
    out = io.StringIO()
    cursor.copy_expert(f"COPY (SELECT p.point, a.area {_JOIN}) TO STDOUT", out)
    found = np.fromstring(out.getvalue(), np.int64, sep=" ").reshape(-1, 2)
    return found[:, 0], found[:, 1]


@contextmanager
def _postgis_areas(areas: Shapes, xs: Floats, ys: Floats) -> Iterator[Asked]:
    with _postgis_tables(areas, xs, ys) as cursor:
        # To its favour nothing is handed out: the sum is made in the server.
        yield Asked(
            lambda: cursor.execute(f"SELECT count(*), sum(a.area) {_JOIN}"),
            lambda _: _fetched(cursor),
        )


@contextmanager
def _postgis_points(areas: Shapes, xs: Floats, ys: Floats) -> Iterator[Asked]:
    with _postgis_tables(areas, xs, ys) as cursor:
        cursor.execute("DROP INDEX areas_geom")

        def ask() -> None:
            cursor.execute("DROP INDEX IF EXISTS points_geom")
            cursor.execute("CREATE INDEX points_geom ON points USING gist (geom)")
            cursor.execute("ANALYZE points")
            cursor.execute(f"SELECT count(*), sum(a.area) {_JOIN}")

        yield Asked(ask, lambda _: _fetched(cursor))


OURS = Contender("gridsvc", "", (), _locator)
CONTENDERS = (
    Contender("shapely STRtree", "tree of areas", ("shapely",), _tree_of_areas),
    Contender("shapely STRtree", "tree of points", ("shapely",), _tree_of_points),
    Contender("geopandas.sjoin", "points with areas", ("geopandas",), _sjoin_to_areas),
    Contender("geopandas.sjoin", "areas with points", ("geopandas",), _sjoin_to_points),
    Contender("SedonaDB", "library tg", ("sedonadb", "geoarrow-pyarrow"), _sedona("tg")),
    Contender("SedonaDB", "library geo", ("sedonadb", "geoarrow-pyarrow"), _sedona("geo")),
    Contender("SedonaDB", "library geos", ("sedonadb", "geoarrow-pyarrow"), _sedona("geos")),
    Contender("DuckDB spatial", "", ("duckdb", "duckdb-extension-spatial"), _duckdb),
    Contender("PostGIS", "index over areas", ("psycopg2-binary",), _postgis_areas),
    Contender("PostGIS", "index over points", ("psycopg2-binary",), _postgis_points),
)
