"""Text and JSON that can be kept: checked where they enter, so that nothing fails in the middle."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

#: A footprint inside evidence is six levels deep.
_MOST_LEVELS = 20


def _check_text(value: str) -> str:
    if "\0" in value:
        raise PydanticCustomError(
            "unkeepable", "contains the character U+0000, which text must not have"
        )
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise PydanticCustomError("unkeepable", "contains half a character (a lone surrogate)")
    return value


def _check_json(value: dict[str, Any]) -> dict[str, Any]:
    waiting: list[tuple[int, Any]] = [(1, value)]
    while waiting:
        level, item = waiting.pop()
        if level > _MOST_LEVELS:
            raise PydanticCustomError("unkeepable", f"is nested deeper than {_MOST_LEVELS} levels")
        if isinstance(item, str):
            _check_text(item)
        elif isinstance(item, float) and not math.isfinite(item):
            raise PydanticCustomError("unkeepable", "contains a number that is not finite")
        elif isinstance(item, dict):
            waiting += ((level + 1, part) for pair in item.items() for part in pair)
        elif isinstance(item, list):
            waiting += ((level + 1, part) for part in item)
    return value


#: Text that PostgreSQL and UTF-8 can hold.
Text = Annotated[str, AfterValidator(_check_text)]

#: A JSON object that can be kept and hashed: finite numbers, sound text, no depth without end.
JsonObject = Annotated[dict[str, Any], AfterValidator(_check_json)]
