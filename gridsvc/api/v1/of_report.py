"""What routes about a report that was filed have in common: who speaks, and what they are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import Field

from gridsvc.api.dependencies import once
from gridsvc.api.rules import Sent, Text
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.intake.models import Report
from gridsvc.cases.intake.reports import find_report, report_json


class ByReporter(Sent):
    """What whoever filed a report says of it, by their token or the secret of the receipt."""

    secret: Text | None = Field(
        default=None,
        max_length=100,
        description="The secret that was given with the receipt; instead of the reporter's token.",
    )


def done_to_report(
    occasion: Occasion, key: str | None, request: list[Any], do: Callable[[Report], object]
) -> JSONResponse:
    """Do something with the report that a request names second, once; gives how it stands."""

    def write() -> dict[str, Any]:
        report = find_report(occasion.session, request[1])
        do(report)
        occasion.session.flush()
        return report_json(occasion.session, report, exact=True)

    return once(occasion, key, request, write)
