"""Whose place is this, from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from gridsvc.api.dependencies import parse_as_of
from gridsvc.cli.runtime import AsJson, console, load_city, open_atlas, print_json, read_json
from gridsvc.db.base import transaction
from gridsvc.errors import BadFile
from gridsvc.readers.crs import declared_crs
from gridsvc.registry.placement.model import Placement
from gridsvc.registry.placement.service import place, straddle
from gridsvc.spatial.crs import check_lon_lat, to_wgs84
from gridsvc.spatial.reading import features_of, read_footprint

Crs = Annotated[str, typer.Option(help="wgs84, gcj02, bd09, EPSG:n or WKT.")]
AsOf = Annotated[
    str | None, typer.Option(help="By the boundaries of that day, or of an RFC 3339 time.")
]


def locate(
    lon: Annotated[float, typer.Argument(help="Longitude (or easting).")],
    lat: Annotated[float, typer.Argument(help="Latitude (or northing).")],
    crs: Crs = "wgs84",
    accuracy_m: Annotated[float | None, typer.Option(min=0, help="Accuracy in metres.")] = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Say whose place a point is, and how close the border is."""
    city = load_city()
    settings, moment = city.settings, parse_as_of(as_of, city.calendar)
    system = declared_crs(crs)
    x, y = check_lon_lat(lon, lat, system, field="")
    here = to_wgs84(x, y, system)
    accuracy = settings.report_accuracy_m if accuracy_m is None else accuracy_m
    with open_atlas(city, moment) as (atlas, _):
        placement = place(atlas, *here, accuracy)
    if as_json:
        print_json(placement.to_json())
    else:
        console.print(_table(placement))


def straddle_file(
    file: Annotated[Path, typer.Argument(help="A GeoJSON footprint.", exists=True)],
    level: Annotated[str, typer.Option(help="district, street or community.")] = "district",
    crs: Crs = "wgs84",
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Say how a footprint is shared, and whether a border runs through it."""
    city = load_city()
    settings, moment = city.settings, parse_as_of(as_of, city.calendar)
    footprint = read_footprint(
        _outline(file), declared_crs(crs), max_vertices=settings.max_footprint_vertices
    )
    with open_atlas(city, moment) as (atlas, sessions), transaction(sessions) as session:
        answer = straddle(session, atlas, footprint.geometry, level).to_json()
    if as_json:
        print_json({**answer, "mended": footprint.mended})
        return
    table = Table("area", "name", "m²", "share", title=answer["explanation"])
    for part in answer["shares"]:
        table.add_row(part["code"], part["name"], f"{part['area_m2']:,.1f}", f"{part['share']:.2%}")
    console.print(table)


def _outline(file: Path) -> Any:
    features = features_of(read_json(file), field="file")
    if len(features) != 1:
        raise BadFile(f"{file} holds {len(features)} features; give one footprint.")
    return features[0]


def _table(placement: Placement) -> Table:
    table = Table(show_header=False)
    for level in ("district", "street", "community"):
        area = getattr(placement, level)
        table.add_row(level, "nobody's" if area is None else f"{area.code}  {area.name}")
    grid = placement.unit_grid
    table.add_row("unit grid", "none" if grid is None else f"{grid.code}  ({grid.national_id})")
    border = placement.border
    if border is not None:
        near = ", near" if border.near else ""
        table.add_row("border", f"{border.distance_m:,.1f} m ({border.level}{near})")
        for neighbour in border.neighbours:
            beyond = f"{neighbour.code}  {neighbour.name}, {neighbour.distance_m:,.1f} m"
            table.add_row(f"  beyond it, {neighbour.level}", beyond)
    if placement.conflict is not None:
        table.add_row("conflict", placement.conflict.explanation)
    for edition in placement.editions:
        if edition.approximate:
            table.add_row("approximate", f"{edition.level}: to {edition.accuracy_m:g} m")
    return table
