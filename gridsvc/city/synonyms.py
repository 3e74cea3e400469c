"""Words that mean one thing in reports, and words that ask for nothing: a city's tables."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gridsvc.city.table import Find, Table
from gridsvc.errors import BadFile
from gridsvc.tables import table

_COLUMNS = ["group", "term", "unless", "source"]


@dataclass(frozen=True, slots=True)
class Term:
    """Words that say a thing together (屋顶, 渗水), but where one of ``unless`` is said too."""

    words: frozenset[str]
    unless: frozenset[str]


@dataclass(frozen=True, slots=True)
class Synonyms:
    """The terms of each group, by its name; ``empty`` are words that ask for nothing."""

    groups: Mapping[str, tuple[Term, ...]]
    empty: frozenset[str]

    @property
    def words(self) -> tuple[str, ...]:
        """Every word of the tables, sorted: a segmenter must know them."""
        terms = [term for terms in self.groups.values() for term in terms]
        found = {word for term in terms for word in (*term.words, *term.unless)}
        return tuple(sorted(found | self.empty))


def plain_words(text: str) -> str:
    """Width and case made one, as words are compared."""
    return unicodedata.normalize("NFKC", text).lower()


def load_synonyms(find: Find) -> Synonyms:
    """Read ``synonyms.csv`` and ``query_words.txt``. Raises BadFile with file, line and reason."""
    path = find("synonyms.csv")
    groups: dict[str, list[Term]] = {}
    for row in table(path, _COLUMNS, key=["group", "term"]):
        words, unless = (frozenset(plain_words(row[name]).split()) for name in ("term", "unless"))
        if not row["group"] or not words:
            raise BadFile(f"{row.where}: a line has a group and a term.")
        if short := sorted(word for word in words | unless if len(word) < 2):
            raise BadFile(
                f"{row.where}: '{short[0]}' is one letter, which is found everywhere; write words"
                " of two or more."
            )
        groups.setdefault(row["group"], []).append(Term(words, unless))
    lines = find("query_words.txt").read_text(encoding="utf-8").splitlines()
    empty = {plain_words(line.strip()) for line in lines if line and not line.startswith("#")}
    return Synonyms({name: tuple(terms) for name, terms in groups.items()}, frozenset(empty))


#: A city's own ``synonyms.csv`` and ``query_words.txt``, else the shipped ones.
SYNONYMS = Table(Path(__file__).parent / "shipped", load_synonyms)
