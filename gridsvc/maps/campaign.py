"""The daily page of a campaign, which in the end is its report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import folium
import shapely
from geoalchemy2.shape import to_shape

from gridsvc.cases.core.act import Occasion
from gridsvc.cases.systems.campaigns import repository
from gridsvc.cases.systems.campaigns.models import Campaign
from gridsvc.cases.systems.campaigns.schemas import CampaignAnswer, CampaignLine
from gridsvc.cases.systems.campaigns.standing import share_of, span_of
from gridsvc.city import City
from gridsvc.maps.drawing import (
    blank_map,
    corners,
    draw_dot,
    draw_shape,
    drawable,
    render,
)
from gridsvc.registry.areas.repository import geometry_of
from gridsvc.registry.editions.repository import edition_in_force

_DAY = dt.timedelta(days=1)
_BEHIND, _ALMOST, _ON_PLAN, _NONE = "#d98a7a", "#ead39a", "#a9cfa4", "#efe9dd"
_OPEN, _INK = "#b3271a", "#3d3550"
#: A browser draws so many vertices and dots without delay.
_MOST_VERTICES, _MOST_DOTS = 60_000, 1_000
#: The chart in its own units.
WIDTH, HEIGHT = 900, 220
WHYS = {
    "suspended": ("挂账", "suspended"),
    "overdue": ("超期", "overdue"),
    "waiting": ("待办", "waiting"),
}
CHANGES = {
    "prolonged": ("延长", "prolonged"),
    "ended_early": ("提前结束", "ended early"),
    "target_changed": ("调整目标", "target changed"),
    "cases_called": ("纳入案卷", "cases called"),
}
PARTIES = {
    "supervision": "监督中心 supervision",
    "command": "指挥中心 command",
    "reporter": "反映人 the reporter",
}


@dataclass(frozen=True, slots=True)
class CampaignDay:
    """What the page shows: how it stands, its streets' outlines, open cases, settled by day."""

    told: CampaignAnswer
    outlines: Sequence[tuple[CampaignLine, shapely.Geometry]]
    dots: Sequence[tuple[float, float, str]]
    settled: Sequence[tuple[dt.date, int]]


def read_campaign(occasion: Occasion, campaign: Campaign, told: CampaignAnswer) -> CampaignDay:
    """What the page of a campaign shows now."""
    session, span = occasion.session, span_of(occasion, campaign)
    edition = edition_in_force(session, "street", occasion.now)
    outlines = [
        (one, shape)
        for one in told.streets
        if one.street is not None and edition is not None
        for shape in [geometry_of(session, edition.id, one.street)]
        if shape is not None
    ]
    cases = [] if told.ended else repository.open_cases(session, campaign, span)[:_MOST_DOTS]
    places = [(to_shape(case.point), case.class_code) for case in cases]
    settled = repository.settled_by_day(session, campaign, span, occasion.city.settings.zone)
    return CampaignDay(told, outlines, [(it.x, it.y, name) for it, name in places], settled)


def campaign_page(shown: CampaignDay, city: City) -> str:
    """The page as one self-contained HTML text.

    Raises MissingPrerequisite when the package that provides Leaflet is not installed.
    """
    told = shown.told
    return render(
        "campaign.html",
        _draw(shown),
        it=told,
        calendar=city.calendar,
        curve=_curve(shown),
        plan=f"0,{HEIGHT} {WIDTH},{_y(told.whole.target, told)}",
        behind=[one for one in told.streets if one.behind or one.reasons],
        whys=WHYS,
        changes=CHANGES,
        parties=PARTIES,
        share=share_of(told.whole.reached, told.whole.target),
        share_of=share_of,
        width=WIDTH,
        height=HEIGHT,
    )


def _draw(shown: CampaignDay) -> folium.Map:
    drawn = blank_map()
    drawn.options["min_zoom"] = 8
    shapes = drawable([shape for _, shape in shown.outlines], _MOST_VERTICES)[0]
    for (line, _), shape in zip(shown.outlines, shapes, strict=True):
        words = f"{line.name} {line.settled}/{line.target}"
        fill = _fill(line)
        draw_shape(drawn, shape, color=_INK, weight=1.5, fill=fill, opacity=0.8, tooltip=words)
    for lon, lat, words in shown.dots:
        draw_dot(drawn, lon, lat, _OPEN, words, radius=4)
    if shown.outlines:
        drawn.fit_bounds(corners(shapely.total_bounds([shape for _, shape in shown.outlines])))
    return drawn


def _fill(line: CampaignLine) -> str:
    if not line.target:
        return _NONE
    if not line.behind:
        return _ON_PLAN
    return _ALMOST if line.behind * 10 <= line.target else _BEHIND


def _curve(shown: CampaignDay) -> str:
    """The settled cases, day by day, as points of the chart."""
    told, by_day = shown.told, dict(shown.settled)
    day, total = told.first_day, sum(count for at, count in shown.settled if at < told.first_day)
    points = [f"0,{_y(total, told)}"]
    for n in range(1, told.day_number + 1):
        total += by_day.get(day, 0)
        points.append(f"{n * WIDTH / told.days:.1f},{_y(total, told)}")
        day += _DAY
    return " ".join(points)


def _y(count: int, told: CampaignAnswer) -> str:
    most = max(told.whole.target, told.whole.settled, 1)
    return f"{HEIGHT - count * HEIGHT / most:.1f}"
