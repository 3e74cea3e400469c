"""Query parameters as one model, read without FastAPI's own machinery where time counts."""

from __future__ import annotations

from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

__all__ = ["documented", "read_query"]

Query = TypeVar("Query", bound=BaseModel)


def read_query(request: Request, model: type[Query]) -> Query:
    """The request's query parameters as a model; of a repeated one the last counts.

    Raises RequestValidationError, which becomes a problem document as for every other route.
    """
    try:
        return model.model_validate(dict(request.query_params))
    except ValidationError as error:
        faults = [{**fault, "loc": ("query", *fault["loc"])} for fault in error.errors()]
        raise RequestValidationError(faults) from None


def documented(model: type[BaseModel]) -> dict[str, Any]:
    """The ``openapi_extra`` of a route that reads its query with :func:`read_query`."""
    schema = model.model_json_schema()
    return {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", []),
                "description": shape.pop("description", ""),
                "schema": shape,
            }
            for name, shape in schema["properties"].items()
        ]
    }
