"""What may be asked of each list, as models of addresses, and what an asked one comes to."""

from __future__ import annotations

import keyword
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model
from sqlalchemy import ColumnElement

from gridsvc.callers import Caller, Role
from gridsvc.errors import BadInput, NotAllowed
from gridsvc.lists.model import Frame, Listing, Order, Shown


class Asked(BaseModel):
    """What is asked of a list; the models of each list have its filters and orders beside."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def given(self) -> dict[str, Any]:
        """What was given, by the names and as the texts of an address."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)


class _WithView(Asked):
    view: Annotated[
        str | None,
        Field(max_length=60, description="A saved view: what is given beside it goes before it."),
    ] = None


class _Page(_WithView):
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: Annotated[
        str | None, Field(max_length=500, description="'next' of the previous page.")
    ] = None
    count: Annotated[bool, Field(description="Count all rows, too.")] = False


def _field(name: str, type: Any, title: str, default: Any = None) -> tuple[str, Any]:
    safe = f"{name}_" if keyword.iskeyword(name) else name
    return safe, (type | None, Field(default=default, alias=name, description=title))


def _filters(listing: Listing) -> dict[str, Any]:
    defaults = listing.defaults
    return dict(
        _field(one.name, one.type, one.title, defaults.get(one.name)) for one in listing.filters
    )


def _one_of(names: Any) -> Any:
    return Literal[tuple(names)]


def kept_model(listing: Listing) -> type[Asked]:
    """What a view keeps: filters and an order."""
    order = _field("order", _one_of(listing.orders), "How the rows are sorted.")
    return create_model(
        f"Kept {listing.title}", __base__=Asked, **_filters(listing), **dict([order])
    )


def page_model(listing: Listing) -> type[Asked]:
    """What a page is asked for by."""
    return create_model(f"Page {listing.title}", __base__=(kept_model(listing), _Page))


def whole_model(listing: Listing) -> type[Asked]:
    """What a file is asked for by."""
    return create_model(f"Whole {listing.title}", __base__=(kept_model(listing), _WithView))


def counts_model(listing: Listing) -> type[Asked]:
    """What counts are asked for by."""
    by = _field("by", _one_of(listing.groups), "What is counted apart; only all when left out.")
    return create_model(
        f"Counts {listing.title}", __base__=_WithView, **_filters(listing), **dict([by])
    )


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What somebody asks of a list: each row fulfils all ``conditions`` and one of ``reach``."""

    listing: Listing
    frame: Frame
    conditions: tuple[ColumnElement[bool], ...]
    reach: tuple[ColumnElement[bool], ...]
    order: str
    words: bool

    @property
    def sorting(self) -> Order:
        """How the rows are sorted."""
        return self.listing.orders[self.order]

    @property
    def columns(self) -> tuple[Shown, ...]:
        """The columns that have values for who asks."""
        return tuple(one for one in self.listing.columns if self.words or not one.column.for_staff)


def question(listing: Listing, caller: Caller, frame: Frame, asked: Asked) -> Question:
    """What somebody asks of a list, checked.

    Raises NotAllowed where an analyst looks for words, BadInput for what no list can be narrowed
    or sorted by.
    """
    given = asked.model_dump(by_alias=True)
    words = caller.role is not Role.ANALYST
    conditions = list(listing.always)
    for one in listing.filters:
        value = given[one.name]
        if value is None:
            continue
        if one.words and not words:
            raise NotAllowed(
                "What people wrote is searched by the staff of a case; an analyst's token may not.",
                field=one.name,
            )
        conditions.append(one.where(value, frame))
    order = given.get("order") or next(iter(listing.orders))
    for name, value in listing.orders[order].needs.items():
        if given[name] != value:
            raise BadInput(
                f"The order '{order}' is for {name}={value} alone; ask with it.", field="order"
            )
    return Question(listing, frame, tuple(conditions), tuple(listing.reach(caller)), order, words)
