"""Which columns of a file hold the codes, the names and the parents, guessed from what they hold.

A guess is only shown: a person confirms it, or gives the columns. What the cells hold counts before
what the columns are called: codes are told by their digits and the list of divisions, names by the
names in that list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gridsvc.codes import Level
from gridsvc.errors import BadFile
from gridsvc.registry.districts import Division

_ABOVE = {Level.STREET: Level.DISTRICT, Level.COMMUNITY: Level.STREET}
# What such columns are called, the likeliest first; compared in small letters without signs.
_CALLED = {
    "code": (
        "code dm bm daima bianma 代码 编码 区划代码 行政区划代码 xzqdm xzqhdm jddm xzdm sqdm jwhdm"
        " cjdm qxdm adcode zoningcode pac areacode regioncode tjdm jdcode gbcode id"
    ),
    "name": (
        "name mc mingcheng 名称 行政区名称 xzqmc xzqhmc jdmc xzmc sqmc jwhmc cjmc qxmc adname cname"
        " namechn namezh chname areaname regionname label"
    ),
    "parent": (
        "parent parentcode parentid 上级 上级代码 上级编码 sjdm sjbm pcode pid ssqx ssqxdm ssjd"
        " ssjddm upcode up"
    ),
}
# At least so many of the filled cells must be codes or names for a column to be proposed.
_CODES_SHARE, _NAMES_SHARE, _PARENTS_SHARE = 0.5, 0.3, 0.8
_SUFFIX = re.compile("(办事处|社区居委会|村委会|居委会|居民委员会|村民委员会|社区)$")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class ColumnGuess:
    """What a column is taken for, why, its first cells, and columns that could be it as well."""

    role: str
    column: str
    why: str
    cells: tuple[str, ...]
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Held:
    """How many cells of a column fit its role, and how many of those the list knows."""

    column: str
    fitting: int
    listed: int
    filled: int
    rank: int

    @property
    def order(self) -> tuple[int, int, int]:
        return self.listed, self.fitting, -self.rank


def guess_columns(
    table: Mapping[str, Sequence[str | None]], level: Level, divisions: Iterable[Division]
) -> tuple[ColumnGuess, ...]:
    """Guess the column of the code, and those of name and parent where there are any.

    ``table``: cells by column, as ``read_columns`` gives them. Raises BadFile, with what each
    column holds, when none holds codes of this level.
    """
    listed = {it.code: it.name for it in divisions}
    names = {name_key(it) for it in listed.values()}
    of_level = {name_key(name) for code, name in listed.items() if len(code) == level.digits}
    coded = [_codes(column, cells, level.digits, listed) for column, cells in table.items()]
    codes = [it for it in coded if it.filled and it.fitting >= _CODES_SHARE * it.filled]
    if not codes:
        held = "; ".join(f"{column}: {_sample(cells)}" for column, cells in table.items())
        raise BadFile(
            f"No column holds codes of {level.digits} digits, as a {level} has them. The columns "
            f"hold {held or 'nothing'}. Name the column with --column code=..., or add the codes.",
            field="columns",
        )
    best, others = _best(codes)
    guesses = [
        ColumnGuess(
            "code",
            best.column,
            f"{best.fitting} of {best.filled} cells are codes of a {level}, {best.listed} of them "
            "in the list of divisions",
            _sample_cells(table[best.column]),
            others,
        )
    ]
    rows = table[best.column]
    rest = {column: cells for column, cells in table.items() if column != best.column}
    for guess in (_name(rest, rows, listed, of_level, names, level), _parent(rest, rows, level)):
        if guess is not None:
            guesses.append(guess)
    return tuple(guesses)


def name_key(name: str) -> str:
    """A name as it is compared: without blanks and without the word for its office."""
    return _SUFFIX.sub("", re.sub(r"\s", "", name))


def _best(held: list[_Held]) -> tuple[_Held, tuple[str, ...]]:
    """The column that fits best, and those that fit as well but for what they are called."""
    best = max(held, key=lambda it: it.order)
    even = [it for it in held if it is not best and it.order[:2] == best.order[:2]]
    return best, tuple(it.column for it in even)


def _codes(
    column: str, cells: Sequence[str | None], digits: int, listed: Mapping[str, str]
) -> _Held:
    filled = [it for it in cells if it]
    codes = [code for it in filled if (code := _plain_code(it, digits)) is not None]
    # A column of ones and twos has no known code: digits alone must at least differ.
    known = sum(code in listed for code in codes)
    fitting = len(codes) if known or len(set(codes)) > len(codes) / 2 else 0
    return _Held(column, fitting, known, len(filled), _rank("code", column))


def _plain_code(text: str, digits: int) -> str | None:
    """A code of so many digits, also when it is filled up with zeros; else None."""
    if re.fullmatch("[0-9]+", text) is None:
        return None
    if len(text) == 12 and digits < 12 and text[digits:].strip("0") == "":
        text = text[:digits]
    return text if len(text) == digits and not text.endswith("000") else None


def _name(
    table: Mapping[str, Sequence[str | None]],
    codes: Sequence[str | None],
    listed: Mapping[str, str],
    of_level: set[str],
    names: set[str],
    level: Level,
) -> ColumnGuess | None:
    by_code = [
        name_key(listed.get(_plain_code(code or "", level.digits) or "", "")) for code in codes
    ]
    held = []
    for column, cells in table.items():
        keys = [None if it is None else name_key(it) for it in cells]
        filled = sum(it is not None for it in keys)
        # The name that the list gives for the row's own code says more than any name of the list.
        own = sum(it is not None and it == wanted for it, wanted in zip(keys, by_code, strict=True))
        some = sum(it is not None and it in of_level for it in keys)
        held.append(_Held(column, some, own, filled, _rank("name", column)))
    fitting = [
        it for it in held if it.filled and max(it.fitting, it.listed) >= _NAMES_SHARE * it.filled
    ]
    if fitting:
        best, others = _best(fitting)
        why = (
            f"{best.listed} of {best.filled} cells are the name that the list gives for the code, "
            f"{best.fitting} are some {level}'s"
        )
        return ColumnGuess("name", best.column, why, _sample_cells(table[best.column]), others)
    called = [
        it
        for it in held
        if it.filled
        and it.rank < len(_CALLED["name"].split())
        and not any(cell and name_key(cell) in names for cell in table[it.column])
    ]
    if not called:
        return None
    best = min(called, key=lambda it: it.rank)
    why = "it is called so; none of its cells is a name in the list of divisions"
    return ColumnGuess("name", best.column, why, _sample_cells(table[best.column]))


def _parent(
    table: Mapping[str, Sequence[str | None]], codes: Sequence[str | None], level: Level
) -> ColumnGuess | None:
    above = _ABOVE.get(level)
    if above is None:
        return None
    held = []
    for column, cells in table.items():
        filled = [
            (code, parent)
            for own, cell in zip(codes, cells, strict=True)
            if own and cell and (code := _plain_code(own, level.digits)) is not None
            for parent in [_plain_code(cell, above.digits)]
        ]
        nested = sum(parent is not None and code.startswith(parent) for code, parent in filled)
        held.append(_Held(column, nested, nested, len(filled), _rank("parent", column)))
    fitting = [it for it in held if it.filled and it.fitting >= _PARENTS_SHARE * it.filled]
    if not fitting:
        return None
    best, others = _best(fitting)
    why = f"{best.fitting} of {best.filled} codes begin with the {above}'s code that it holds"
    return ColumnGuess("parent", best.column, why, _sample_cells(table[best.column]), others)


def _rank(role: str, column: str) -> int:
    """How far down the list of usual names a column's name stands; the list's length when not."""
    words = _CALLED[role].split()
    plain = re.sub(r"[\W_\d]", "", column.lower())
    for rank, word in enumerate(words):
        if plain == word:
            return rank
    return len(words)


def _sample_cells(cells: Sequence[str | None]) -> tuple[str, ...]:
    return tuple(list(dict.fromkeys(it for it in cells if it))[:_SHOWN])


def _sample(cells: Sequence[str | None]) -> str:
    return ", ".join(it[:30] for it in _sample_cells(cells)) or "nothing"
