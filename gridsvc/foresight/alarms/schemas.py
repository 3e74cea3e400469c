"""What is told of heat, alarms, chronic places and the effects of measures."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Self

import shapely
from geoalchemy2.shape import to_shape
from pydantic import Field

from gridsvc.answers import Answer, Geometry, Next, Position
from gridsvc.cases.core.models import Case
from gridsvc.foresight.alarms.effect import Effect
from gridsvc.foresight.alarms.heat import HeatCell
from gridsvc.foresight.alarms.measured import Measured, Why
from gridsvc.foresight.alarms.models import Alarm, AlarmScan


class HeatCellAnswer(Answer):
    """A place with reports."""

    code: str = Field(description="Of the unit grid, or of the H3 cell.")
    count: int
    area_km2: float
    per_km2: float = Field(description="Reports by square kilometre, in all of the days.")
    geometry: Geometry

    @classmethod
    def told(cls, cell: HeatCell) -> Self:
        """The answer of a cell."""
        geometry = shapely.geometry.mapping(cell.geometry)
        return cls.of(cell, geometry=geometry)


class HeatAnswer(Answer):
    """The densest places of an area."""

    area: str
    since: dt.date
    until: dt.date
    cells: str
    reports: int = Field(description="In all places, also in those that are not listed.")
    places: int = Field(description="With a report, also those that are not listed.")
    listed: list[HeatCellAnswer]


class EffectAnswer(Answer):
    """What a measure has changed."""

    ratio: float = Field(description="0.4 is a fall by 60 %, as against the places like it.")
    low: float = Field(description="From here")
    high: float = Field(description="to here lies the true ratio in 95 % of such measures.")
    before: int
    after: int
    controls: int = Field(description="Places like it that were compared with.")


class MeasuredAnswer(Answer):
    """When a place was measured, what was compared, and the effect."""

    measured_on: dt.date | None
    before_from: dt.date | None
    before_to: dt.date | None
    after_from: dt.date | None
    after_to: dt.date | None
    effect: EffectAnswer | None
    why: Why | None = Field(description="Why there is no effect.")

    @classmethod
    def told(cls, measured: Measured) -> Self:
        """The answer of what is known of a measure."""
        before, after = measured.before or (None, None), measured.after or (None, None)
        return cls(
            measured_on=measured.on,
            before_from=before[0],
            before_to=before[1],
            after_from=after[0],
            after_to=after[1],
            effect=_effect(measured.effect),
            why=measured.why,
        )


class AlarmRow(Answer):
    """An alarm in a list."""

    id: uuid.UUID
    district_code: str
    street_code: str | None
    community_code: str | None
    watch: str
    first_day: dt.date
    last_day: dt.date = Field(description="The last day on which a scan found it hot.")
    days: int = Field(description="Of the window that was hot, up to the first day.")
    count: int = Field(description="Reports in the window, those of a case once a day.")
    expected: float
    statistic: float
    threshold: float
    alpha: float
    cells: str
    places: list[str]
    point: Position
    class_kind: str
    class_code: str
    case_id: uuid.UUID
    case_state: str
    case_step: str
    again_of: uuid.UUID | None

    @classmethod
    def told(cls, alarm: Alarm, case: Case) -> Self:
        """The answer of an alarm and its case."""
        return cls.of(alarm, **_beside(alarm, case))


class AlarmAnswer(AlarmRow):
    """An alarm, its ground, and the effect of what was done."""

    geometry: Geometry
    measured: MeasuredAnswer

    @classmethod
    def whole(cls, alarm: Alarm, case: Case, measured: Measured) -> Self:
        """The answer of an alarm, its case, and what was measured."""
        return cls.of(
            alarm,
            **_beside(alarm, case),
            geometry=shapely.geometry.mapping(to_shape(alarm.geometry)),
            measured=MeasuredAnswer.told(measured),
        )


class AlarmPage(Answer):
    """Alarms, the newest first."""

    alarms: list[AlarmRow]
    next: Next


class ChronicPlace(Answer):
    """A place that is busy month after month."""

    place: str
    count: int = Field(description="Reports of the year, those of a case once a day.")
    blocks: int = Field(description="Of the last 12 blocks of 30 days, those in which it was busy.")


class ScanRow(Answer):
    """The last scan of a watch in a district, and the chronic places that it found."""

    district_code: str
    watch: str
    day: dt.date
    cells: str
    places: int
    reports: int
    alpha: float
    threshold: float | None = Field(description="Null: too little history to say what is usual.")
    calibrated_on: dt.date | None
    raised: int = Field(description="New alarms of that day.")
    chronic: list[ChronicPlace]

    @classmethod
    def told(cls, scan: AlarmScan) -> Self:
        """The answer of a scan."""
        return cls.of(scan, chronic=[ChronicPlace(**one) for one in scan.chronic])


class ScansAnswer(Answer):
    """The last scan of every watch."""

    scans: list[ScanRow]


def _effect(found: Effect | None) -> EffectAnswer | None:
    return None if found is None else EffectAnswer.of(found)


def _beside(alarm: Alarm, case: Case) -> dict[str, object]:
    point = to_shape(alarm.point)
    return {
        "point": (point.x, point.y),
        "class_kind": alarm.kind,
        "case_state": case.state,
        "case_step": case.step,
    }
