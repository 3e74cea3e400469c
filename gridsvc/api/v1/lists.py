"""Lists of what offices work on: a page, a file, counts, saved views.

Each list has routes of its own, made from its description. Their annotations are values, which
exist only here: so this module cannot postpone them.
"""

from typing import IO, Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response, StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials
from pydantic import Field, ValidationError
from sqlalchemy.orm import Session

from gridsvc.answers import as_built
from gridsvc.api import clock
from gridsvc.api.dependencies import (
    CurrentOccasion,
    CurrentService,
    Service,
    bearer,
    let_in,
)
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import JsonObject, Sent
from gridsvc.api.spool import bounded, spooled
from gridsvc.callers import Caller
from gridsvc.cases.core.act import Occasion
from gridsvc.db.base import transaction
from gridsvc.errors import BadCoordinate, BadInput, QueryTooBroad, TooLarge
from gridsvc.lists import asking
from gridsvc.lists.asking import Asked, Question
from gridsvc.lists.catalogue import LISTS, listing
from gridsvc.lists.model import Frame, Listing
from gridsvc.lists.models import SavedView
from gridsvc.lists.schemas import Counts, View, Views, page_answer
from gridsvc.lists.service import Form, counts_json, page_json, write_file
from gridsvc.lists.views import delete_view, is_of_office, save_view, views, with_view
from gridsvc.registry.access import audit

router = APIRouter(prefix="/v1/lists", tags=["lists"])

_PROBLEMS = (*TOKEN_PROBLEMS, BadInput, BadCoordinate)
_BOUNDED = problems(*_PROBLEMS, QueryTooBroad)


def _question(
    session: Session, service: Service, caller: Caller, one: Listing, asked: Asked
) -> Question:
    frame = Frame(service.city, clock.utc_now())
    return asking.question(one, caller, frame, with_view(session, caller, one, asked))


def _page(occasion: Occasion, service: Service, one: Listing, asked: Any) -> dict[str, Any]:
    found = _question(occasion.session, service, occasion.caller, one, asked)
    return page_json(
        occasion.session, found, cursor=asked.cursor, limit=asked.limit, count=asked.count
    )


def _counts(occasion: Occasion, service: Service, one: Listing, asked: Any) -> dict[str, Any]:
    found = _question(occasion.session, service, occasion.caller, one, asked)
    return counts_json(occasion.session, found, asked.by)


def _reader(
    request: Request,
    service: CurrentService,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Caller:
    """Whoever asks, let in and entered in the audit log before they wait for anything."""
    with transaction(service.sessions) as session:
        caller = let_in(request.scope, service, session, credentials)
        audit.write_noted(session)
    return caller


Reader = Annotated[Caller, Depends(_reader)]


def _add_routes(one: Listing) -> None:
    """The routes of a list."""
    page_of, whole, counted = (
        make(one) for make in (asking.page_model, asking.whole_model, asking.counts_model)
    )

    def get_page(
        occasion: CurrentOccasion,
        service: CurrentService,
        asked: Annotated[page_of, Query()],  # type: ignore[valid-type]
    ) -> dict[str, Any]:
        return _page(occasion, service, one, asked)

    def get_counts(
        occasion: CurrentOccasion,
        service: CurrentService,
        asked: Annotated[counted, Query()],  # type: ignore[valid-type]
    ) -> dict[str, Any]:
        return _counts(occasion, service, one, asked)

    router.get(
        f"/{one.name}",
        response_model=as_built(page_answer(one)),
        responses=_BOUNDED,
        name=f"list {one.name}",
        summary=f"{one.title}: a page",
        description=f"{one.title} ({one.title_zh}) that the caller may see, narrowed and sorted.",
    )(get_page)
    router.get(
        f"/{one.name}/counts",
        response_model=as_built(Counts),
        responses=_BOUNDED,
        name=f"count {one.name}",
        summary=f"{one.title}: how many",
        description="How many rows there are, and of each value of a group.",
    )(get_counts)
    for form in Form:
        _add_file(one, whole, form)


def _add_file(one: Listing, whole: type[Asked], form: Form) -> None:
    async def get_file(
        service: CurrentService,
        caller: Reader,
        asked: Annotated[whole, Query()],  # type: ignore[valid-type]
    ) -> StreamingResponse:
        def write(spool: IO[bytes]) -> None:
            check = bounded(service.settings, "narrow the list by its filters")
            with transaction(service.sessions) as session:
                found = _question(session, service, caller, one, asked)
                write_file(session, found, form, spool, check)

        day = service.city.day(clock.utc_now())
        name = f"{one.name}-{day}.{form.value}"
        return await spooled(
            service.pools.exporting,
            write,
            media_type=form.media_type,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    router.get(
        f"/{one.name}.{form.value}",
        response_class=StreamingResponse,
        responses={
            200: {"content": {form.media_type: {}}, "description": "All rows"},
            **_BOUNDED,
        },
        name=f"{one.name} as {form.value}",
        summary=f"{one.title}: all rows as {form.value}",
        description="All rows for a spreadsheet, the times as the clocks of the city show them.",
    )(get_file)


for _one in LISTS.values():
    _add_routes(_one)


ViewName = Annotated[str, Path(min_length=1, max_length=60, description="Of the view.")]
OfOffice = Annotated[bool, Query(description="The view that the office shares.")]


class ViewIn(Sent):
    """What a view keeps."""

    asked: JsonObject = Field(description="Filters and order of the list, as its address has them.")
    office: bool = Field(default=False, description="Share it with the whole office.")


def _shown(view: SavedView) -> View:
    return View.of(view, office=is_of_office(view))


@router.get("/{list_name}/views", responses=problems(*TOKEN_PROBLEMS))
def list_views(list_name: str, occasion: CurrentOccasion) -> Views:
    """The saved views of a list: the caller's own, and those of their office."""
    found = views(occasion.session, occasion.caller, listing(list_name))
    return Views(views=[_shown(one) for one in found])


@router.put("/{list_name}/views/{name}", responses=problems(*_PROBLEMS, TooLarge))
def put_view(
    list_name: str, name: ViewName, given: Annotated[ViewIn, Body()], occasion: CurrentOccasion
) -> View:
    """Keep filters and an order under a name; ``view`` of the list then asks by it."""
    one = listing(list_name)
    try:
        asked = asking.kept_model(one).model_validate(given.asked)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None
    frame = Frame(occasion.city, occasion.now)
    kept = save_view(
        occasion.session, occasion.caller, one, frame, name, asked, office=given.office
    )
    return _shown(kept)


@router.delete(
    "/{list_name}/views/{name}",
    status_code=204,
    response_class=Response,
    responses=problems(*TOKEN_PROBLEMS),
)
def remove_view(
    list_name: str, name: ViewName, occasion: CurrentOccasion, office: OfOffice = False
) -> Response:
    """Forget a saved view."""
    delete_view(occasion.session, occasion.caller, listing(list_name), name, office=office)
    return Response(status_code=204)
