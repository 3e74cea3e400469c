"""Chat groups of bodies, orders to them, and the links by which they answer (群指令)."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs

from fastapi import APIRouter, Body, Depends
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import Field

from gridsvc.api import clock
from gridsvc.api.dependencies import (
    CurrentOccasion,
    CurrentService,
    DbSession,
    IdempotencyKey,
    RawBody,
    Service,
    once,
)
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.cases.core.messages.groups import GroupLink, read_link
from gridsvc.cases.systems.groups import answering
from gridsvc.cases.systems.groups import service as groups
from gridsvc.cases.systems.groups.schemas import GroupOrderAnswer
from gridsvc.cases.systems.groups.words import GroupKind
from gridsvc.city.robots import ROBOTS
from gridsvc.errors import (
    BadInput,
    Conflict,
    IdempotencyMismatch,
    NotAllowed,
    NotFound,
    StepRefused,
)
from gridsvc.maps.self_contained import CONTENT_POLICY
from gridsvc.registry.access.keys import secret_key
from gridsvc.registry.groups.repository import groups_of
from gridsvc.registry.groups.schemas import GroupAnswer, GroupsAnswer
from gridsvc.registry.groups.service import NewGroup, add_group, check_inbox

router = APIRouter(prefix="/v1", tags=["groups"])

_MOST_NOTE = 2_000
_FORM = "application/x-www-form-urlencoded"
#: A link is a right: no page that it leads to learns it, no search engine and no cache keeps it.
_HEADERS = {
    "Content-Security-Policy": f"{CONTENT_POLICY}; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}


class GroupIn(Sent):
    """A chat group and its robot."""

    name: Text = Field(min_length=1, max_length=100)
    robot: Text = Field(max_length=40, description="One of the city's robots: wecom, dingtalk.")
    url: Text = Field(max_length=2_000, description="The webhook of the robot; kept sealed.")
    secret: Text | None = Field(
        default=None, min_length=1, max_length=200, description="Of a robot that signs; sealed."
    )
    kinds: list[GroupKind] = Field(
        default_factory=lambda: list(GroupKind), description="What the group hears."
    )
    language: Literal["zh", "en"] = "zh"


class OrderIn(Sent):
    """An order to a body, in its groups."""

    body: Text = Field(max_length=18, description="One that leads the case, or was called.")
    note: Text | None = Field(
        default=None,
        min_length=1,
        max_length=_MOST_NOTE,
        description="For the trace; it is not sent to the group.",
    )


@router.get(
    "/bodies/{body}/groups", response_model=GroupsAnswer, responses=problems(*TOKEN_PROBLEMS)
)
def list_groups(body: str, occasion: CurrentOccasion) -> GroupsAnswer:
    """The chat groups that hear what a body, a district (110102) or its leader is told."""
    check_inbox(occasion.session, occasion.caller, body)
    found = groups_of(occasion.session, [body], None)
    return GroupsAnswer(groups=[GroupAnswer.of(one) for one in found])


@router.post(
    "/bodies/{body}/groups",
    status_code=201,
    response_model=GroupAnswer,
    responses=problems(*TOKEN_PROBLEMS, BadInput, Conflict),
)
def post_group(
    body: str,
    given: Annotated[GroupIn, Body()],
    service: CurrentService,
    occasion: CurrentOccasion,
) -> GroupAnswer:
    """Let a chat group hear what a body, a district or its leader is told, by a robot."""
    new = NewGroup(
        body, given.name, given.robot, given.url, given.secret, given.kinds, given.language
    )
    group = add_group(
        occasion.session,
        occasion.caller,
        occasion.city.table(ROBOTS),
        new,
        service.reporter_keys.current,
        known_kinds=list(GroupKind),
        now=occasion.now,
    )
    return GroupAnswer.of(group)


@router.post(
    "/bodies/{body}/groups/{group_id}/end",
    response_model=GroupAnswer,
    responses=problems(*TOKEN_PROBLEMS),
)
def post_end(body: str, group_id: uuid.UUID, occasion: CurrentOccasion) -> GroupAnswer:
    """Tell a group no more: what waits for it is withdrawn, and its links open nothing."""
    return GroupAnswer.of(groups.end_group(occasion, body, group_id))


@router.post(
    "/cases/{case_id}/group-orders",
    status_code=201,
    response_model=GroupOrderAnswer,
    responses=problems(*TOKEN_PROBLEMS, StepRefused, BadInput, IdempotencyMismatch),
)
def post_order(
    case_id: uuid.UUID,
    given: Annotated[OrderIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Order a body of a case, in its groups, to handle it now (群指令)."""

    def write() -> GroupOrderAnswer:
        told = groups.order(occasion, case_id, given.body, given.note)
        return GroupOrderAnswer(case_id=case_id, body=given.body, groups=[one.id for one in told])

    return once(occasion, key, ["group_order", str(case_id), given], write, status=201)


def _link(link: str, service: CurrentService) -> GroupLink:
    settings = service.settings
    key = secret_key(settings.var_dir / "keys", "webhook", settings.webhook_key)
    return read_link(key, link, now=clock.utc_now())


_OpenedLink = Annotated[GroupLink, Depends(_link)]


def _page(session: Any, service: Service, link: GroupLink, done: bool) -> HTMLResponse:
    from gridsvc.maps.group_answer import group_page  # Jinja2

    shown = answering.open_link(session, service.city, link, now=clock.utc_now())
    return HTMLResponse(group_page(shown, service.city, done=done), headers=_HEADERS)


@router.get(
    "/group-links/{link}",
    response_class=HTMLResponse,
    responses=problems(NotAllowed, NotFound),
)
def get_link(link: _OpenedLink, service: CurrentService, session: DbSession) -> HTMLResponse:
    """The page to which a link in a group's message leads; reading it changes nothing."""
    return _page(session, service, link, done=False)


@router.post(
    "/group-links/{link}",
    response_class=HTMLResponse,
    responses=problems(NotAllowed, NotFound, StepRefused, BadInput),
    openapi_extra={
        "requestBody": {
            "content": {
                _FORM: {
                    "schema": {
                        "type": "object",
                        "required": ["note"],
                        "properties": {"note": {"type": "string"}, "step": {"type": "string"}},
                    }
                }
            }
        }
    },
)
def post_link(
    link: _OpenedLink, body: RawBody, service: CurrentService, session: DbSession
) -> HTMLResponse:
    """Answer by a link, for the group's body: a note, or one of the steps that the page lists."""
    note, step = _sent(body)
    answering.answer(session, service.city, link, step=step, note=note, now=clock.utc_now())
    session.flush()
    return _page(session, service, link, done=True)


def _sent(body: bytes) -> tuple[str, str]:
    """Note and step of a form. Raises BadInput."""
    try:
        fields = parse_qs(body.decode(), strict_parsing=True, max_num_fields=2, errors="strict")
    except ValueError:
        raise BadInput("The form cannot be read; send 'note', and perhaps 'step'.") from None
    note, step = (fields.get(name, [""])[0].strip() for name in ("note", "step"))
    if not 0 < len(note) <= _MOST_NOTE or "\0" in note + step:
        raise BadInput(f"'note' must have 1 to {_MOST_NOTE} characters.", field="note")
    return note, step
