"""The year on one page: bodies, who called them, appeals, streets, who is named."""

from __future__ import annotations

from fractions import Fraction

from gridsvc.assessment.rankings import Named, Rankings, named
from gridsvc.assessment.rates import NO_DATA, RATES, Ranked, percent
from gridsvc.assessment.yearly import Year
from gridsvc.maps.self_contained import render_plain

PARTS = {
    "citizens": ("群众评价", "citizens"),
    "on_time": ("按期办理", "on time"),
    "reported_in": ("按时报到", "reported in"),
    "scored": ("一哨一考核", "scored"),
    "judged": ("月度评价", "judged"),
    "opinion": ("街道意见", "opinion"),
}


def yearly_page(year: Year, streets: Rankings, *, area: str) -> str:
    """The page as one self-contained HTML text."""
    return render_plain(
        "yearly.html",
        it=year,
        streets=streets,
        area=area or "全市",
        parts=PARTS,
        weights={part: getattr(year.weights, part) for part in PARTS},
        rates=RATES,
        percent=percent,
        signed=signed,
        no_data=NO_DATA,
        bodies_named=_names(
            named([Ranked(one.rank, one.body, one.score) for one in year.lines]), year.names
        ),
        streets_named=_names(streets.by_score, {one.street: one.name for one in streets.lines}),
        growth_named=_names(streets.by_growth, {one.street: one.name for one in streets.lines}),
    )


def signed(value: Fraction | None) -> str:
    """A growth in points with its sign; a dash without data."""
    if value is None:
        return NO_DATA
    return f"{'−' if value < 0 else '+'}{percent(abs(value), 2)}"


def _names(found: Named, known: dict[str, str]) -> list[tuple[str, str, list[str], bool]]:
    return [
        ("表扬", "named first", [known.get(one, one) for one in found.first], found.tied[0]),
        ("点名", "named last", [known.get(one, one) for one in found.last], found.tied[1]),
    ]
