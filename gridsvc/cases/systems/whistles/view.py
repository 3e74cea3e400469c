"""A whistle as everybody sees it."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from geoalchemy2.shape import to_shape
from shapely.geometry import mapping
from sqlalchemy.orm import Session

from gridsvc.cases.core.act import procedure_of
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.core.repository import cases_by_id
from gridsvc.cases.systems.whistles.blowing import letter_of
from gridsvc.cases.systems.whistles.models import CalledBody, Whistle
from gridsvc.cases.systems.whistles.proposals import proposals
from gridsvc.cases.systems.whistles.repository import called_bodies, whistles_of
from gridsvc.cases.systems.whistles.schemas import CalledAnswer, WhistleAnswer, WhistleShared
from gridsvc.city import City
from gridsvc.city.procedures.model import Actor
from gridsvc.registry.bodies.repository import bodies_by_code


def called_json(called: CalledBody, name: str) -> CalledAnswer:
    """A called body: when it was told, came, finished, and its score."""
    point = called.reported_in_point
    there = None if point is None else mapping(to_shape(point))
    return CalledAnswer.of(called, name=name, reported_in_point=there)


def whistles_json(session: Session, blown: Sequence[Whistle]) -> list[WhistleAnswer]:
    """Whistles with their called bodies, their areas, and the joint actions so far."""
    bodies = called_bodies(session, [whistle.id for whistle in blown])
    names = bodies_by_code(session, [body.body_code for body in bodies])
    called: dict[uuid.UUID, list[CalledBody]] = defaultdict(list)
    for body in bodies:
        called[body.whistle_id].append(body)
    cases = cases_by_id(session, [whistle.case_id for whistle in blown])
    answers = []
    for whistle in blown:
        case = cases[whistle.case_id]
        answers.append(
            WhistleAnswer.of(
                whistle,
                follows=whistle.follows_id,
                caller=whistle.caller_body,
                letter=letter_of(whistle.id),
                areas=[side["code"] for side in whistle.facts.get("sides", [])],
                point=mapping(to_shape(whistle.point)),
                footprint=whistle.footprint and mapping(to_shape(whistle.footprint)),
                step=case.step,
                actions=case.progress["repeats"],
                after_the_fact=whistle.recorded_at is not None,
                called=[
                    called_json(body, names[body.body_code].name) for body in called[whistle.id]
                ],
            )
        )
    return answers


def bodies_of_case(session: Session, case: Case) -> set[str]:
    """The bodies that the whistles of a case called."""
    blown = whistles_of(session, case)
    return {body.body_code for body in called_bodies(session, [whistle.id for whistle in blown])}


def shown_in_case(session: Session, city: City, case: Case) -> dict[str, Any]:
    """The whistles of a case, and whom the next one may call."""
    return {
        "whistle_proposals": _proposals(session, city, case),
        "whistles": [
            WhistleShared.of(whistle, follows=whistle.follows_id, letter=letter_of(whistle.id))
            for whistle in whistles_of(session, case)
        ],
    }


def _proposals(session: Session, city: City, case: Case) -> list[dict[str, Any]] | None:
    """Whom the whistle may call, where the step that blows it is due or comes; else None."""
    procedure, progress = procedure_of(city, case), Progress.from_json(case.progress)
    blows = procedure.blows
    if progress.closed or blows is None or blows.by is Actor.SYSTEM:
        return None
    if procedure.index(progress.step) > procedure.index(blows.name):
        return None
    return [one.to_json() for one in proposals(session, city, case)]
