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
# What columns of one level are called before the word for a name: 社区名称, jdmc, street_name.
_OF_LEVEL = {
    Level.DISTRICT: "区县 县区 市辖区 区 县 qx xq district county",
    Level.STREET: "街道 乡镇 镇街 街镇 镇 乡 街道办 街道办事处 jd xz street town township",
    Level.COMMUNITY: "社区 村居 村社区 社区村 村 行政村 居委会 村委会 居委 sq jwh cj cw"
    " community village",
}
_OF_ANY = ("行政区划", "区划", "区域", "政区", "单元", "网格", "中文", "单位")
_NAME_WORDS = ("名称", "全称", "名字", "名", "mingcheng", "name", "mc")
# How most names of a level end, whatever the column is called.
_ENDS = {
    Level.DISTRICT: re.compile("[区县市旗]$"),
    Level.STREET: re.compile("(街道|办事处|街道办|镇|乡|地区|苏木)$"),
    Level.COMMUNITY: re.compile("(社区|小区|居委会|村委会|居民委员会|村民委员会|村|居|嘎查)$"),
}
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
    return _unlisted_name(table, codes, names - of_level, level)


def _unlisted_name(
    table: Mapping[str, Sequence[str | None]],
    codes: Sequence[str | None],
    names: set[str],
    level: Level,
) -> ColumnGuess | None:
    """The name's column where the list knows few of the names: by its word, and how they end.

    ``names`` are the list's for other levels; a column of them is the name of something else.
    """
    areas = len({code for code in codes if code})
    found: list[tuple[tuple[int, bool, int], str, str]] = []
    for column, cells in table.items():
        filled = [it for it in cells if it]
        words = [it for it in filled if re.search(r"[^\W\d_]", it)]
        others = sum(name_key(it) in names for it in filled)
        # One name for many codes is that of what lies above them.
        if not words or others >= _NAMES_SHARE * len(filled) or 2 * len(set(words)) < areas:
            continue
        ends = sum(_ENDS[level].search(it) is not None for it in words)
        called = _called_name(column, level)
        typed = ends >= _CODES_SHARE * len(filled)
        if called > 0 or (typed and called == 0):
            why = "it is called so" if called else f"{ends} of {len(filled)} end as a {level}'s do"
            found.append(((called, typed, -_rank("name", column)), column, why))
    if not found:
        return None
    best = max(order for order, _, _ in found)
    column, why = next((column, why) for order, column, why in found if order == best)
    even = tuple(other for order, other, _ in found if order == best and other != column)
    why += "; few of its cells are names in the list of divisions"
    return ColumnGuess("name", column, why, _sample_cells(table[column]), even)


def _called_name(column: str, level: Level) -> int:
    """Whether a column is called the name: 2 of this level, 1 of any, 0 no, -1 of another level."""
    plain = _plain(column)
    word = next((it for it in _NAME_WORDS if plain.endswith(it)), "")
    before = re.sub("^(所属|所在|ss)", "", plain.removesuffix(word))
    of = {it for it, words in _OF_LEVEL.items() if word and before in words.split()}
    if of:
        return 2 if level in of else -1
    return int(plain in _CALLED["name"].split() or (bool(word) and before in _OF_ANY))


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
    plain = _plain(column)
    return words.index(plain) if plain in words else len(words)


def _plain(column: str) -> str:
    """What a column is called, in small letters without signs and digits."""
    return re.sub(r"[\W_\d]", "", column.lower())


def _sample_cells(cells: Sequence[str | None]) -> tuple[str, ...]:
    return tuple(list(dict.fromkeys(it for it in cells if it))[:_SHOWN])


def _sample(cells: Sequence[str | None]) -> str:
    return ", ".join(it[:30] for it in _sample_cells(cells)) or "nothing"
