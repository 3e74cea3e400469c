"""Alarms and their effects as pages list them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.orm import Session

from gridsvc.cases.core.act import procedure_of
from gridsvc.cases.core.models import Case
from gridsvc.city import City
from gridsvc.city.procedures.model import Step
from gridsvc.city.watches import WATCHES, Watch
from gridsvc.foresight.alarms import repository
from gridsvc.foresight.alarms.measured import Measured, Why, effects
from gridsvc.foresight.alarms.models import Alarm

_MOST_ALARMS = 100
#: Chinese and English of why a measure has no effect to tell.
_WHYS = {
    Why.NO_MEASURE: ("尚未落实措施", "not measured yet"),
    Why.AT_ONCE: ("告警后 3 日内即落实，无从比较", "measured within 3 days of the alarm"),
    Why.TOO_EARLY: ("落实后不足 7 日", "not 7 days ago"),
    Why.NOT_WATCHED: ("已不再监测", "not watched any more"),
    Why.REDRAWN: ("网格已重新划分", "unit grids drawn again"),
    Why.NO_LIKE: ("可比网格不足 20 个", "fewer than 20 places like it"),
    Why.NO_REPORTS: ("可比网格无诉求", "no reports at places like it"),
}


@dataclass(frozen=True, slots=True)
class AlarmLine:
    """An alarm, its case and step, what was measured, what is watched where it still is."""

    alarm: Alarm
    case: Case
    measured: Measured
    watch: Watch | None
    step: Step | None

    @property
    def why(self) -> tuple[str, str] | None:
        """Chinese and English of why there is no effect."""
        return None if self.measured.why is None else _WHYS[self.measured.why]


def alarm_lines(
    session: Session, city: City, area: str, *, since: dt.date, until: dt.date, today: dt.date
) -> list[AlarmLine]:
    """The alarms of a district or street that began in some days, the newest first."""
    found = repository.alarms_under(session, area, since=since, until=until, limit=_MOST_ALARMS)
    measured, watches = effects(session, city, found, today=today), city.table(WATCHES)
    return [
        AlarmLine(
            alarm,
            case,
            measured[alarm.id],
            watches.get(alarm.watch),
            procedure_of(city, case).step(case.step),
        )
        for alarm, case in found
    ]
