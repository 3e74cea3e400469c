"""A client that speaks to the running service as its users do."""

from __future__ import annotations

from itertools import count
from typing import Any

import httpx

from gridsvc.errors import Unavailable


class Client:
    """An actor of a playing, with a token; a refusal is an error unless it was expected.

    Its writes are numbered, and the number is their idempotency key.
    """

    def __init__(self, http: httpx.Client, token: str) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"}
        self._written = count(1)

    def get(self, path: str, **query: Any) -> Any:
        """Read. Raises Unavailable with the service's own words."""
        return self._answer(self._http.get(path, params=query, headers=self._headers))

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """Write once in a playing: the ``key``, or the next number, stands for this write.

        Raises Unavailable with the service's own words.
        """
        headers = self._headers | {"Idempotency-Key": key or str(next(self._written))}
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
