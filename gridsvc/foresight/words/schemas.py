"""What a search by words answers."""

from __future__ import annotations

import datetime as dt
import uuid

from pydantic import Field

from gridsvc.answers import Answer, Position
from gridsvc.foresight.words.query import Query
from gridsvc.foresight.words.repository import SaidReport
from gridsvc.foresight.words.service import Found, FoundPlace, Span


class ConceptRead(Answer):
    """A thing that is asked for, and the terms that say it: words that are said together."""

    name: str
    terms: list[str]


class QueryRead(Answer):
    """How a query was read: a report says every concept."""

    q: str
    concepts: list[ConceptRead]
    left_out: list[str] = Field(description="Words that ask for nothing by themselves.")


class DaySpan(Answer):
    """Days of the city."""

    since: dt.date
    until: dt.date = Field(description="The first day after.")


class ReportSaid(Answer):
    """A report of a place, in the words of whoever reported."""

    receipt: str
    created_at: dt.datetime
    class_code: str
    description: str
    place_text: str | None
    case_id: uuid.UUID
    case_state: str
    solved: bool | None = Field(description="As the citizen said when called back; null: nobody.")


class PlaceFound(Answer):
    """A place that reports are about, and they."""

    address: str = Field(description="As most of its reports write it; empty where none does.")
    point: Position
    street_code: str | None
    community_code: str | None
    reports: int
    unsolved: int
    before: int = Field(description="Reports of the season a year before 'after'.")
    after: int = Field(description="Reports of the season 'after'.")
    said: list[ReportSaid]


class SeasonFall(Answer):
    """The reports of the places in a season, and in the same days of the year before."""

    before: DaySpan
    after: DaySpan
    reports_before: int
    reports_after: int
    fall_percent: float | None = Field(description="Null where none came before.")
    elsewhere: int = Field(description="Reports of the season from places that had none before.")


class PlacesFound(Answer):
    """The places that reports with some words are about, unsolved ones first."""

    query: QueryRead
    area: str
    span: DaySpan
    reports: int
    places: int
    unsolved_places: int
    erased: int = Field(
        description="Reports of the area and days whose words were erased: they do not count."
    )
    season: SeasonFall | None = Field(description="Null where no season after was asked about.")
    listed: list[PlaceFound] = Field(description="The first ones.")


def places_answer(found: Found, *, most: int) -> PlacesFound:
    """The answer with the first places, as many as ``most``."""
    asked = found.asked
    season = None
    if asked.after is not None:
        season = SeasonFall(
            before=_days(asked.after.a_year_before()),
            after=_days(asked.after),
            reports_before=found.before,
            reports_after=found.after,
            fall_percent=found.fall_percent,
            elsewhere=found.elsewhere,
        )
    return PlacesFound(
        query=_read(asked.query, found.query),
        area=asked.area,
        span=_days(asked.span),
        reports=found.reports,
        places=len(found.places),
        unsolved_places=sum(place.unsolved > 0 for place in found.places),
        erased=found.erased,
        season=season,
        listed=[_place(place) for place in found.places[:most]],
    )


def _read(text: str, query: Query) -> QueryRead:
    concepts = [
        ConceptRead(name=one.name, terms=[" ".join(sorted(term.words)) for term in one.terms])
        for one in query.concepts
    ]
    return QueryRead(q=text, concepts=concepts, left_out=list(query.left_out))


def _days(span: Span) -> DaySpan:
    return DaySpan(since=span.since, until=span.until)


def _place(place: FoundPlace) -> PlaceFound:
    first = place.reports[0]
    return PlaceFound(
        address=place.address,
        point=(place.lon, place.lat),
        street_code=first.street_code,
        community_code=first.community_code,
        reports=len(place.reports),
        unsolved=place.unsolved,
        before=place.before,
        after=place.after,
        said=[_said(one) for one in place.reports],
    )


def _said(report: SaidReport) -> ReportSaid:
    return ReportSaid.of(report)
