"""What is said to people: every phrase is in the table, and the table has no other."""

from __future__ import annotations

import ast
import pickle
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from pydantic_core._pydantic_core import list_all_errors

import gridsvc
from gridsvc.texts import all_of, any_of, said_in, say

ROOT = Path(gridsvc.__file__).parent
TABLE = tomllib.loads((ROOT / "locale" / "zh.toml").read_text(encoding="utf-8"))

#: What Pydantic says of Python's objects and calls, which no request has.
OF_PYTHON = re.compile(
    "argument|assertion|attribute|callable|complex|counter|dataclass|default_factory|deque|ellipsis|"
    "fraction|frozen|hashable|instance|iter|mapping|named|needs|ordered|sentinel|subclass"
)


def sayings() -> Iterator[tuple[str, ast.Call]]:
    """The calls of ``say`` in the service, each with its file and line."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say":
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def template_of(call: ast.Call) -> str:
    (template,) = call.args
    assert isinstance(template, ast.Constant)
    return str(template.value)


def blanks(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


SAID = [(where, call) for where, call in sayings() if isinstance(call.args[0], ast.Constant)]


def test_every_phrase_has_a_translation_and_every_translation_a_phrase() -> None:
    said = {template_of(call): where for where, call in SAID}
    listed = {"{others} and {last}", "{others} or {last}"}
    lacking = {where: text for text, where in said.items() if text not in TABLE["phrases"]}
    assert lacking == {}
    assert set(TABLE["phrases"]) - set(said) == listed


def test_a_phrase_and_its_translation_have_the_blanks_that_are_filled() -> None:
    for where, call in SAID:
        template = template_of(call)
        filled = {str(keyword.arg) for keyword in call.keywords}
        if filled:
            assert blanks(template) == filled, where
            assert blanks(TABLE["phrases"][template]) == filled, where


def test_no_english_is_hidden_in_a_value() -> None:
    """A piece of a sentence is a phrase too, so that it is translated with the sentence."""
    for where, call in SAID:
        for keyword in call.keywords:
            assert not isinstance(keyword.value, ast.JoinedStr), f"{where}: {keyword.arg}"


def test_the_table_is_sorted() -> None:
    assert list(TABLE["phrases"]) == sorted(TABLE["phrases"])
    assert list(TABLE["words"]) == sorted(TABLE["words"])


def test_everything_that_pydantic_says_of_a_request_has_a_translation() -> None:
    for error in list_all_errors():
        kind = error["type"]
        if OF_PYTHON.search(kind):
            continue
        assert kind in TABLE["pydantic"], kind
        known = blanks(error["message_template_python"])
        assert blanks(TABLE["pydantic"][kind]) <= known, kind


@pytest.mark.parametrize(
    ("items", "english", "chinese"),
    [
        (["a"], "a", "a"),
        (["a", "b"], "a and b", "a和b"),
        (["a", "b", "c"], "a, b and c", "a, b和c"),
        ([], "", ""),
    ],
)
def test_lists_are_said_in_both_languages(items: list[str], english: str, chinese: str) -> None:
    assert all_of(items) == english
    assert said_in("zh", all_of(items)) == chinese
    assert any_of(items) == english.replace("and", "or")


def test_a_phrase_inside_a_phrase_is_translated_with_it() -> None:
    inner = say("'{field}' is missing; it is required.", field="class")
    outer = say("{what} ({more} more).", what=inner, more=2)
    assert outer == "'class' is missing; it is required. (2 more)."
    assert said_in("zh", {"detail": [outer], "n": 1}) == {
        "detail": ["缺少“class”，此项必填。（另有 2 处问题）。"],
        "n": 1,
    }
    assert said_in("en", outer) == outer


def test_what_the_table_lacks_stays_english() -> None:
    assert said_in("zh", say("Never said: {x}.", x=1)) == "Never said: 1."


def test_a_phrase_survives_the_way_to_another_process() -> None:
    phrase = pickle.loads(pickle.dumps(say("{what}.", what="a")))
    assert (phrase, said_in("zh", phrase)) == ("a.", "a。")
