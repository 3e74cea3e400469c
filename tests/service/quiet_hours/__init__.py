"""A system that is not shipped: a procedure, two tables, a rule, what it hears and shows.

It is this folder, and its line in the list below.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from gridsvc.cases.core.act import Act
from gridsvc.cases.core.events import StepAsked, StepTaken
from gridsvc.cases.core.models import Case
from gridsvc.cases.systems import catalogue
from gridsvc.city import City
from gridsvc.city.system import System
from gridsvc.city.table import Table
from gridsvc.errors import StepRefused
from gridsvc.tables import table

HERE = Path(__file__).parent


class Base(DeclarativeBase):
    pass


class Reading(Base):
    __tablename__ = "quiet_reading"

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    decibels: Mapped[int]
    too_loud: Mapped[bool]


LIMITS = Table(
    HERE,
    lambda find: {
        row["class_prefix"]: int(row["decibels"])
        for row in table(find("limits.csv"), ["class_prefix", "decibels"])
    },
)


def limit_for(limits: Mapping[str, int], class_code: str) -> int:
    """The rule: the narrowest line speaks."""
    fitting = [prefix for prefix in limits if class_code.startswith(prefix)]
    return limits[max(fitting, key=len)]


def refuse_nonsense(_: Act, event: StepAsked) -> None:
    if event.step.name == "measure" and not isinstance(event.evidence.get("decibels"), int):
        raise StepRefused("'decibels' is a whole number.", field="evidence.decibels")


def keep_reading(act: Act, event: StepTaken) -> None:
    if act.case.procedure != "quiet_hours" or event.step.name != "measure":
        return
    decibels = event.evidence["decibels"]
    limit = limit_for(act.city.table(LIMITS), act.case.class_code)
    key = (act.case.district_code, act.case.id)
    act.session.add(
        Reading(district_code=key[0], case_id=key[1], decibels=decibels, too_loud=decibels > limit)
    )
    act.record("reading", {"decibels": decibels, "limit": limit})
    act.tell([act.case.lead_body], "too_loud" if decibels > limit else "quiet_enough", {})


def shown_in_case(session: Session, _: City, case: Case) -> dict[str, Any]:
    readings = session.scalars(select(Reading).where(Reading.case_id == case.id))
    return {"readings": [[one.decibels, one.too_loud] for one in readings]}


SYSTEMS = (
    *catalogue.SYSTEMS,
    System(
        "quiet_hours",
        HERE,
        tables=(LIMITS,),
        hears={StepAsked: refuse_nonsense, StepTaken: keep_reading},
        shows=shown_in_case,
    ),
)
