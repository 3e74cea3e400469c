"""What routes about a report that was filed have in common: who speaks, and what they are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials
from pydantic import Field
from sqlalchemy.orm import Session

from gridsvc.api.dependencies import CurrentService, bearer, let_in, once
from gridsvc.api.rules import Sent, Text
from gridsvc.callers import Caller
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.intake.models import Report
from gridsvc.cases.intake.reports import find_report, report_json
from gridsvc.cases.systems.evidence.schemas import MEDIA_TYPES
from gridsvc.city import City
from gridsvc.db.base import transaction

#: The schema of a photo's bytes.
PHOTO = {"schema": {"type": "string", "format": "binary"}}

#: What the document says of a body that is a photo.
PHOTO_BODY = {
    "requestBody": {"required": True, "content": dict.fromkeys(sorted(MEDIA_TYPES), PHOTO)}
}


class ByReporter(Sent):
    """What whoever filed a report says of it, by their token or the secret of the receipt."""

    secret: Text | None = Field(
        default=None,
        max_length=100,
        description="The secret that was given with the receipt; instead of the reporter's token.",
    )


ReceiptSecret = Annotated[
    str | None,
    Header(
        alias="Receipt-Secret",
        max_length=100,
        description="The secret that was given with the receipt; instead of the reporter's token.",
    ),
]


#: Raises NotAllowed for whoever may not do something with a report.
Check = Callable[[Session, City, Caller | None, Report, str | None], None]


def admitted(check: Check) -> Callable[..., None]:
    """A dependency that refuses whoever may not before a body is read or another server asked.

    It ends its transaction: none may wait for a slow sender.
    """

    def check_first(
        request: Request,
        service: CurrentService,
        name: str,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
        secret: ReceiptSecret = None,
    ) -> None:
        with transaction(service.sessions) as session:
            caller = None
            if credentials is not None:
                caller = let_in(request.scope, service, session, credentials)
            check(session, service.city, caller, find_report(session, name), secret)

    return check_first


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
