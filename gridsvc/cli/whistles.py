"""Whistles at the keyboard: rates per street, and demand letters as files."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gridsvc.assessment.period import Period, parse_period
from gridsvc.cases.systems.whistles.rates import Judged, Rated, Terms, rate_whistles
from gridsvc.cli.runtime import AsJson, console, load_city, print_json, session
from gridsvc.errors import BadInput
from gridsvc.maps.demand_letter import letter_page, read_letter

app = typer.Typer(help="Whistles (哨): rates per street, demand letters.", no_args_is_help=True)

_SIGNS = {"too_few": "too few", "too_many": "too many", None: ""}


@app.command()
def rates(
    period: Annotated[str, typer.Option(help="2026-11, 2026-Q4, 2026, or 2026-11-01/2026-11-15.")],
    area: Annotated[str, typer.Option(help="A district (6 digits) or a street (9).")] = "",
    listed_q: Annotated[float, typer.Option(help="Share of false alarms among the signs.")] = 0.05,
    as_json: AsJson = False,
) -> None:
    """Whistles per street by ground, kind and level, to 1,000 cases; too few and too many."""
    asked = parse_period(period, load_city().calendar)
    with session() as opened:
        rated = rate_whistles(
            opened, start=asked.start, end=asked.end, prefix=area, terms=Terms(listed_q)
        )
    if as_json:
        print_json({"period": asked.name, "area": area, **rated.to_json()})
        return
    console.print(_table(asked, rated))
    counts = rated.counts
    share = counts.to_json()["closed_percent"]
    console.print(
        f"{counts.whistles:,} whistles, {counts.closed:,} closed: "
        + ("no data" if share is None else f"{share} %")
        + f"; {rated.cases:,} cases."
    )


@app.command()
def letter(
    whistle: Annotated[str, typer.Argument(help="The id of a whistle.")],
    file: Annotated[Path, typer.Argument(help="Where the HTML goes.", dir_okay=False)],
) -> None:
    """Write the demand letter (需求函) of a whistle as one HTML file that prints on A4."""
    try:
        whistle_id = uuid.UUID(whistle)
    except ValueError:
        raise BadInput(f"'{whistle[:40]}' is not the id of a whistle.", field="whistle") from None
    city = load_city()
    with session() as opened:
        page = letter_page(read_letter(opened, city, whistle_id), city)
    file.write_text(page, encoding="utf-8")
    console.print(f"The letter is in {file}.", markup=False, highlight=False)


def _table(asked: Period, rated: Rated) -> Table:
    table = Table(
        *("street", "cases", "whistles", "closed", "ground", "kind", "level"),
        *("to 1,000 cases", "expected", "q", ""),
        title=f"Whistles of {asked.name}",
        caption=f"– is no data; a sign is shown where q is at most {rated.terms.max_fdr:g}",
    )
    for one in rated.streets:
        table.add_row(*_row(one))
    return table


def _row(one: Judged) -> list[str]:
    street, counts = one.street, one.street.counts
    return [
        f"{street.name} {street.code}".strip() or "no street",
        f"{street.cases:,}",
        f"{counts.whistles:,}",
        f"{counts.closed:,}",
        *(
            ", ".join(f"{value} {number:,}" for value, number in counts.by[name].items())
            for name in ("ground", "kind", "level")
        ),
        "–" if one.per_1000 is None else f"{one.per_1000:.1f}",
        "–" if one.expected is None else f"{one.expected:.1f}",
        "–" if one.q is None else f"{one.q:.2g}",
        _SIGNS[one.sign],
    ]
