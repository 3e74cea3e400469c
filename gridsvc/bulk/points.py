"""The points of a record batch: two columns of numbers or one of geometries, as WGS84 arrays."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyproj
import shapely

from gridsvc.errors import BadCoordinate, BadFile
from gridsvc.spatial.crs import check_lon_lat, crs_of_file, parse_crs, to_wgs84
from gridsvc.spatial.crs_text import Parameters

Floats = npt.NDArray[np.float64]

_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Points:
    """n points: WGS84 ``lon``, ``lat`` (float64; NaN where bad), and which are ``good`` (bool)."""

    lon: Floats
    lat: Floats
    good: npt.NDArray[np.bool_]


def geometry_column(schema: pa.Schema) -> str | None:
    """The column of geometries: GeoParquet's primary one, or the one marked as (Geo)Arrow WKB."""
    told = _geo(schema)
    if told is not None:
        return str(told["primary_column"])
    for field in schema:
        if _extension(field) in ("geoarrow.wkb", "ogc.wkb"):
            return str(field.name)
    return None


def _extension(field: pa.Field) -> str:
    """The name of a column's extension type, also where a package has made it known to Arrow."""
    if isinstance(field.type, pa.BaseExtensionType):
        return str(field.type.extension_name)
    return str((field.metadata or {}).get(b"ARROW:extension:name", b"").decode())


def geometry_crs(schema: pa.Schema) -> str:
    """The CRS that GeoParquet metadata declare, as :func:`gridsvc.spatial.crs.parse_crs` reads it.

    Without one it is longitude and latitude in WGS84, as the GeoParquet standard says.
    """
    told = _geo(schema)
    if told is None:
        return "wgs84"
    return crs_text(told["columns"][told["primary_column"]].get("crs", "wgs84"))


def _geo(schema: pa.Schema) -> dict[str, Any] | None:
    """What GeoParquet metadata say, None without them. Raises BadFile where that is nothing."""
    geo = (schema.metadata or {}).get(b"geo")
    if geo is None:
        return None
    try:
        told: dict[str, Any] = json.loads(geo)
        column = told["primary_column"]
        told["columns"][column].get("crs")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        column = None
    if column not in schema.names:
        raise BadFile(
            "The metadata 'geo' do not name a column of points; leave them out, or write them as"
            " GeoParquet has them.",
            field="columns",
        )
    return told


def crs_text(crs: Any) -> str:
    """What :func:`gridsvc.spatial.crs.parse_crs` takes, of a file's CRS: WKT, PROJJSON, AUTH:n."""
    if crs in (None, "", "wgs84"):
        return "wgs84"
    known = crs_of_file(crs)
    if known.equals(pyproj.CRS.from_epsg(4326), ignore_axis_order=True):
        return "wgs84"
    epsg = known.to_epsg()
    return f"EPSG:{epsg}" if epsg else known.to_wkt()


def read_points(batch: pa.RecordBatch, crs: str) -> Points:
    """The points of a batch in WGS84, from its geometry column or from ``lon`` and ``lat``.

    Raises BadFile without such columns, UnknownCrs as ``parse_crs`` does; a row that is not a place
    is not good, see :func:`why_bad`.
    """
    system = parse_crs(crs, Parameters.NUMBERS)
    x, y = _coordinates(batch)
    with np.errstate(invalid="ignore"):
        good = np.isfinite(x) & np.isfinite(y)
        if system.in_degrees:
            good &= (np.abs(x) <= 180.0) & (np.abs(y) <= 90.0)
    lon, lat = to_wgs84(np.where(good, x, np.nan), np.where(good, y, np.nan), system)
    good &= np.isfinite(lon) & np.isfinite(lat)
    return Points(lon, lat, good)


def why_bad(batch: pa.RecordBatch, row: int, crs: str) -> str:
    """The sentence that says why a row of a batch is not a place. ``row`` counts from 0."""
    geometry = geometry_column(batch.schema)
    if geometry is not None:
        return _why_bad_geometry(batch.column(geometry)[row], crs)
    values = []
    for name in ("lon", "lat"):
        value = batch.column(name)[row]
        if value.is_valid and _is_text(value.type):
            text = value.cast(pa.binary()).as_py().decode(errors="replace").strip()
            if not text:
                return f"{name} is empty."
            number = _numbers(pa.array([text]))[0]
            if math.isnan(number):
                shown = text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
                return f"{name} must be a number, but is {shown!r}."
            values.append(number)
        elif value.is_valid:
            values.append(float(value.as_py()))
        else:
            return f"{name} is empty."
    return _why_bad_place(values[0], values[1], crs)


def _why_bad_place(x: float, y: float, crs: str) -> str:
    try:
        check_lon_lat(x, y, parse_crs(crs, Parameters.NUMBERS), field="row")
    except BadCoordinate as error:
        return error.detail
    return f"({x:.15g}, {y:.15g}) is not a place in {crs}."


def _why_bad_geometry(value: pa.Scalar, crs: str) -> str:
    if not value.is_valid:
        return "The geometry is empty."
    if isinstance(value, pa.ExtensionScalar):
        value = value.value
    if pa.types.is_struct(value.type):
        point = value.as_py()
        return _why_bad_place(float(point["x"] or np.nan), float(point["y"] or np.nan), crs)
    geometry = shapely.from_wkb(value.as_py(), on_invalid="ignore")
    if geometry is None:
        return "The geometry is not WKB."
    if geometry.geom_type != "Point":
        return f"The geometry is a {geometry.geom_type}; a Point is needed."
    if geometry.is_empty:
        return "The geometry is empty."
    return _why_bad_place(geometry.x, geometry.y, crs)


def _coordinates(batch: pa.RecordBatch) -> tuple[Floats, Floats]:
    geometry = geometry_column(batch.schema)
    if geometry is not None:
        column = batch.column(geometry)
        if isinstance(column, pa.ExtensionArray):
            column = column.storage
        if pa.types.is_struct(column.type) and {"x", "y"} <= {it.name for it in column.type}:
            return _numbers(column.field("x")), _numbers(column.field("y"))
        if not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
            raise BadFile(
                f"The column {geometry} holds no points but {str(column.type)[:_SHOWN]}; send WKB,"
                " or lon and lat.",
                field="columns",
            )
        shapes = shapely.from_wkb(column.to_numpy(zero_copy_only=False), on_invalid="ignore")
        shapes[shapely.is_empty(shapes)] = None
        return shapely.get_x(shapes), shapely.get_y(shapes)
    missing = [name for name in ("lon", "lat") if batch.schema.get_field_index(name) < 0]
    if missing:
        raise BadFile(
            f"There is no column {' and no '.join(missing)} and no geometry of points; the columns"
            f" are {', '.join(batch.schema.names)}.",
            field="columns",
        )
    return _numbers(batch.column("lon")), _numbers(batch.column("lat"))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _numbers(column: pa.Array) -> Floats:
    """A column as float64, shape (n,); NaN where it holds no number."""
    if _is_text(column.type):
        try:
            numbers = pc.cast(column, pa.float64())
        except pa.ArrowInvalid:
            # Some value is none: look at each, which takes three times as long.
            texts = pc.ascii_trim_whitespace(column)
            is_number = pc.match_substring_regex(texts, _NUMBER)
            texts = pc.if_else(is_number, pc.ascii_ltrim(texts, "+"), None)
            numbers = pc.cast(texts, pa.float64())
    else:
        try:
            numbers = pc.cast(column, pa.float64(), safe=False)
        except pa.ArrowNotImplementedError:
            raise BadFile(
                f"lon and lat must be numbers or text, not {column.type}.", field="columns"
            ) from None
    return np.asarray(numbers.to_numpy(zero_copy_only=False), dtype=np.float64)
