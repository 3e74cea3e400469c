"""What if the duty lists were others: a year's reports routed again by both, nothing written.

Reports that differ in nothing that counts are asked about once: those of one class, in areas of
which the lists say the same, in the zones of the same agreements, about parts of the same bodies.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy.orm import Session

from gridsvc.answers import BodyNamed, Counted, Named
from gridsvc.cases.intake import duties_repository as repository
from gridsvc.cases.intake.moving import CONFIRMED
from gridsvc.cases.intake.schemas import ClassTitled, DutyMove, DutyWhatIfAnswer
from gridsvc.city.classes import ClassKey
from gridsvc.codes import Level
from gridsvc.registry.bodies.changes import Plan
from gridsvc.registry.bodies.changes_repository import agreed_lines, lines_on
from gridsvc.registry.bodies.repository import bodies_by_code
from gridsvc.registry.bodies.rule import AssetOwner, Choice, Lists, Site, speaking_areas
from gridsvc.registry.classes.repository import names_of
from gridsvc.registry.placement.service import codes_of
from gridsvc.registry.placement.store import Atlas

_COLUMNS = [
    *("id", "lon", "lat", "standard", "kind", "code", "case"),
    *("part", "owner", "maintainer", "competent"),
]
_AREAS = ["district", "street", "community"]
_CLASS = ["standard", "kind", "code"]
_ASSET = ["owner", "maintainer", "competent"]
_NOWHERE: frozenset[uuid.UUID] = frozenset()
#: So many moves are listed one by one; the counts are of all.
_LISTED = 1_000
#: So many cases of a move are named.
_CASES = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """Which reports are routed again: of areas that begin so, from a moment until another.

    ``day`` is the day on which both lists are compared.
    """

    area: str
    since: dt.datetime
    until: dt.datetime
    day: dt.date


def duty_what_if(session: Session, atlas: Atlas, plan: Plan, asked: Asked) -> DutyWhatIfAnswer:
    """Which reports would go to another body if a plan for the duty lists were carried out.

    By the boundaries of today; where a person has said on which side of a border a report lies,
    on that side.
    """
    reports = _reports(session, atlas, asked)
    places = _distinct_places(reports)
    speaking = {code for one in places for code in speaking_areas(map(_drawn, one))}
    lines = lines_on(session, speaking, asked.day)
    held = [line for line in plan.applied(lines) if line.holds(asked.day)]
    agreements = _NOWHERE.union(*reports["zones"])
    agreed = agreed_lines(session, agreements)
    before, after = Lists(lines, agreed), Lists(held, agreed)
    reports["question"] = _questions(reports, before.areas | after.areas)
    answers = {}
    for report in reports.drop_duplicates("question").itertuples(index=False):
        site, key = _asked(report)
        answers[report.question] = before.choice(site, key), after.choice(site, key)
    return _answer(session, atlas, reports, answers, asked)


def _reports(session: Session, atlas: Atlas, asked: Asked) -> pd.DataFrame:
    """The reports with the areas in which each lies ('' for none) and the agreements there."""
    districts = repository.districts_with_reports(session, asked.area[:6])
    span = districts, asked.since, asked.until
    rows = repository.reports_to_route(session, *span)
    reports = pd.DataFrame([tuple(row) for row in rows], columns=_COLUMNS, dtype=object)
    lon, lat = (reports[name].to_numpy(dtype=np.float64) for name in ("lon", "lat"))
    for level in Level:
        reports[level.value] = codes_of(atlas, level, lon, lat).astype(object)
    said = repository.areas_set_since(session, districts, CONFIRMED, asked.since)
    for row in np.flatnonzero(reports["id"].isin(said.keys())).tolist():
        reports.loc[row, _AREAS] = [code or "" for code in said[reports.loc[row, "id"]]]
    zones = repository.reports_in_zones(session, *span, day=asked.day)
    reports["zones"] = [zones.get(id, _NOWHERE) for id in reports["id"].tolist()]
    inside = reports["street"].where(reports["street"] != "", reports["district"])
    return reports[inside.str.startswith(asked.area)].reset_index(drop=True)


def _questions(reports: pd.DataFrame, listed: frozenset[str]) -> pd.Series[int]:
    """For each report the number of its question; reports of one number have one answer."""
    numbers: dict[tuple[str | None, ...], int] = {}
    alike = {
        places: numbers.setdefault(
            (
                *places[:2],
                *(code for code in speaking_areas(map(_drawn, places)) if code in listed),
            ),
            len(numbers),
        )
        for places in _distinct_places(reports)
    }
    by = reports[[*_CLASS, *_ASSET, "zones"]].assign(
        alike=[alike[places] for places in _places(reports)]
    )
    return by.groupby(list(by.columns), dropna=False, sort=False).ngroup()


def _places(reports: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    """District, street and community of each report."""
    return zip(*(reports[name].tolist() for name in _AREAS), strict=True)


def _distinct_places(reports: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    return _places(reports[_AREAS].drop_duplicates())


def _drawn(code: str) -> str | None:
    return code or None


def _asked(report: Any) -> tuple[Site, ClassKey]:
    """The place and the class of a report, for the rule."""
    asset = None
    if report.part is not None:
        asset = AssetOwner(report.part, report.owner, report.maintainer, report.competent)
    areas = (_drawn(report.district), _drawn(report.street), _drawn(report.community))
    key = ClassKey(report.standard, report.kind, report.code)
    return Site(*areas, report.zones, asset), key


def _answer(
    session: Session,
    atlas: Atlas,
    reports: pd.DataFrame,
    answers: dict[int, tuple[Choice, Choice]],
    asked: Asked,
) -> DutyWhatIfAnswer:
    leads = {q: (old.lead, new.lead) for q, (old, new) in answers.items() if old.lead != new.lead}
    helped = [q for q, (old, new) in answers.items() if set(old.assist) != set(new.assist)]
    moved = reports[reports["question"].isin(leads.keys())]
    moved = moved.assign(
        before=[leads[q][0] for q in moved["question"]],
        after=[leads[q][1] for q in moved["question"]],
    )
    groups = [
        (key, len(rows), rows["case"].drop_duplicates().tolist())
        for key, rows in moved.groupby(["before", "after", *_CLASS, "street"])
    ]
    groups.sort(key=lambda group: (-group[1], group[0]))
    bodies = bodies_by_code(session, {code for pair in leads.values() for code in pair})
    classes = {
        kind: names_of(session, *kind) for kind in {(key[2], key[3]) for key, _, _ in groups}
    }
    level = atlas.areas.get(Level.STREET)
    streets = {} if level is None else {ref.code: ref.name for ref in level.refs}

    def body(code: str) -> BodyNamed | None:
        found = bodies.get(code)
        return None if found is None else BodyNamed.of(found)

    return DutyWhatIfAnswer(
        **dict(zip(("area", "since", "until", "day"), astuple(asked), strict=True)),
        reports=len(reports),
        cases=int(reports["case"].nunique()),
        reports_moved=len(moved),
        cases_moved=int(moved["case"].nunique()),
        reports_assisted_otherwise=int(reports["question"].isin(helped).sum()),
        moves=Counted[DutyMove](
            count=len(groups),
            listed=[
                DutyMove(
                    before=body(before),
                    after=body(after),
                    listed_class=ClassTitled(
                        standard=standard,
                        kind=kind,
                        code=code,
                        name=classes[standard, kind].get(code, ""),
                    ),
                    street=Named(code=street, name=streets.get(street, "")) if street else None,
                    reports=count,
                    cases=Counted[uuid.UUID](
                        count=len(cases), listed=[uuid.UUID(one[6:]) for one in cases[:_CASES]]
                    ),
                )
                for (before, after, standard, kind, code, street), count, cases in groups[:_LISTED]
            ],
        ),
    )
