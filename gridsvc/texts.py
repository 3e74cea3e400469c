"""What is said to people: in English, and in Chinese from one table, ``locale/zh.toml``.

It is written where it is said, as a template and its values::

    say("There is no case {case_id}.", case_id=case_id)

The result is the English sentence, a ``str`` like any other, that can still be said in Chinese
when somebody asks for it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any

__all__ = ["LANGUAGES", "Phrase", "all_of", "any_of", "said_in", "say"]

#: The first is the one that phrases are written in.
LANGUAGES = ("en", "zh")


class Phrase(str):
    """English that can be said in another language.

    ``key`` is its name in the table, which for a phrase of ours is the English template; ``values``
    fill the blanks.
    """

    __slots__ = ("key", "values")

    key: str
    values: Mapping[str, object]

    def __new__(cls, english: str, key: str, values: Mapping[str, object]) -> Phrase:  # noqa: D102
        phrase = super().__new__(cls, english)
        phrase.key, phrase.values = key, values
        return phrase

    def __getnewargs__(self) -> tuple[str, str, Mapping[str, object]]:  # type: ignore[override]
        # For pickle: workers of a batch send phrases to the process that asked them.
        return str(self), self.key, self.values


def say(template: str, /, **values: object) -> Phrase:
    """The phrase of a template whose blanks (``{name}``, ``{metres:,.0f}``) ``values`` fill.

    Without values the template is the phrase, braces and all.
    """
    return Phrase(template.format(**values) if values else template, template, values)


def all_of(items: Iterable[object]) -> Phrase:
    """``a, b and c``; '' of none."""
    return _listed("{others} and {last}", items)


def any_of(items: Iterable[object]) -> Phrase:
    """``a, b or c``; '' of none."""
    return _listed("{others} or {last}", items)


def _listed(template: str, items: Iterable[object]) -> Phrase:
    *others, last = [str(item) for item in items] or [""]
    return say(template, others=", ".join(others), last=last) if others else Phrase(last, last, {})


def said_in(language: str, value: Any) -> Any:
    """``value`` with every :class:`Phrase` in it, however deep, said in ``language``.

    A phrase that the table lacks stays English.
    """
    if isinstance(value, Phrase):
        return _translated(language, value)
    if isinstance(value, dict):
        return {name: said_in(language, item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [said_in(language, item) for item in value]
    return value


def _translated(language: str, phrase: Phrase) -> str:
    if language == LANGUAGES[0]:
        return str(phrase)
    phrases, words = _table(language)
    template = phrases.get(phrase.key)
    if template is None or not phrase.values:
        return template or str(phrase)
    values = {name: said_in(language, value) for name, value in phrase.values.items()}
    return _Blanks(words).vformat(template, (), values)


class _Blanks(Formatter):
    """Fills blanks; ``{level!w}`` gives the word of the table for a name that code and data use."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = words

    def convert_field(self, value: Any, conversion: Any) -> Any:
        """The value, or its word."""
        if conversion == "w":
            return self._words.get(str(value), value)
        return super().convert_field(value, conversion)


@cache
def _table(language: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
    text = files("gridsvc").joinpath("locale", f"{language}.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    return table["phrases"] | table["pydantic"], table["words"]
