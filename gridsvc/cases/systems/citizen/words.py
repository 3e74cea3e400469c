"""What citizens are told of a case, in each language: ``words.csv``, which a city may replace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from gridsvc.city.table import Find, Table
from gridsvc.errors import BadFile
from gridsvc.tables import table
from gridsvc.texts import LANGUAGES

#: What the words may name.
_BLANKS = frozenset({"body", "to", "until", "title", "hotline", "receipt"})
#: What the service says whatever happened in a case.
_NEEDED = ("by_body", "closed", "stage.closed", "appeal.open", "appeal.closed")


@dataclass(frozen=True, slots=True)
class Words:
    """Sentences by language, then by what they are said of: an entry of the trace, or a state.

    An empty sentence: citizens are not told.
    """

    sentences: Mapping[str, Mapping[str, str]]

    def said(self, language: str, name: str, blanks: Mapping[str, str]) -> str | None:
        """The sentence of that name; '' for what is not told, None where there is none."""
        sentence = self.sentences[language].get(name)
        return sentence and sentence.format_map(blanks)


def load_words(find: Find) -> Words:
    """Read ``words.csv``, a line for each thing. Raises BadFile with file, line and reason."""
    path = find("words.csv")
    sentences: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
    for row in table(path, ["said_of", *LANGUAGES], key=["said_of"]):
        if len({bool(row[language]) for language in LANGUAGES}) > 1:
            raise BadFile(f"{row.where}: write the sentence in every language, or in none.")
        for language in LANGUAGES:
            try:
                blanks = {blank for _, blank, _, _ in Formatter().parse(row[language]) if blank}
            except ValueError as error:
                raise BadFile(
                    f"{row.where}: '{row[language]}' is not a sentence: {error}."
                ) from None
            if unknown := sorted(blanks - _BLANKS):
                raise BadFile(
                    f"{row.where}: there is no blank '{unknown[0]}'; there are"
                    f" {', '.join(sorted(_BLANKS))}."
                )
            sentences[language][row["said_of"]] = row[language]
    for name in _NEEDED:
        if not sentences[LANGUAGES[0]].get(name):
            raise BadFile(f"{path.name}, line 1: the sentence '{name}' is missing.")
    return Words(sentences)


#: A city's own ``words.csv`` beside its procedures and rules, else the shipped one.
WORDS = Table(Path(__file__).parent, load_words)
