"""What is said to people: every error has its Chinese, and the table has nothing else."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core._pydantic_core import list_all_errors

import gridsvc
from gridsvc import errors
from gridsvc.texts import said_in

ROOT = Path(gridsvc.__file__).parent
TABLE = tomllib.loads((ROOT / "locale" / "zh.toml").read_text(encoding="utf-8"))
ROWS = TABLE["sentences"] | TABLE["pieces"]

#: What :mod:`gridsvc.spatial.reading` says of one subject or another; the table has each of it.
COMPOSED = {"{} {}", "Feature {} {}"}
#: What frameworks say, or what joins a list.
OF_OTHERS = {"There was an error parsing the body", ", ", "; ", " ", " and ", " or "}
#: What Pydantic says of Python's objects and calls, which no request has.
OF_PYTHON = re.compile(
    "argument|assertion|attribute|callable|complex|counter|dataclass|default_factory|deque|ellipsis|"
    "fraction|frozen|hashable|instance|iter|mapping|named|needs|ordered|sentinel|subclass"
)

EVERY = [
    one
    for one in vars(errors).values()
    if isinstance(one, type) and issubclass(one, errors.GridsvcError)
]
ERRORS = {error.__name__ for error in EVERY} | {"_MethodNotAllowed"}


def skeleton(template: str) -> str:
    """A template without the names in its blanks; blanks side by side are one."""
    return re.sub(r"(\{\w*\})+", "{}", template)


def written(node: ast.expr) -> str | None:
    """The skeleton of a literal or f-string, None of anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return skeleton(node.value)
    if isinstance(node, ast.JoinedStr):
        return skeleton(
            "".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values)
        )
    return None


def nodes() -> Iterator[tuple[str, ast.AST]]:
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            yield f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}", node


NODES = list(nodes())


def raised() -> Iterator[tuple[str, str]]:
    """The sentences of errors, with file and line; those that a variable holds are not here."""
    for where, node in NODES:
        if isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            said = node.args[0]
            for one in (said.body, said.orelse) if isinstance(said, ast.IfExp) else (said,):
                if name in ERRORS and (text := written(one)) is not None:
                    yield where, text


def test_every_error_has_its_chinese() -> None:
    known = {skeleton(template) for template in TABLE["sentences"]} | COMPOSED
    assert {where: text for where, text in raised() if text not in known} == {}


def test_every_title_has_its_chinese() -> None:
    titles = {error.title for error in EVERY}
    assert titles <= set(TABLE["sentences"])


def test_the_table_has_nothing_that_nobody_says() -> None:
    said = {text for _, node in NODES if isinstance(node, ast.expr) and (text := written(node))}
    everything = "\n".join(said | {error["message_template_python"] for error in list_all_errors()})
    for template in set(ROWS) - OF_OTHERS:
        longest = sorted((part.strip() for part in re.split(r"\{\w+\}", template)), key=len)[-2:]
        assert any(part in everything for part in longest if len(part) > 3 or part == longest[-1])


def test_a_translation_has_the_blanks_of_its_template() -> None:
    of_pydantic = {error["message_template_python"] for error in list_all_errors()}
    for template, told in ROWS.items():
        blanks = set(re.findall(r"\{(\w+)\}", template))
        if blanks:
            filled = {name for _, name, _, _ in Formatter().parse(told) if name is not None}
            assert filled == blanks or (template in of_pydantic and filled <= blanks), template
            assert all(mark in (None, *"tlsw") for *_, mark in Formatter().parse(told)), template


def test_the_table_is_sorted() -> None:
    for section in TABLE.values():
        assert list(section) == sorted(section)


def test_what_pydantic_says_of_a_request_has_its_chinese() -> None:
    for error in list_all_errors():
        if not OF_PYTHON.search(error["type"]):
            assert error["message_template_python"] in TABLE["pieces"], error["type"]


@given(st.data())
def test_a_sentence_is_known_again_whatever_fills_its_blanks(data: st.DataObject) -> None:
    template = data.draw(st.sampled_from(sorted(TABLE["sentences"])))
    value = st.text(st.characters(categories=["Lu", "Nd"]), min_size=1, max_size=9)
    values = {name: data.draw(value) for name in re.findall(r"\{(\w+)\}", template)}
    told = TABLE["sentences"][template]
    plain = re.sub(r"!\w\}", "}", told)
    english = re.sub(r"\{(\w+)\}", lambda blank: values[blank[1]], template)
    assert said_in("zh", english) == (plain.format(**values) if values else told)


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("There is no case 12.", "没有编号为 12 的案卷。"),
        ("'level': Input should be 'a', 'b' or 'c'.", "“level”：应为 'a'、'b'或'c'。"),
        ("No edition of level district is in force.", "没有生效的区级版本。"),
        ("'a': Field required (2 more).", "“a”：缺少此项（另有 2 处问题）。"),
        ("There is no file {error}!r.", "文件 {error}!r 不存在"),
        ("What nobody says stays English.", "What nobody says stays English."),
    ],
)
def test_a_sentence_is_said_in_chinese(english: str, chinese: str) -> None:
    assert chinese in said_in("zh", english)
    assert said_in("en", english) == english


def test_a_hostile_sentence_costs_no_more_than_its_length() -> None:
    for hostile in ("'a': " * 400, " and " * 400, "No boundaries are loaded yet. " * 66):
        assert said_in("zh", hostile)
