"""What every request must obey, whichever kind of route answers it.

Rules that need no route (the size of a body) are middleware, listed in :mod:`gridsvc.api.app`;
those that need one are here. Ordinary routes follow them as a dependency, direct ones by a call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel
from starlette.types import Scope

from gridsvc.errors import BadInput, NotFound, UnknownParameter

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
