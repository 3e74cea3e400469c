"""What reads a stranger's bytes, each as one function: it reads them or raises a GridsvcError."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import geopandas
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from gridsvc.bulk.points import geometry_crs, read_points
from gridsvc.bulk.table_file import FlatGeobufFile, ParquetFile
from gridsvc.errors import GridsvcError
from gridsvc.readers.arrow_stream import StreamLimits, read_stream
from gridsvc.readers.limits import ReadLimits, ReadOptions
from gridsvc.readers.vector_file import read_vector_file
from gridsvc.spatial.crs import crs_of_file, parse_crs

LIMITS = StreamLimits(1_000_000, 1_000_000)
OPTIONS = ReadOptions(ReadLimits(4_000_000, 100.0, 1_000, 10_000, 1_000_000))


def read_arrow(body: bytes) -> None:
    """A stream as `/v1/locate/batch` takes it."""
    _, batches = read_stream(io.BytesIO(body), LIMITS)
    for batch in batches:
        read_points(batch, "wgs84")


def read_crs(body: bytes) -> None:
    """A text in `crs=`, and in a file."""
    text = body.decode("utf-8", "replace")
    try:
        parse_crs(text)
    finally:
        crs_of_file(text)


def _in_file(suffix: str, read: Callable[[Path], object], body: bytes) -> None:
    with tempfile.TemporaryDirectory(prefix="gridsvc-fuzz-") as folder:
        path = Path(folder) / f"file{suffix}"
        path.write_bytes(body)
        read(path)


def _vector(path: Path) -> None:
    read_vector_file(path, (), OPTIONS)


def _points(kind: Callable[[Path, int], ParquetFile | FlatGeobufFile], path: Path) -> None:
    file = kind(path, 100)
    for portion in file.portions(0):
        read_points(portion.content, "wgs84")
        geometry_crs(portion.content.schema)


#: By name: what reads the bytes.
READERS: dict[str, Callable[[bytes], None]] = {
    "arrow": read_arrow,
    "crs": read_crs,
    "flatgeobuf": partial(_in_file, ".fgb", _vector),
    "geojson": partial(_in_file, ".geojson", _vector),
    "geopackage": partial(_in_file, ".gpkg", _vector),
    "geoparquet": partial(_in_file, ".parquet", _vector),
    "kml": partial(_in_file, ".kml", _vector),
    "zip": partial(_in_file, ".zip", _vector),
    "parquet points": partial(_in_file, ".parquet", partial(_points, ParquetFile)),
    "flatgeobuf points": partial(_in_file, ".fgb", partial(_points, FlatGeobufFile)),
}


def refused(read: Callable[[bytes], None], body: bytes) -> bool:
    """Whether a reader refuses the bytes in its own words; any other fault is raised."""
    try:
        read(body)
    except GridsvcError:
        return True
    return False


def sound_input(name: str) -> bytes:
    """A small input that a reader takes: what mutations begin with."""
    if name == "arrow":
        batch = pa.record_batch({"lon": [116.4], "lat": ["39.9"], "name": ["a"]})
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        return sink.getvalue()
    if name == "crs":
        return b'GEOGCS["x",DATUM["D",SPHEROID["S",6378137,298.25]],UNIT["degree",0.0174532925]]'
    if name == "parquet points":
        sink = io.BytesIO()
        pq.write_table(pa.table({"lon": [116.4, 116.5], "lat": [39.9, 39.8]}), sink)
        return sink.getvalue()
    shape = shapely.Point(116.4, 39.9) if "points" in name else shapely.box(116, 39, 117, 40)
    frame = geopandas.GeoDataFrame({"code": ["1"]}, geometry=[shape], crs="EPSG:4326")
    with tempfile.TemporaryDirectory(prefix="gridsvc-fuzz-") as folder:
        return _written(frame, name, Path(folder))


def _written(frame: geopandas.GeoDataFrame, name: str, folder: Path) -> bytes:
    if name == "geoparquet":
        frame.to_parquet(folder / "file.parquet")
        return (folder / "file.parquet").read_bytes()
    if name == "zip":
        frame.to_file(folder / "areas.shp")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for part in sorted(folder.iterdir()):
                archive.write(part, part.name)
        return packed.getvalue()
    suffix, driver = {
        "geojson": (".geojson", "GeoJSON"),
        "geopackage": (".gpkg", "GPKG"),
        "kml": (".kml", "KML"),
    }.get(name, (".fgb", "FlatGeobuf"))
    frame.to_file(folder / f"file{suffix}", driver=driver)
    return (folder / f"file{suffix}").read_bytes()
