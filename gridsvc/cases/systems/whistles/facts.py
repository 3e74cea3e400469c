"""What the facts suggest: which body a word, a class or a part beside the place speaks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gridsvc.city.classes import ClassKey
from gridsvc.city.table import Table
from gridsvc.errors import BadFile
from gridsvc.tables import table

_CLASS = re.compile(r"(part|event) ([0-9]{1,5})")
_PART = re.compile(r"[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class Fact:
    """One line: what is looked for, and what the names of the bodies to call contain.

    ``by`` is ``word`` (in what was reported or found), ``class`` (of the case) or ``part`` (of a
    class, in the register beside the place). ``unless`` are words that do not count.
    """

    by: str
    match: tuple[str, ...]
    unless: tuple[str, ...]
    bodies: tuple[str, ...]
    fact: str
    fact_zh: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A fact that was found, and by what."""

    fact: Fact
    found: str


def suggested(
    table: Sequence[Fact], *, said: Sequence[str], key: ClassKey, parts: Iterable[str]
) -> Iterator[Suggestion]:
    """The facts of a table that hold: of the words that were ``said``, the class, and ``parts``.

    ``parts`` are the classes of parts beside the place. Latin words count whole and in any case,
    Chinese ones wherever they occur.
    """
    beside = sorted(set(parts))
    for fact in table:
        if fact.by == "word":
            found = next((hit for text in said if (hit := _word_in(fact, text))), None)
        elif fact.by == "class":
            found = next((c for c in fact.match if f"{key.kind} {key.code}".startswith(c)), None)
        else:
            found = next((p for p in beside if p.startswith(fact.match)), None)
        if found is not None:
            yield Suggestion(fact, found)


def _word_in(fact: Fact, text: str) -> str | None:
    lowered = text.lower()
    for word in fact.unless:
        lowered = lowered.replace(word, " ")
    for word in fact.match:
        latin = word.isascii()
        if re.search(rf"\b{re.escape(word)}\b", lowered) if latin else word in lowered:
            return word
    return None


def read_facts(path: Path) -> tuple[Fact, ...]:
    """The facts of a CSV; several values in a field are parted by ``|``. Raises BadFile."""
    found: list[Fact] = []
    for row in table(path, ["by", "match", "unless", "bodies", "fact", "fact_zh"]):
        parted = {
            name: tuple(filter(None, row[name].split("|")))
            for name in ("match", "unless", "bodies")
        }
        if not (parted["match"] and parted["bodies"] and row["fact"] and row["fact_zh"]):
            raise BadFile(f"{row.where}: match, bodies, fact and fact_zh must not be empty.")
        form = {"class": _CLASS, "part": _PART}.get(row["by"])
        if form is None and row["by"] != "word":
            raise BadFile(f"{row.where}: '{row['by']}' is not one of word, class, part.")
        if form is not None and not all(form.fullmatch(one) for one in parted["match"]):
            raise BadFile(f"{row.where}: a class is written 'event 0602', a part's class '01069'.")
        if row["by"] == "word" and any(one != one.lower() for one in parted["match"]):
            raise BadFile(f"{row.where}: write words in lower case; any case is matched.")
        found.append(Fact(by=row["by"], **parted, fact=row["fact"], fact_zh=row["fact_zh"]))
    return tuple(found)


#: A city's own ``facts.csv``, else the shipped one.
FACTS = Table(Path(__file__).parent, lambda find: read_facts(find("facts.csv")))
