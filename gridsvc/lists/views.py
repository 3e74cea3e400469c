"""Saved views: what somebody, or a whole office, asks a list for again and again."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError
from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.errors import BadInput, NotFound, TooLarge
from gridsvc.lists import views_repository as repository
from gridsvc.lists.asking import Asked, question
from gridsvc.lists.model import Frame, Listing
from gridsvc.lists.models import SavedView

_MOST = 100


def owner_of(caller: Caller, *, office: bool) -> str:
    """Whose a view is: the office's, by its body or area, or the holder's of the token."""
    if office:
        return f"office:{caller.body or caller.area or 'city'}"
    return f"subject:{caller.subject}"


def is_of_office(view: SavedView) -> bool:
    """Whether an office shares a view."""
    return view.owner.startswith("office:")


def views(session: Session, caller: Caller, listing: Listing) -> Sequence[SavedView]:
    """The views of a list that a caller may use, by name; the own ones first."""
    return repository.views_of(session, _owners(caller), listing.name)


def save_view(
    session: Session,
    caller: Caller,
    listing: Listing,
    frame: Frame,
    name: str,
    asked: Asked,
    *,
    office: bool,
) -> SavedView:
    """Keep what is asked of a list under a name, in the place of what had it.

    Raises BadInput and NotAllowed for what may not be asked, TooLarge for too many views.
    """
    question(listing, caller, frame, asked)
    owner = owner_of(caller, office=office)
    if repository.count_of(session, owner, besides=(listing.name, name)) >= _MOST:
        raise TooLarge(f"There are {_MOST} views already; delete one that nobody needs.")
    return repository.store(session, owner, listing.name, name, asked.given(), frame.now)


def delete_view(
    session: Session, caller: Caller, listing: Listing, name: str, *, office: bool
) -> None:
    """Forget a view. Raises NotFound."""
    if not repository.forget(session, owner_of(caller, office=office), listing.name, name):
        raise NotFound(f"There is no view '{name}' of this list; GET its views to see them.")


def with_view(session: Session, caller: Caller, listing: Listing, asked: Asked) -> Asked:
    """What is asked, and of the view that it names what it leaves open.

    Raises NotFound for a view that is not there, BadInput for one that the list no longer knows.
    """
    given = asked.given()
    name = given.pop("view", None)
    if name is None:
        return asked
    found = next((one for one in views(session, caller, listing) if one.name == name), None)
    if found is None:
        raise NotFound(f"There is no view '{name}' of this list; GET its views to see them.")
    known = {field.alias or key for key, field in type(asked).model_fields.items()}
    kept = {key: value for key, value in found.asked.items() if key in known}
    try:
        return type(asked).model_validate({**kept, **given})
    except ValidationError:
        raise BadInput(
            f"The view '{name}' asks for what this list no longer has; save it anew.", field="view"
        ) from None


def _owners(caller: Caller) -> list[str]:
    return [owner_of(caller, office=office) for office in (False, True)]
