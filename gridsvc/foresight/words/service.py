"""Finds the places that reports of an area are about, by words: unsolved ones first."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from gridsvc.city import City
from gridsvc.city.synonyms import SYNONYMS
from gridsvc.errors import BadInput, QueryTooBroad
from gridsvc.foresight.words import repository
from gridsvc.foresight.words.places import nearest_places, place_labels
from gridsvc.foresight.words.query import Query, longest_words, read_query
from gridsvc.foresight.words.repository import SaidReport, Scope

#: As many reports are read at once: a hotline's two years of one matter, in a large district.
_MOST = 30_000


@dataclass(frozen=True, slots=True)
class Span:
    """Days of the city: from the first one on, before ``until``."""

    since: dt.date
    until: dt.date

    @property
    def last(self) -> dt.date:
        """The last of the days."""
        return self.until - dt.timedelta(days=1)

    def a_year_before(self) -> Span:
        """The same days of the year before."""
        return Span(_year_before(self.since), _year_before(self.until))


def last_years(day: dt.date, since: dt.date | None = None) -> Span:
    """From ``since``, else two years back, to the end of a day."""
    until = day + dt.timedelta(days=1)
    return Span(since or _year_before(_year_before(until)), until)


@dataclass(frozen=True, slots=True)
class Asked:
    """A query in Chinese, its area (6, 9 or 12 digits) and days; ``after`` is a later season."""

    query: str
    area: str
    span: Span
    after: Span | None = None


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """A place: its reports, the first one first, and how many came before and after.

    ``before`` and ``after`` are those of the season before and of the season asked about; 0 without
    one. The point (WGS84) is the middle of its reports.
    """

    lon: float
    lat: float
    reports: tuple[SaidReport, ...]
    before: int
    after: int

    @property
    def unsolved(self) -> int:
        """How many of its reports are not solved."""
        return sum(report.unsolved for report in self.reports)

    @property
    def address(self) -> str:
        """As most of its reports write it; of several as often, the longest."""
        written = Counter(one.place_text.strip() for one in self.reports if one.place_text)
        return max(written, key=lambda text: (written[text], len(text), text), default="")


@dataclass(frozen=True, slots=True)
class Found:
    """What was found: the places, unsolved ones first, and what could not be counted.

    ``erased`` reports of the area and time have no words any more; ``elsewhere`` came in the season
    after from places that had no report before.
    """

    asked: Asked
    query: Query
    places: tuple[FoundPlace, ...]
    erased: int
    elsewhere: int

    @property
    def reports(self) -> int:
        """How many reports the places have, but for those of the season after."""
        return sum(len(place.reports) for place in self.places)

    @property
    def before(self) -> int:
        """How many came from the places in the season before."""
        return sum(place.before for place in self.places)

    @property
    def after(self) -> int:
        """How many came from the places in the season after."""
        return sum(place.after for place in self.places)

    @property
    def fall_percent(self) -> float | None:
        """By how much they fell, in percent; None without a season before."""
        if self.asked.after is None or not self.before:
            return None
        return round(100 * (self.before - self.after) / self.before, 2)


def find_places(session: Session, city: City, asked: Asked) -> Found:
    """The places of an area that reports with these words are about, unsolved ones first.

    Reports whose words were erased, or that were withdrawn, do not count. Raises BadInput for a
    query without words and days that do not follow each other, QueryTooBroad for too many reports.
    """
    _check_days(asked)
    query = read_query(asked.query, city.table(SYNONYMS))
    scope = _scope(city, asked, asked.span)
    reports = _reports(session, query, scope)
    later: list[SaidReport] = []
    if asked.after is not None:
        later = _reports(session, query, _scope(city, asked, asked.after))
    named_m = city.settings.merge_text_within_m
    keys = [report.place_key for report in (*reports, *later)]
    xy = _metres(city, [*reports, *later])
    labels = place_labels(xy[: len(reports)], keys[: len(reports)], named_m=named_m)
    came = Counter[int]()
    if later:
        came.update(nearest_places(xy, keys, labels, named_m=named_m).tolist())
    places = []
    for label in range(int(labels.max()) + 1 if len(labels) else 0):
        members = np.flatnonzero(labels == label)
        here = tuple(reports[n] for n in members)
        lon, lat = (float(np.mean([getattr(one, name) for one in here])) for name in ("lon", "lat"))
        before = 0
        if asked.after is not None:
            season = asked.after.a_year_before()
            before = sum(season.since <= city.day(one.created_at) < season.until for one in here)
        places.append(FoundPlace(lon, lat, here, before, came[label]))
    places.sort(key=lambda one: (-one.unsolved, -len(one.reports), one.reports[0].created_at))
    erased = repository.erased_reports(session, scope)
    return Found(asked, query, tuple(places), erased, came[-1])


def _reports(session: Session, query: Query, scope: Scope) -> list[SaidReport]:
    words = [longest_words(concept) for concept in query.concepts]
    found = repository.reports_with(session, scope, words, most=_MOST + 1)
    if len(found) > _MOST:
        raise QueryTooBroad(
            f"More than {_MOST:,} reports contain these words; ask of a street, or of fewer days."
        )
    return [one for one in found if query.means(f"{one.description} {one.place_text or ''}")]


def _scope(city: City, asked: Asked, span: Span) -> Scope:
    return Scope(asked.area, city.calendar.begins(span.since), city.calendar.begins(span.until))


def _metres(city: City, reports: Sequence[SaidReport]) -> NDArray[np.float64]:
    """Points (n, 2) in the city's plane."""
    points = shapely.points([(one.lon, one.lat) for one in reports] or np.empty((0, 2)))
    metres: NDArray[np.float64] = shapely.get_coordinates(city.plane.project(points))
    return metres


def _check_days(asked: Asked) -> None:
    span, after = asked.span, asked.after
    if span.since >= span.until:
        raise BadInput(f"'until' is {span.until}; it comes after {span.since}.", field="until")
    if after is None:
        return
    if after.since < span.until:
        raise BadInput(
            f"'after_since' is {after.since}; the season after begins on {span.until} or later.",
            field="after_since",
        )
    if not after.since < after.until <= after.since + dt.timedelta(days=366):
        raise BadInput(
            f"'after_until' is {after.until}; it comes after {after.since}, a year later at most.",
            field="after_until",
        )


def _year_before(day: dt.date) -> dt.date:
    """The same day of the year before; of a leap day, the last of February."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)
