"""What every request must obey, whichever kind of route answers it.

What needs no route is middleware, listed in :mod:`gridsvc.api.app`. What needs one, :func:`obey`,
ordinary routes follow as a dependency, direct ones by a call. :data:`Text` and
:data:`JsonObject` are checked where they enter, so that nothing fails in the middle.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic_core import PydanticCustomError
from starlette.types import Scope

from gridsvc.errors import BadInput, NotFound, UnknownParameter

#: A footprint inside evidence is six levels deep.
_MOST_LEVELS = 20
#: The query parameters of each route's function, collected once.
_known: dict[Any, frozenset[str]] = {}


async def follow(request: Request) -> None:
    """The rules as a dependency of ordinary routes; raises as :func:`obey` does."""
    dependant = getattr(request.scope.get("route"), "dependant", None)
    if dependant is None:
        return
    known = _known.get(dependant.call)
    if known is None:
        known = _known[dependant.call] = known_parameters(dependant)
    obey(request.scope, request.query_params, known)


def obey(scope: Scope, query: Mapping[str, str], known: frozenset[str]) -> None:
    """Refuse what no route takes; ``known`` are the names of the route's query parameters.

    Raises UnknownParameter for another name, so that no typing error is lost; BadInput and, in
    the path, NotFound for U+0000, which PostgreSQL cannot keep.
    """
    if "\0" in scope["path"]:
        raise NotFound("No address may contain the character U+0000; /docs lists what there is.")
    if not query.keys() <= known:
        unknown = min(query.keys() - known)
        raise UnknownParameter(
            f"This address has no query parameter '{unknown}';"
            f" it takes {', '.join(sorted(known)) or 'none'}.",
            field=unknown,
        )
    for name, value in query.items():
        if "\0" in value:
            raise BadInput(
                f"'{name}' contains the character U+0000, which text must not have.", field=name
            )


def known_parameters(dependant: Dependant) -> frozenset[str]:
    """The names of all query parameters of a route and its dependencies."""
    names = set[str]()
    for field in dependant.query_params:
        model = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            names |= {one.alias or name for name, one in model.model_fields.items()}
        else:
            names.add(field.alias)
    return frozenset(names).union(*map(known_parameters, dependant.dependencies))


def _check_text(value: str) -> str:
    if "\0" in value:
        raise PydanticCustomError(
            "unkeepable", "contains the character U+0000, which text must not have"
        )
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise PydanticCustomError("unkeepable", "contains half a character (a lone surrogate)")
    return value


def _check_json(value: dict[str, Any]) -> dict[str, Any]:
    waiting: list[tuple[int, Any]] = [(1, value)]
    while waiting:
        level, item = waiting.pop()
        if level > _MOST_LEVELS:
            raise PydanticCustomError("unkeepable", f"is nested deeper than {_MOST_LEVELS} levels")
        if isinstance(item, str):
            _check_text(item)
        elif isinstance(item, float) and not math.isfinite(item):
            raise PydanticCustomError("unkeepable", "contains a number that is not finite")
        elif isinstance(item, dict):
            waiting += ((level + 1, part) for pair in item.items() for part in pair)
        elif isinstance(item, list):
            waiting += ((level + 1, part) for part in item)
    return value


class Sent(BaseModel):
    """What somebody sends: these members and no others, so that no typing error is lost."""

    model_config = ConfigDict(extra="forbid")


#: Text that PostgreSQL and UTF-8 can hold.
Text = Annotated[str, AfterValidator(_check_text)]

#: A JSON object that can be kept and hashed: finite numbers, sound text, no depth without end.
JsonObject = Annotated[dict[str, Any], AfterValidator(_check_json)]
