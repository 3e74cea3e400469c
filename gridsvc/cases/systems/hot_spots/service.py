"""A hot place is watched long enough before anybody may say that it has cooled down."""

from __future__ import annotations

import datetime as dt

from gridsvc.cases.core.act import Act
from gridsvc.cases.core.events import StepAsked
from gridsvc.errors import StepRefused

PROCEDURE = "hot_spot"
#: The steps whose days tell what a measure has changed.
MEASURE, WATCH = "measure", "watch"
#: With which the service orders again where a watched place is hot once more.
ORDER_AGAIN = "order_again"
#: Days of watching, behind which every window of the scan lies after the measure.
WATCH_DAYS = 14


def check_watched(act: Act, event: StepAsked) -> None:
    """Refuse that a place has cooled down before it was watched for 14 days.

    That it has not, may be said at any time. Raises StepRefused.
    """
    if act.case.procedure != PROCEDURE or event.step.name != WATCH:
        return
    until = act.step_start + dt.timedelta(days=WATCH_DAYS)
    if event.evidence.get("effect") in ("cooled", "降温") and act.now < until:
        raise StepRefused(
            f"A place is watched for {WATCH_DAYS} days after the measure; say so from"
            f" {act.city.day(until)} on, or order again before that."
        )
