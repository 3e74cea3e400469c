"""Whatever a request writes, another one reads: itself, the thing above it, or a list of these."""

from __future__ import annotations

import re

from gridsvc.api.rights import RIGHTS

_PARAMETER = re.compile(r"\{[^}]*\}")

#: What keeps nothing, and what is read by a path that is not above its own.
ELSEWHERE = {
    "/v1/locate/batch": "asks",
    "/v1/straddle": "asks",
    "/v1/relations": "asks",
    "/v1/what-if": "asks",
    "/v1/duties/what-if": "asks",
    "/v1/reports/similar": "asks",
    "/v1/lines": "asks",
    "/v1/lines/page.html": "asks",
    "/v1/lines/teams": "/v1/whistles/{}",
    "/v1/duties/changes": "/v1/duties",
    "/v1/disputes/find": "/v1/disputes",
    "/v1/no-mans-land/disputes": "/v1/disputes",
    "/v1/tokens/renewal": "/v1/tokens",
}


def test_what_a_request_writes_is_read_by_another():
    read = {_PARAMETER.sub("{}", path) for method, path in RIGHTS if method == "GET"}
    unread = set()
    for method, path in RIGHTS:
        written = _PARAMETER.sub("{}", path)
        if method not in ("POST", "PUT", "PATCH") or {written, f"{written}/{{}}"} & read:
            continue
        things = [written[: at.end()] for at in re.finditer(r"/\{\}", written)]
        if not read & {*things, *(thing.removesuffix("/{}") for thing in things)}:
            unread.add(path)
    assert unread == set(ELSEWHERE)
    assert {path for path in ELSEWHERE.values() if path != "asks"} <= read
