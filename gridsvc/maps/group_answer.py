"""The page behind a link in a group's message: what the group was told, and a form to answer."""

from __future__ import annotations

from gridsvc.cases.systems.groups.answering import Opened
from gridsvc.city import City
from gridsvc.maps.self_contained import render_plain


def group_page(shown: Opened, city: City, *, done: bool) -> str:
    """The page as one self-contained HTML text; ``done`` once an answer was taken by it."""
    return render_plain("group_answer.html", it=shown, calendar=city.calendar, done=done)
