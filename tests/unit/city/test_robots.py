"""Robots of chat groups: texts within their bytes, and a table that says what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.city.robots import ROBOTS, load_robots
from gridsvc.errors import BadFile
from gridsvc.settings import Settings

SHIPPED = ROBOTS.load(Settings())
LINK = "https://grid.example.org/v1/group-links/abc"


@pytest.mark.system(32)
@given(text=st.text(max_size=3_000), language=st.sampled_from(["en", "zh"]))
def test_a_text_keeps_to_its_bytes_and_its_link_is_never_cut(text: str, language: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    robot = SHIPPED["wecom"]
    said = robot.text_of(text, LINK, hours=72, language=language)
    assert len(said.encode()) <= 2_048
    assert LINK in said.splitlines()[-1]
    assert "72" in said.splitlines()[-1]
    alone = robot.text_of(text, None, hours=72, language=language)
    assert alone == text or (alone.endswith("…") and text.startswith(alone[:-1]))


@pytest.mark.system(32)
def test_the_shipped_robots_write_what_their_operators_read() -> None:
    for name in ("wecom", "dingtalk"):
        assert SHIPPED[name].written('a "b"\n群') == {
            "msgtype": "text",
            "text": {"content": 'a "b"\n群'},
        }
    assert [one.a_minute for one in SHIPPED.values()] == [20, 20]


def robots(tmp_path: Path, **change: Any) -> Path:
    given = json.loads((ROBOTS.shipped / "robots.json").read_text(encoding="utf-8"))["wecom"]
    path = tmp_path / "robots.json"
    path.write_text(json.dumps({"ours": given | change}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"more": 1}, "the fields must be"),
        ({"most_bytes": "2048"}, "most_bytes must be a int"),
        ({"addresses": []}, "end with a slash"),
        ({"addresses": ["https://robot.example"]}, "end with a slash"),
        ({"sign": "md5"}, "it must be none or dingtalk"),
        ({"most_bytes": 100}, "at least 500"),
        ({"a_minute": 0}, "at least 1"),
        ({"link": {"en": "{link}"}}, "a sentence for each of"),
        ({"link": {"en": "{link}", "zh": "无"}}, "link must have"),
        ({"body": {"text": "nothing"}}, "body {text}"),
    ],
)
def test_a_robot_that_cannot_be_called_is_refused(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    path = robots(tmp_path, **change)
    with pytest.raises(BadFile, match="ours") as refused:
        load_robots(lambda _: path)
    assert said in refused.value.detail


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_a_file_without_robots_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "robots.json"
    path.write_text(content)
    with pytest.raises(BadFile, match=r"robots\.json"):
        load_robots(lambda _: path)
