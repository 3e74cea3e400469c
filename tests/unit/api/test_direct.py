"""What a direct route can find, and how it reads a query."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qsl

import pytest
from fastapi import Body, Depends
from fastapi.responses import Response
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from gridsvc.api.dependencies import DbSession
from gridsvc.api.direct import DirectRoute, read_query


@given(st.text(alphabet="ab=&+%0aé;#\0 ", max_size=30))
def test_a_query_is_read_as_everybody_reads_it(text: str) -> None:
    assert read_query(text.encode("latin-1")) == dict(parse_qsl(text, keep_blank_values=True))


class Given(BaseModel):
    """Something that is sent."""

    name: str


async def _of_session(session: DbSession) -> Response:
    return Response()


async def _of_body(given: Annotated[Given, Body()]) -> Response:
    return Response()


def _of_another(found: Annotated[int, Depends(lambda: 1)]) -> Response:
    return Response()


def _of_path(name: str) -> Response:
    return Response()


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [("/x", _of_session), ("/x", _of_body), ("/x", _of_another), ("/x/{name}", _of_path)],
)
def test_an_endpoint_that_asks_for_more_is_refused_at_the_start(
    path: str, endpoint: object
) -> None:
    with pytest.raises(TypeError, match="cannot be a direct route"):
        DirectRoute(path, endpoint)  # type: ignore[arg-type] # a function of any kind
