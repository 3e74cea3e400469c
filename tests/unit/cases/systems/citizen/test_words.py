"""The words for citizens: in both languages or in none, with blanks that are known."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import gridsvc.cases.systems
from gridsvc.cases.systems.citizen.words import WORDS, load_words
from gridsvc.errors import BadFile
from gridsvc.settings import Settings

HEAD = "said_of,en,zh\n"
#: Procedures whose steps have sentences or titles.
PROCEDURES = sorted(Path(gridsvc.cases.systems.__file__).parent.glob("*/*_v*.toml"))


def _refused(tmp_path: Path, line: str) -> str:
    file = tmp_path / "words.csv"
    file.write_text(HEAD + line + "\n", encoding="utf-8")
    with pytest.raises(BadFile) as refused:
        load_words(lambda name: file)
    return refused.value.detail


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("closed,It is closed.,", "words.csv, line 2: write the sentence in every language"),
        ("closed,{who} closed it.,{who}结案。", "words.csv, line 2: there is no blank 'who'"),
        ("closed,{body closed.,结案。", "words.csv, line 2: '{body closed.' is not a sentence"),
        ("closed,Closed.,结案。", "words.csv, line 1: the sentence 'by_body' is missing."),
    ],
)
def test_a_fault_names_file_line_and_reason(tmp_path: Path, line: str, said: str) -> None:
    assert _refused(tmp_path, line).startswith(said)


def test_what_is_not_told_is_empty_and_what_is_unknown_is_none() -> None:
    words = WORDS.load(Settings())
    assert words.said("zh", "handle", {"body": "城管局"}) == "城管局已处理。"
    assert words.said("en", "assess", {}) == ""
    assert words.said("en", "whistle_proposed", {}) is None


@pytest.mark.parametrize("path", PROCEDURES, ids=lambda path: path.stem)
def test_every_step_has_its_title_in_both_languages(path: Path) -> None:
    procedure = tomllib.loads(path.read_text(encoding="utf-8"))
    for step in (*procedure["steps"], *procedure.get("returns", ())):
        assert step["title"].isascii()
        assert not step["title_zh"].isascii()
