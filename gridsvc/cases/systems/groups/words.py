"""What is said in groups, by topic and language: ``group_words.csv``, which a city may replace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from string import Formatter

from gridsvc.city.table import Find, Table
from gridsvc.errors import BadFile
from gridsvc.tables import table
from gridsvc.texts import LANGUAGES


class GroupKind(StrEnum):
    """What a group can hear."""

    ORDER = "order"
    ALARM = "alarm"
    REMINDER = "reminder"


#: The lines of a message, and what each may name.
_LAYOUT = {
    "first": {"kind", "number", "class", "area"},
    "later": {"kind", "number", "n", "first", "class", "area"},
    "step": {"step"},
    "limit": {"limit"},
}
_NAME, _LINE = "name", "layout"
#: The topic of an order by hand, which every table has.
GROUP_ORDER = "group_order"


@dataclass(frozen=True, slots=True)
class GroupWords:
    """The topics that are said in groups with their kind, and all sentences by language."""

    kinds: Mapping[str, GroupKind]
    sentences: Mapping[str, Mapping[str, str]]


def load_group_words(find: Find) -> GroupWords:
    """Read ``group_words.csv``: topics, kinds, lines. Raises BadFile with file and line."""
    path = find("group_words.csv")
    kinds: dict[str, GroupKind] = {}
    sentences: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
    for row in table(path, ["said_of", "kind", *LANGUAGES], key=["said_of"]):
        name, kind = row["said_of"], row["kind"]
        if kind not in (_NAME, _LINE, *GroupKind):
            raise BadFile(f"{row.where}: kind is '{kind}'; there are {', '.join(GroupKind)}.")
        if kind in list(GroupKind):
            kinds[name] = GroupKind(kind)
        for language in LANGUAGES:
            _check(row.where, row[language], _LAYOUT.get(name, set()) if kind == _LINE else set())
            sentences[language][name] = row[language]
    for needed in (*_LAYOUT, *(f"kind.{one}" for one in GroupKind), GROUP_ORDER):
        if needed not in sentences[LANGUAGES[0]]:
            raise BadFile(f"{path.name}, line 1: the line '{needed}' is missing.")
    return GroupWords(kinds, sentences)


def _check(where: str, sentence: str, blanks: set[str]) -> None:
    if not sentence:
        raise BadFile(f"{where}: write the sentence in every language.")
    try:
        found = {blank for _, blank, _, _ in Formatter().parse(sentence) if blank is not None}
    except ValueError as error:
        raise BadFile(f"{where}: '{sentence}' is not a sentence: {error}.") from None
    if not found <= blanks:
        raise BadFile(
            f"{where}: '{sorted(found - blanks)[0]}' cannot be named here; there are"
            f" {', '.join(sorted(blanks)) or 'none'}."
        )


#: A city's own ``group_words.csv`` beside its procedures and rules, else the shipped one.
GROUP_WORDS = Table(Path(__file__).parent, load_group_words)
