"""Followed reports: webhooks that are told, and Atom feeds of reports and areas."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from email.utils import format_datetime, parsedate_to_datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic import Field

from gridsvc.answers import as_built
from gridsvc.api import clock
from gridsvc.api.dependencies import (
    CurrentService,
    DbSession,
    PublicSession,
    ReportingOccasion,
)
from gridsvc.api.problems import language_of, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.api.v1.areas import Code
from gridsvc.api.v1.of_report import ReceiptSecret, admitted
from gridsvc.cases.core.messages.webhook import NotPublic, public_address, webhook_secret
from gridsvc.cases.intake.reports import find_report
from gridsvc.cases.systems.following import service as following
from gridsvc.cases.systems.following.feed import Feed, area_feed, etag_of, report_feed
from gridsvc.cases.systems.following.models import Follow
from gridsvc.cases.systems.following.schemas import FollowAnswer, FollowsAnswer, NewFollow
from gridsvc.errors import (
    BadCode,
    BadInput,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    StepRefused,
    UnknownParameter,
)
from gridsvc.registry.access.keys import secret_key
from gridsvc.registry.bodies.service import http_url

router = APIRouter(prefix="/v1", tags=["following"])

_ATOM = "application/atom+xml"
_LOOK_UP_S = 3.0
_PROBLEMS = (NotAuthenticated, NotAllowed, NotFound)
_FEED: dict[int | str, dict[str, Any]] = {
    200: {"content": {_ATOM: {}}, "description": "The feed"},
    304: {"description": "The feed that you have is still good"},
}


class FollowIn(Sent):
    """Where somebody wants to be called."""

    url: Text = Field(max_length=2_000, description="http or https, in the public internet.")


async def _public_url(given: Annotated[FollowIn, Body()], service: CurrentService) -> str:
    """The address as it is kept. Raises BadInput."""
    url = http_url(given.url, field="url")
    if service.settings.follow_private_addresses:
        return url
    try:
        async with asyncio.timeout(_LOOK_UP_S):
            await public_address(url)
    except (NotPublic, TimeoutError) as error:
        reason = str(error) or "its name was not found in time"
        raise BadInput(
            f"The webhook '{url[:100]}' cannot be called: {reason}.", field="url"
        ) from None
    return url


@router.post(
    "/reports/{name}/follows",
    status_code=201,
    response_model=NewFollow,
    responses=problems(*_PROBLEMS, StepRefused, BadInput),
    dependencies=[Depends(admitted(following.check_follower))],
)
def post_follow(
    name: str,
    url: Annotated[str, Depends(_public_url)],
    service: CurrentService,
    occasion: ReportingOccasion,
    secret: ReceiptSecret = None,
) -> JSONResponse:
    """Have a webhook called when something happens to a report, for its reporter or its staff.

    Each call is signed, and tried again like those to bodies. Asked for again, it is the same.
    """
    report, settings = find_report(occasion.session, name), service.settings
    kept = following.follow(occasion, report, secret, url)
    signing = secret_key(settings.var_dir / "keys", "webhook", settings.webhook_key)
    told = _json(kept) | {"secret": webhook_secret(signing, str(kept.id))}
    return JSONResponse(told, status_code=201)


@router.get(
    "/reports/{name}/follows",
    response_model=as_built(FollowsAnswer),
    responses=problems(*_PROBLEMS),
)
def list_follows(
    name: str, occasion: ReportingOccasion, secret: ReceiptSecret = None
) -> dict[str, Any]:
    """The webhooks that the asker has a report followed by, the oldest first."""
    report = find_report(occasion.session, name)
    return {"follows": [_json(one) for one in following.follows_of(occasion, report, secret)]}


@router.delete(
    "/reports/{name}/follows/{follow_id}",
    status_code=204,
    response_class=Response,
    responses=problems(*_PROBLEMS),
)
def delete_follow(
    name: str, follow_id: uuid.UUID, occasion: ReportingOccasion, secret: ReceiptSecret = None
) -> Response:
    """Unfollow: the webhook is called no more, and what waited for it is dropped."""
    following.unfollow(occasion, find_report(occasion.session, name), secret, follow_id)
    return Response(status_code=204)


@router.get(
    "/reports/{name}/feed.atom",
    response_class=Response,
    responses={**_FEED, **problems(NotFound)},
)
def get_report_feed(
    name: str, request: Request, service: CurrentService, session: DbSession
) -> Response:
    """What happened to a report, as an Atom feed, for everybody who has the receipt."""
    report, now = find_report(session, name), clock.utc_now()
    language = language_of(request.scope)
    return _answer(request, report_feed(session, service.city, report, language=language, now=now))


@router.get(
    "/areas/{code}/feed.atom",
    response_class=Response,
    responses={**_FEED, **problems(UnknownParameter, BadCode, NotFound)},
)
def get_area_feed(
    code: Code, request: Request, service: CurrentService, session: PublicSession
) -> Response:
    """The newest cases of a district, street or community, and how they stand, as an Atom feed.

    Those of the last 30 days, at most 100: class, area and stage of each, and no more.
    """
    language, now = language_of(request.scope), clock.utc_now()
    return _answer(request, area_feed(session, service.city, code, language=language, now=now))


def _json(one: Follow) -> dict[str, Any]:
    found: dict[str, Any] = jsonable_encoder(FollowAnswer.of(one))
    return found


def _answer(request: Request, feed: Feed) -> Response:
    """The feed, or that the one which the reader has is still good (RFC 9110, 13.2.2)."""
    document = feed.to_xml()
    headers = {
        "ETag": etag_of(document),
        "Last-Modified": format_datetime(feed.updated.astimezone(dt.UTC), usegmt=True),
        "Content-Language": feed.language,
        "Vary": "Accept-Language",
    }
    if _has(request, headers["ETag"], feed.updated):
        return Response(status_code=304, headers=headers)
    return Response(document, media_type=_ATOM, headers=headers)


def _has(request: Request, etag: str, updated: dt.datetime) -> bool:
    known = request.headers.get("if-none-match")
    if known is not None:
        return any(one.strip().removeprefix("W/") in (etag, "*") for one in known.split(","))
    try:
        since = parsedate_to_datetime(request.headers.get("if-modified-since", ""))
        return updated.replace(microsecond=0) <= since
    except (TypeError, ValueError):
        return False
