"""What a line crosses, from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import shapely
import typer
from rich.table import Table

from gridsvc.api.clock import utc_now
from gridsvc.api.dependencies import parse_as_of
from gridsvc.cli.runtime import AsJson, console, load_city, open_atlas, print_json
from gridsvc.db.base import transaction
from gridsvc.errors import BadFile
from gridsvc.layers.lines.schemas import CrossingsAnswer
from gridsvc.layers.lines.service import Level, cross
from gridsvc.maps.line import line_page
from gridsvc.readers.limits import ReadLimits, ReadOptions
from gridsvc.readers.vector_file import read_vector_file
from gridsvc.registry.classes.service import find_class
from gridsvc.settings import Settings
from gridsvc.spatial.along import way_of
from gridsvc.spatial.reading import check_sound


def cross_line(
    file: Annotated[Path, typer.Argument(help="A vector file of lines.", exists=True)],
    width_m: Annotated[float, typer.Option(min=1, max=2_000, help="Its width in metres.")] = 20.0,
    class_code: Annotated[
        str | None, typer.Option("--class", help="Who answers for this class along it.")
    ] = None,
    crs: Annotated[
        str | None, typer.Option(help="Of the file: wgs84, gcj02, bd09, EPSG:n or WKT.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="As it was then; a day or a time.")] = None,
    page: Annotated[Path | None, typer.Option(help="Write a page with a map.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what a railway, river or road crosses, in the order of travel, metres in each."""
    city = load_city()
    then = parse_as_of(as_of, city.calendar)
    way = way_of(_line(file, crs, city.settings), width_m, city.plane, field="file")
    with open_atlas(city, then) as (atlas, sessions), transaction(sessions) as session:
        key = None
        if class_code is not None:
            key = find_class(session, class_code, kind=None, standard=city.standard)
        crossing = cross(session, city, atlas, way, key, moment=then or utc_now())
    if page is not None:
        page.write_text(line_page(crossing), encoding="utf-8")
    if as_json:
        print_json(CrossingsAnswer.of_crossing(crossing).model_dump(mode="json"))
        return
    for name, level in crossing.levels.items():
        console.print(_table(name, level))
    bodies = Table("body", "roles", "metres", title="bodies")
    for one in crossing.bodies:
        bodies.add_row(f"{one.body.name} {one.body.code}", ", ".join(one.roles), _m(one.metres))
    console.print(bodies)


def _line(file: Path, crs: str | None, settings: Settings) -> shapely.Geometry:
    """All lines of a file, one after the other. Raises BadFile."""
    parts: list[shapely.Geometry] = []
    options = ReadOptions(ReadLimits.of(settings))
    for feature in read_vector_file(file, (), options, crs=crs).features:
        if feature.trouble is not None:
            raise BadFile(f"Feature {feature.number} of {file.name}: {feature.trouble}.")
        shape = check_sound(feature.number, feature.geometry, field="file")
        if shapely.get_dimensions(shape) != 1:
            raise BadFile(f"Feature {feature.number} of {file.name} is not a line.")
        parts.extend(shapely.get_parts(shape))
    if not parts:
        raise BadFile(f"{file.name} holds no features.")
    return shapely.MultiLineString(parts)


def _table(name: str, level: Level) -> Table:
    table = Table(name, "from m", "metres", "m² within the width")
    for one in level.members:
        inside = one.passed
        table.add_row(
            f"{one.name} {one.code}",
            _m(inside.from_m),
            _m(inside.metres),
            f"{inside.corridor_m2:,.0f}",
        )
    table.caption = f"{level.outside_m:,.1f} m in none, {level.shared_m:,.1f} m in more than one"
    return table


def _m(metres: float) -> str:
    return f"{metres:,.1f}"
