"""One call of a body's webhook: signed, bounded in time, never followed elsewhere."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import hmac

import httpx

from gridsvc.cases.core.messages.model import Delivery

_LONGEST_REASON = 300


def webhook_secret(key: bytes, body_code: str) -> str:
    """The secret that a body checks signatures with; each body has its own.

    Made from the service's key, so that one body cannot sign messages to another.
    """
    return hmac.new(key, f"webhook:{body_code}".encode(), hashlib.sha256).hexdigest()


def signature(secret: str, payload: bytes, at: dt.datetime) -> str:
    """The header ``Gridsvc-Signature``: ``t=<unix seconds>,v1=<hexadecimal HMAC-SHA256>``.

    What is signed is the timestamp, a full stop and the payload.
    """
    timestamp = str(int(at.timestamp()))
    signed = f"{timestamp}.".encode() + payload
    return f"t={timestamp},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


async def call(
    client: httpx.AsyncClient,
    delivery: Delivery,
    *,
    key: bytes,
    now: dt.datetime,
    timeout_s: float,
) -> str | None:
    """POST a message to its webhook; None when it answered 2xx, else the reason in words.

    ``timeout_s`` bounds the whole call. The answer's body is never read.
    """
    payload = delivery.payload()
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": str(delivery.id),
        "Gridsvc-Signature": signature(webhook_secret(key, delivery.body_code), payload, now),
        "User-Agent": "gridsvc",
    }
    if delivery.request_id is not None:
        headers["X-Request-ID"] = delivery.request_id
    try:
        async with (
            asyncio.timeout(timeout_s),
            client.stream("POST", delivery.webhook_url, content=payload, headers=headers) as answer,
        ):
            if answer.is_success:
                return None
            return f"it answered {answer.status_code} {answer.reason_phrase}"[:_LONGEST_REASON]
    except TimeoutError:
        return f"it did not answer within {timeout_s:g} s"
    except Exception as error:  # noqa: BLE001, RUF100 - whatever one receiver does, the others go on
        return f"{type(error).__name__}: {error}".rstrip(": ")[:_LONGEST_REASON]
