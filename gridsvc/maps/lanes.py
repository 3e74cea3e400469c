"""The page of lanes: those without a chief, or not patrolled, on a map and as a list."""

from __future__ import annotations

import folium
import shapely
from sqlalchemy.orm import Session

from gridsvc.maps.drawing import blank_map, corners, draw_shape, drawable, render
from gridsvc.registry.lanes.listing import LaneQuestion, found_lanes
from gridsvc.registry.lanes.model import Kept

#: No chief, not patrolled, in order: colour and words.
_STATES = {
    "no_chief": ("#d93a2b", "无街巷长", "no chief"),
    "stale": ("#d9952b", "未按期巡查", "not patrolled"),
    "kept": ("#3d8a5a", "正常", "kept"),
}
_MOST = 5_000
_MOST_VERTICES = 60_000


def lanes_page(session: Session, question: LaneQuestion, stale_days: int) -> str:
    """The lanes of an area as one self-contained HTML text; all are drawn, those amiss listed.

    Raises MissingPrerequisite when the package that provides Leaflet is not installed.
    """
    found = found_lanes(session, question, limit=_MOST)
    states = [_state(one, question, stale_days) for one in found]
    amiss = [(one, state) for one, state in zip(found, states, strict=True) if state != "kept"]
    return render(
        "lanes.html",
        _draw(found, states),
        question=question,
        stale_days=stale_days,
        count=len(found),
        amiss=amiss,
        counts={state: states.count(state) for state in _STATES},
        states=_STATES,
        length_m=sum(one.length_m for one in found),
        patrolled_m=sum(one.patrolled_m for one in found),
        whole=len(found) < _MOST,
    )


def _state(one: Kept, question: LaneQuestion, stale_days: int) -> str:
    if one.chief is None:
        return "no_chief"
    since = one.days_since(question.day)
    return "stale" if since is None or since >= stale_days else "kept"


def _draw(found: list[Kept], states: list[str]) -> folium.Map:
    drawn = blank_map()
    drawn.options["min_zoom"] = 9
    shapes = drawable([one.geometry for one in found], _MOST_VERTICES)[0] if found else []
    for one, state, shape in zip(found, states, shapes, strict=True):
        colour, zh, _ = _STATES[state]
        words = f"{one.name} {one.code} · {zh}"
        draw_shape(drawn, shape, color=colour, weight=4, tooltip=words)
    if found:
        drawn.fit_bounds(corners(shapely.total_bounds([one.geometry for one in found]).tolist()))
    return drawn
