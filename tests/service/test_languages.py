"""Errors are told in the language that the request accepts; what machines read never changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.service.conftest import refusal

CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
SENT_JSON = {"Content-Type": "application/json"}

FAULTS: dict[str, tuple[int, tuple[str, str, dict[str, Any]], tuple[str, str]]] = {
    "an address that is not there": (
        404,
        ("GET", "/v1/nothing", {}),
        ("未找到", "此地址没有内容，可用地址见 /docs。"),
    ),
    "another method": (
        405,
        ("DELETE", "/v1/locate", {}),
        ("此处不允许该方法", "此地址不支持该方法，请参见 /docs。"),
    ),
    "an unknown parameter": (
        400,
        ("GET", "/v1/locate", {"params": {"lon": 116.3, "lat": 39.9, "zoom": 3}}),
        ("查询参数未知", "zoom"),
    ),
    "a missing parameter": (
        422,
        ("GET", "/v1/locate", {"params": {"lon": 116.3}}),
        ("输入无法使用", "缺少“lat”，此项必填。"),
    ),
    "a number that is none": (
        422,
        ("GET", "/v1/locate", {"params": {"lon": "east", "lat": 39.9}}),
        ("输入无法使用", "“lon”：应为有效的数字。"),
    ),
    "a body that is not JSON": (
        422,
        ("POST", "/v1/straddle", {"content": b"{", "headers": SENT_JSON}),
        ("输入无法使用", "请求体不是有效的 JSON"),
    ),
    "a level that is none": (
        422,
        ("POST", "/v1/straddle", {"json": {"geometry": {}, "level": "planet"}}),
        ("输入无法使用", "“level”：应为 'district'、'street'或'community'。"),
    ),
    "a body that is too large": (
        413,
        ("POST", "/v1/reports", {"content": b"[" * 20_000_000, "headers": SENT_JSON}),
        ("输入过大", "请求体超过 "),
    ),
}


@pytest.fixture
def ask(client: httpx.Client) -> Callable[..., httpx.Response]:
    def asked(method: str, path: str, **more: Any) -> httpx.Response:
        headers = CHINESE | more.pop("headers", {})
        return client.request(method, path, headers=headers, **more)

    return asked


@pytest.mark.parametrize("fault", FAULTS)
def test_an_error_is_told_in_chinese_where_chinese_is_accepted(
    client: httpx.Client, ask: Callable[..., httpx.Response], fault: str
) -> None:
    status, (method, path, more), (title, detail) = FAULTS[fault]
    answer = ask(method, path, **more)
    english = client.request(method, path, **more)
    assert (answer.headers["content-language"], answer.headers["vary"]) == ("zh", "Accept-Language")
    assert english.headers["content-language"] == "en"
    told, plain = refusal(answer, status), refusal(english, status)
    assert told["title"] == title
    assert detail in told["detail"]
    assert told["detail"] != plain["detail"]
    for name in ("title", "detail"):
        del told[name], plain[name]
    assert told == plain


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("zh", "zh"),
        ("zh-Hans-CN", "zh"),
        ("ZH-cn;q=0.3", "zh"),
        ("fr, zh;q=0.2", "zh"),
        ("en;q=0.5, zh;q=0.9", "zh"),
        ("zh;q=0.5, en;q=0.9", "en"),
        ("zh, en", "zh"),
        ("en, zh", "en"),
        ("zh;q=0", "en"),
        ("zh;q=abc", "en"),
        ("fr", "en"),
        ("*", "en"),
        ("", "en"),
        ("," * 5_000, "en"),
    ],
)
def test_the_language_that_weighs_most_is_spoken(
    client: httpx.Client, accepted: str, language: str
) -> None:
    answer = client.get("/v1/nothing", headers={"Accept-Language": accepted})
    assert answer.headers["content-language"] == language


def test_what_a_sender_wrote_is_quoted_as_it_is(ask: Callable[..., httpx.Response]) -> None:
    answer = ask("POST", "/v1/straddle", json={"geometry": {}, "{field}": "{0.__class__}"})
    assert refusal(answer, 422)["detail"] == "“{field}”：不接受此项。"
