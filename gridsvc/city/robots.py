"""The robots of chat groups: how a message to one is addressed, written and bounded. City data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from gridsvc.city.table import Find, Table
from gridsvc.errors import BadFile
from gridsvc.texts import LANGUAGES

_TEXT, _LINK, _HOURS = "{text}", "{link}", "{hours}"
_CUT = "…"
#: A text must have room for its first line and the link.
_LEAST_BYTES = 500


class Signed(StrEnum):
    """How the webhook's operator checks who sends.

    ``none``: by the key in the address alone. ``dingtalk``: also by HMAC-SHA256 of the timestamp
    and the robot's secret, in the address.
    """

    NONE = "none"
    DINGTALK = "dingtalk"


@dataclass(frozen=True, slots=True)
class Robot:
    """One kind of robot; ``body`` is its JSON with ``{text}`` where the message stands.

    A webhook begins with one of ``addresses``; the text has at most ``most_bytes`` (UTF-8), and
    there are at most ``a_minute`` messages in any minute. The field ``accepted`` of the answer is 0
    when the message was taken.
    """

    name: str
    title: str
    title_zh: str
    source: str
    addresses: tuple[str, ...]
    most_bytes: int
    a_minute: int
    sign: Signed
    accepted: str
    link: Mapping[str, str]
    body: Mapping[str, Any]

    def text_of(self, text: str, link: str | None, *, hours: int, language: str) -> str:
        """A text with the line of its link, which is never cut; a text that is too long is."""
        last = "" if link is None else f"\n{self.link[language]}".replace(_HOURS, str(hours))
        last = last.replace(_LINK, link or "")
        return _within(text, self.most_bytes - len(last.encode())) + last

    def written(self, text: str) -> Any:
        """The JSON of a message."""
        return _filled(self.body, text)


def _within(text: str, most_bytes: int) -> str:
    """The beginning of a text, with a mark where it was cut."""
    whole = text.encode()
    if len(whole) <= most_bytes:
        return text
    return whole[: max(most_bytes - len(_CUT.encode()), 0)].decode(errors="ignore") + _CUT


def _filled(part: Any, text: str) -> Any:
    if isinstance(part, Mapping):
        return {name: _filled(value, text) for name, value in part.items()}
    if isinstance(part, list):
        return [_filled(value, text) for value in part]
    return part.replace(_TEXT, text) if isinstance(part, str) else part


def load_robots(find: Find) -> dict[str, Robot]:
    """Read ``robots.json``, an object for each robot. Raises BadFile with file and robot."""
    path = find("robots.json")
    try:
        given = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise BadFile(f"{path.name} is not a JSON file: {error}.") from None
    if not isinstance(given, dict) or not given:
        raise BadFile(f"{path.name} must have an object for each robot.")
    return {name: _robot(f"{path.name}, [{name}]", name, one) for name, one in given.items()}


def _robot(where: str, name: str, given: Any) -> Robot:
    expected: dict[str, type] = dict.fromkeys(("title", "title_zh", "source", "accepted"), str)
    expected |= {"addresses": list, "most_bytes": int, "a_minute": int, "sign": str, "link": dict}
    expected["body"] = dict
    if not isinstance(given, dict) or given.keys() != expected.keys():
        raise BadFile(f"{where}: the fields must be {', '.join(expected)}.")
    for field, kind in expected.items():
        if type(given[field]) is not kind:
            raise BadFile(f"{where}: {field} must be a {kind.__name__}.")
    addresses = tuple(map(str, given["addresses"]))
    if not addresses or not all(_is_prefix(one) for one in addresses):
        # Without the slash https://robot.example would let https://robot.example.org in.
        raise BadFile(f"{where}: addresses begin with http and end with a slash.")
    if given["sign"] not in list(Signed):
        raise BadFile(f"{where}: sign is '{given['sign']}'; it must be {' or '.join(Signed)}.")
    if given["most_bytes"] < _LEAST_BYTES or given["a_minute"] < 1:
        raise BadFile(f"{where}: most_bytes is at least {_LEAST_BYTES}, a_minute at least 1.")
    if given["link"].keys() != set(LANGUAGES):
        raise BadFile(f"{where}: link must have a sentence for each of {', '.join(LANGUAGES)}.")
    if (
        not all(_LINK in str(one) for one in given["link"].values())
        or _filled(given["body"], "a") == given["body"]
    ):
        raise BadFile(f"{where}: link must have {_LINK} in it, and body {_TEXT}.")
    told = {**given, "addresses": addresses, "sign": Signed(given["sign"])}
    return Robot(name=name, **told)


def _is_prefix(address: str) -> bool:
    return address.startswith(("https://", "http://")) and address.endswith("/")


#: A city's own ``robots.json`` beside its procedures and rules, else the shipped one.
ROBOTS = Table(Path(__file__).parent / "shipped", load_robots)
