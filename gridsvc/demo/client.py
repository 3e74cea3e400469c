"""A client that speaks to the running service as its users do."""

from __future__ import annotations

import datetime as dt
from typing import Any

import httpx

from gridsvc.callers import Role
from gridsvc.errors import Unavailable
from gridsvc.registry.access.service import issue_token

__all__ = ["Client"]


class Client:
    """One user of the service, with a token; a refusal is an error unless it was expected."""

    def __init__(self, http: httpx.Client, token: str) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"}

    @classmethod
    def of(
        cls,
        http: httpx.Client,
        key: bytes,
        role: Role,
        *,
        area: str = "",
        body: str | None = None,
    ) -> Client:
        """A client with a token of its own, valid for a day."""
        token = issue_token(
            key,
            role=role,
            area=area,
            body=body,
            valid_for=dt.timedelta(days=1),
            now=dt.datetime.now(dt.UTC),
        )
        return cls(http, token)

    def get(self, path: str, **query: Any) -> Any:
        """Read. Raises Unavailable with the service's own words."""
        return self._answer(self._http.get(path, params=query, headers=self._headers))

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """Write; ``key`` makes it happen once. Raises Unavailable with the service's own words."""
        headers = self._headers | ({"Idempotency-Key": key} if key else {})
        return self._answer(self._http.post(path, json=body, headers=headers))

    def refused(self, path: str, body: Any) -> str:
        """Write what must be refused, and give the reason. Raises Unavailable if it was not."""
        response = self._http.post(path, json=body, headers=self._headers)
        if response.status_code != 409:
            raise Unavailable(f"{path} should have been refused, but gave {response.status_code}.")
        return str(response.json()["detail"])

    @staticmethod
    def _answer(response: httpx.Response) -> Any:
        if response.is_error:
            said = response.json().get("detail", response.text)
            raise Unavailable(f"{response.request.url.path}: {response.status_code}, {said}")
        return response.json()
