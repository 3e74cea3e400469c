"""The rules of cases: procedures and their steps, and the kinds of whistles."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from gridsvc.answers import as_built
from gridsvc.api.dependencies import CurrentService
from gridsvc.api.problems import problems
from gridsvc.callers import Role
from gridsvc.cases.systems.whistles.kinds import KINDS
from gridsvc.cases.systems.whistles.schemas import KindAnswer, KindsAnswer
from gridsvc.city.procedures.model import Procedure
from gridsvc.city.procedures.schemas import ProceduresAnswer
from gridsvc.errors import BadInput

router = APIRouter(prefix="/v1", tags=["cases"])


@router.get("/procedures", response_model=as_built(ProceduresAnswer), responses=problems(BadInput))
def list_procedures(
    service: CurrentService,
    name: Annotated[str | None, Query(description="Of one procedure.")] = None,
    opened_by: Annotated[
        Role | None, Query(description="Those that a token of this role opens.")
    ] = None,
    level: Annotated[int | None, Query(ge=1, le=4, description="Of their whistle.")] = None,
    versions: Annotated[
        bool, Query(description="Also earlier versions, by which older cases go on.")
    ] = False,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(description="'next' of the previous page.")] = None,
) -> dict[str, Any]:
    """Procedures by name and version: their steps, who takes each, its limit and evidence."""
    known = service.city.procedures
    every = known.every_version() if versions else known.newest_of_all()
    found = [
        one
        for one in every
        if (name is None or one.name == name)
        and (opened_by is None or opened_by in one.opened_by)
        and (level is None or one.level == level)
    ]
    begin = 0
    if cursor is not None:
        names = [_named(one) for one in found]
        if cursor not in names:
            raise BadInput("Invalid cursor; pass `next` of the previous page.", field="cursor")
        begin = names.index(cursor) + 1
    page = found[begin : begin + limit]
    return {
        "procedures": [_procedure(one) for one in page],
        "next": _named(page[-1]) if begin + limit < len(found) else None,
    }


@router.get("/whistles/kinds")
def list_kinds(service: CurrentService) -> KindsAnswer:
    """The kinds of whistles (日常哨, 攻坚哨, 应急哨): the limits and approvals that each sets."""
    kinds = service.city.table(KINDS).values()
    minutes = service.city.settings.report_in_minutes
    return KindsAnswer(kinds=[KindAnswer.of_kind(one, minutes) for one in kinds])


def _named(one: Procedure) -> str:
    return f"{one.name}.{one.version}"


def _procedure(one: Procedure) -> dict[str, Any]:
    return {
        "name": one.name,
        "version": one.version,
        "title": one.title,
        "title_zh": one.title_zh,
        "source": one.source,
        "level": one.level,
        "after_the_fact_hours": one.after_the_fact_hours,
        "opened_by": sorted(one.opened_by),
        "seats": {role.value: seat.value for role, seat in one.seats.items()},
        "steps": [
            {
                "step": step.name,
                "title": step.title,
                "title_zh": step.title_zh,
                "by": step.by.value,
                "needs": [*step.needs, *(role.value for role in step.names)],
                "choices": {name: list(values) for name, values in step.choices.items()},
                "verdict_in": step.verdict_in or None,
                "verdicts": [
                    {
                        "verdict": one.name,
                        "title": one.title,
                        "title_zh": one.title_zh,
                        "follows": one.follows.value,
                        "needs": list(one.carries),
                    }
                    for one in step.verdicts
                ],
                "scores": step.scores and step.scores.value,
                "limit": step.limit and step.limit.to_json(),
                "graded": step.graded,
                "requires": [item.value for item in step.requires],
                "calls": [call.who.value for call in step.calls],
                "on_return": step.on_return,
                "blows": step.blows,
                "names_who": step.names_who,
                "hears_all": step.hears_all,
                "optional": step.optional,
                "repeats": step.repeats,
            }
            for step in one.steps
        ],
        "returns": [
            {"step": back.name, "by": back.by.value, "from": back.source, "to": back.target}
            for back in one.returns
        ],
        "acts": [
            {"act": name, "by": act.by.value, "at": list(act.at)} for name, act in one.acts.items()
        ],
    }
