"""How two layers relate to each other, from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gridsvc.api.clock import utc_now
from gridsvc.api.dependencies import parse_as_of
from gridsvc.city import City
from gridsvc.cli.runtime import AsJson, console, load_city, print_json, session
from gridsvc.errors import BadFile, BadInput
from gridsvc.layers.relations.model import (
    LayerName,
    LayerSide,
    Relation,
    UploadSide,
)
from gridsvc.layers.relations.schemas import MemberAnswer, RelationsAnswer
from gridsvc.layers.relations.service import MOST_PAIRS, relate
from gridsvc.readers.limits import ReadLimits, ReadOptions
from gridsvc.readers.vector_file import read_vector_file
from gridsvc.spatial.reading import SentFeature, check_sound

_LAYERS = ", ".join(LayerName)


def relate_layers(
    a: Annotated[str, typer.Argument(help=f"A layer ({_LAYERS}) or a vector file.")],
    relation: Annotated[Relation, typer.Argument(help="How A relates to B.")],
    b: Annotated[str, typer.Argument(help="A layer or a vector file.")],
    a_codes: Annotated[
        list[str] | None, typer.Option(help="Of A only what lies in this area; repeat for more.")
    ] = None,
    b_codes: Annotated[list[str] | None, typer.Option(help="The same for B.")] = None,
    a_as_of: Annotated[str | None, typer.Option(help="A as it was then; a day or a time.")] = None,
    b_as_of: Annotated[str | None, typer.Option(help="B as it was then.")] = None,
    a_edition: Annotated[str | None, typer.Option(help="A as this edition has it.")] = None,
    b_edition: Annotated[str | None, typer.Option(help="B as this edition has it.")] = None,
    crs: Annotated[
        str | None, typer.Option(help="Of the files: wgs84, gcj02, bd09, EPSG:n or WKT.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST_PAIRS, help="Most pairs.")] = 100,
    cursor: Annotated[str | None, typer.Option(help="'next' of the previous page.")] = None,
    timeout_s: Annotated[
        float | None, typer.Option(min=0.001, help="Seconds until it gives up.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List which members of A touch, overlap, cover, lie within, intersect or share B."""
    city = load_city()
    one = _side(city, "a", a, a_codes, a_as_of, a_edition, crs)
    other = _side(city, "b", b, b_codes, b_as_of, b_edition, crs)
    if crs is not None and isinstance(one, LayerSide) and isinstance(other, LayerSide):
        raise BadInput(
            "--crs applies to files, and both sides are layers; leave it out.", field="crs"
        )
    with session() as opened:
        page = relate(
            opened,
            relation,
            one,
            other,
            city=city,
            now=utc_now(),
            timeout_s=timeout_s or city.settings.relations_timeout_s,
            limit=limit,
            cursor=cursor,
            drafts=True,
        )
    if as_json:
        print_json(page.model_dump(mode="json", exclude_unset=True))
    else:
        console.print(_table(page, a, b))


def _side(
    city: City,
    name: str,
    text: str,
    codes: list[str] | None,
    as_of: str | None,
    edition: str | None,
    crs: str | None,
) -> LayerSide | UploadSide:
    if text in set(LayerName):
        return LayerSide(
            LayerName(text), tuple(codes or ()), parse_as_of(as_of, city.calendar), edition
        )
    path = Path(text)
    if not path.exists():
        raise BadFile(
            f"{text} is neither a layer ({_LAYERS}) nor a file; check the name.", field=name
        )
    if codes or as_of or edition:
        raise BadInput(f"{path.name} is a file, which has no codes, as_of or edition.", field=name)
    features = []
    options = ReadOptions(ReadLimits.of(city.settings))
    for feature in read_vector_file(path, (), options, crs=crs).features:
        if feature.trouble is not None:
            raise BadFile(
                f"Feature {feature.number} of {path.name}: {feature.trouble}.", field=name
            )
        shape = check_sound(feature.number, feature.geometry, field=name)
        features.append(SentFeature(feature.number, None, None, shape))
    if not features:
        raise BadFile(f"{path.name} holds no features.", field=name)
    return UploadSide(tuple(features))


def _table(page: RelationsAnswer, a: str, b: str) -> Table:
    table = Table(a, page.relation.value, "m²", "m", "share of A", "share of B", title=f"{a}, {b}")
    for pair in page.pairs:
        table.add_row(
            _words(pair.a),
            "nobody's" if pair.b is None else _words(pair.b),
            f"{pair.shared_m2:,.1f}",
            "" if pair.shared_m is None else f"{pair.shared_m:,.1f}",
            "" if pair.share_of_a is None else f"{pair.share_of_a:.4%}",
            "" if pair.share_of_b is None else f"{pair.share_of_b:.4%}",
        )
    if page.next is not None:
        table.caption = f"More: --cursor {page.next}"
    return table


def _words(member: MemberAnswer) -> str:
    number = None if member.feature is None else f"feature {member.feature}"
    return "  ".join(
        word for word in (number, member.district, member.code, member.name) if word is not None
    )
