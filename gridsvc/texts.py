"""What is said to people, in Chinese: from one table, ``locale/zh.toml``.

Sentences are f-strings where they are raised, and templates in the table::

    raise NotFound(f"There is no case {case_id}.")
    "There is no case {case_id}." = "没有编号为 {case_id} 的案卷。"

A sentence is translated by the template whose fixed parts it has; of several, by the one with the
longest. So nothing is written twice where it is raised. Template strings (Python 3.14) will carry
their parts themselves and make the search needless.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any

#: The first is the one that sentences are written in.
LANGUAGES = ("en", "zh")

_BLANK = re.compile(r"\{(\w+)\}")
_SEPARATORS = {
    "t": re.compile("(?!)"),
    "l": re.compile("(, | and | or )"),
    "s": re.compile(r"(; |(?<=\.) )"),
}


def said_in(language: str, sentence: str) -> str:
    """The English ``sentence`` in ``language``; itself where the table lacks it."""
    return sentence if language == LANGUAGES[0] else _table(language).sentence(sentence)


class _Table(Formatter):
    """The sentences of a language, and the pieces and words that their blanks hold.

    In a translation ``{reason!t}`` is a sentence or piece to be translated as well, ``{sides!l}`` a
    list of them ("a, b and c"), ``{faults!s}`` several one after the other, and ``{level!w}`` a
    name that code and data use.
    """

    def __init__(self, table: Mapping[str, Mapping[str, str]]) -> None:
        self._sentences = _Rows(table["sentences"])
        self._all = _Rows({**table["sentences"], **table["pieces"]})
        self._words = table["words"]

    def sentence(self, text: str) -> str:
        """A sentence translated, itself where it is not in the table."""
        return self._told(self._sentences, text)

    def convert_field(self, value: Any, conversion: Any) -> Any:
        """What a blank holds, translated as its mark says."""
        if conversion == "w":
            return self._words.get(value, value)
        if conversion is None:
            return value
        parts = _SEPARATORS[conversion].split(value)
        return "".join(self._told(self._all, part) for part in parts)

    def _told(self, rows: _Rows, text: str) -> str:
        told, values = rows.find(text)
        return self.vformat(told, (), values) if values else told


class _Rows:
    def __init__(self, rows: Mapping[str, str]) -> None:
        self._plain = rows
        split = [(_BLANK.split(template), told) for template, told in rows.items()]
        split.sort(key=lambda row: -sum(map(len, row[0][::2])))
        self._templates = [(parts[::2], parts[1::2], told) for parts, told in split if parts[1:]]

    def find(self, text: str) -> tuple[str, dict[str, str]]:
        """The translation of ``text`` and what fills its blanks; ``text`` where there is none."""
        if text in self._plain:
            return self._plain[text], {}
        for parts, names, told in self._templates:
            values = _between(parts, text)
            if values is not None:
                return told, dict(zip(names, values, strict=True))
        return text, {}


def _between(parts: list[str], text: str) -> list[str] | None:
    """What ``text`` has between ``parts``, None where it does not have them all, in order."""
    first, *middle, last = parts
    at, end = len(first), len(text) - len(last)
    if at > end or not (text.startswith(first) and text.endswith(last)):
        return None
    values = []
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return None
        values.append(text[at:found])
        at = found + len(part)
    return [*values, text[at:end]]


@cache
def _table(language: str) -> _Table:
    text = files("gridsvc").joinpath("locale", f"{language}.toml").read_text(encoding="utf-8")
    return _Table(tomllib.loads(text))
