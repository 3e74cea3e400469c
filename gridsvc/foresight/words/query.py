"""Reads a query in Chinese, and says which texts it means: words, their synonyms, nothing else."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from gridsvc.city.synonyms import Synonyms, Term, plain_words
from gridsvc.errors import BadInput

if TYPE_CHECKING:
    from rjieba import Jieba


@dataclass(frozen=True, slots=True)
class Concept:
    """A thing that is asked for: the group of synonyms or the word, and the terms that say it."""

    name: str
    terms: tuple[Term, ...]

    def said_in(self, words: Collection[str]) -> bool:
        """Whether a text of these words says it."""
        return any(
            term.words.issubset(words) and term.unless.isdisjoint(words) for term in self.terms
        )


@dataclass(frozen=True, slots=True)
class Query:
    """All of these concepts; ``left_out`` are the words of the query that ask for nothing."""

    concepts: tuple[Concept, ...]
    left_out: tuple[str, ...]
    known: tuple[str, ...]

    def means(self, text: str) -> bool:
        """Whether a report's text says every concept."""
        words = words_of(text, self.known)
        return all(concept.said_in(words) for concept in self.concepts)


def words_of(text: str, known: tuple[str, ...]) -> frozenset[str]:
    """The words of a text, long ones with the shorter ones in them; ``known`` are words surely."""
    return frozenset(_segmenter(known).cut_for_search(plain_words(text), hmm=False))


def read_query(text: str, synonyms: Synonyms) -> Query:
    """The concepts of a query such as ``屋顶渗水 未解决``. Raises BadInput for one without any.

    Each word is a concept. Words that a term of a group says together are the group, the longest
    term first: 屋顶 and 渗水 are 漏雨, and beside it 屋顶 says nothing more.
    """
    known = synonyms.words
    said = list(dict.fromkeys(_segmenter(known).cut(plain_words(text), hmm=False)))
    empty = [word for word in said if len(word) < 2 or word in synonyms.empty]
    left = [word for word in said if word not in empty]
    found: list[Concept] = []
    terms = [(name, term) for name, terms in synonyms.groups.items() for term in terms]
    for name, term in sorted(terms, key=lambda one: (-len(one[1].words), one[0])):
        if term.words.issubset(left):
            left = [word for word in left if word not in term.words]
            if name not in {concept.name for concept in found}:
                found.append(Concept(name, synonyms.groups[name]))
    told = {word for concept in found for term in concept.terms for word in term.words}
    left = [word for word in left if word not in told]
    found += [Concept(word, (Term(frozenset({word}), frozenset()),)) for word in left]
    if not found:
        raise BadInput(
            f"'q' is {text[:60]!r}, which asks for nothing; send words of two letters or more.",
            field="q",
        )
    shown = [word for word in empty if word.strip() and word.isalnum()]
    return Query(tuple(found), tuple(shown), known)


def longest_words(concept: Concept) -> Sequence[str]:
    """A word of each term, the longest: whatever says the concept contains one of them."""
    return sorted({max(sorted(term.words), key=len) for term in concept.terms})


@lru_cache(maxsize=4)
def _segmenter(known: tuple[str, ...]) -> Jieba:
    """The segmenter with a city's own words beside its dictionary."""
    # Its dictionary takes 40 MB and a fifth of a second.
    from rjieba import Jieba

    made = Jieba()
    for word in known:
        made.add_word(word, None, None)
    return made
