"""Reads an address out of a place text: one form for its many spellings, and how two compare."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from gridsvc.registry.placement.model import Placement

#: Traditional characters of addresses, and other ways to write a character.
_VARIANTS = str.maketrans(
    "號樓棟單層門區東廣場橋園衚衕裡裏車鋪閣馬龍蘭學醫廠棧灣莊鄉鎮縣國華寶觀環線來興〇两"
    "長萬鐵鋼電紅蓮榮業關開陽陰豐臺嶺濱順義懷雲慶壇廟宮會館書報飯點術藝體質橫縱頭舊塊處際麗愛歡樂壽聖賢達遠運連進趙劉陳張楊鄭",
    "号楼栋单层门区东广场桥园胡同里里车铺阁马龙兰学医厂栈湾庄乡镇县国华宝观环线来兴零二"
    "长万铁钢电红莲荣业关开阳阴丰台岭滨顺义怀云庆坛庙宫会馆书报饭点术艺体质横纵头旧块处际丽爱欢乐寿圣贤达远运连进赵刘陈张杨郑",
)
_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")}
_UNITS = {"十": 10, "百": 100}
#: A number before one of these counts houses, buildings, doors or floors.
_COUNTED = "号栋幢座楼单门层院排室户弄条"
_CHINESE_NUMBER = re.compile(rf"[零一二三四五六七八九十百]+(?=[{_COUNTED}])")
#: What says where somebody is, not which place it is; "opposite" is another place.
_TAIL = re.compile(
    r"(?:的?(?:附近|旁边|大?门口|门前|周边|一带|(?<=[院楼区园厦])内|(?<=[\d号楼院口])处))+$"
)
_SAME_WORD = (("号楼", "楼"), ("栋楼", "楼"), ("幢楼", "楼"), ("座楼", "楼"), ("号院", "院"))
_BUILDING = str.maketrans("栋幢座", "楼楼楼")
_BARE = re.compile(rf"[\d{_COUNTED}元之a-z-]*")
_MOST = 80


def normalised(text: str, *, district: str = "", street: str = "") -> str:
    """One form of an address: width, case, spaces, digits, variants, suffixes; may be empty.

    The names of the ``district`` and ``street`` that the point lies in are taken off the front:
    ``北京市西城区 廣安門外大街１２號樓 附近`` and ``广安门外大街十二栋`` have the same form.
    """
    plain = _plain(text)
    if name := _plain(district):
        plain = re.sub(f"^.{{0,5}}?{re.escape(name)}(?=.)", "", plain)
    plain = re.sub("^北京市(?=.)", "", plain)
    if name := _plain(street):
        plain = re.sub(f"^{re.escape(name)}(?:办事处)?(?=.)", "", plain)
    plain = _CHINESE_NUMBER.sub(lambda found: str(_number(found[0])), plain)
    plain = _TAIL.sub("", plain)
    for said, once in _SAME_WORD:
        plain = plain.replace(said, once)
    plain = plain.translate(_BUILDING)
    plain = re.sub(r"\d+", lambda found: found[0].lstrip("0") or "0", plain)
    # A house number is written with 号 or without.
    return re.sub(r"(?<=\d)号$", "", plain)


def place_key(text: str | None, placement: Placement, generic: re.Pattern[str]) -> str | None:
    """What two reports share when they name the same place; None where the text names none.

    A name counts inside one street. A bare number, such as ``12号楼``, is nobody's name: it
    counts inside one community. ``generic`` finds the words that name no place by themselves.
    """
    if not text:
        return None
    plain = normalised(
        text,
        district="" if placement.district is None else placement.district.name,
        street="" if placement.street is None else placement.street.name,
    )
    said = generic.sub("", plain)
    if len(said) < 2 and not any(character.isdigit() for character in said):
        return None
    bare = _BARE.fullmatch(said) is not None
    area = placement.community if bare else placement.street
    if area is None:
        return None
    form = read_address((said if bare else plain)[:_MOST]).form()
    return f"{area.code}:{form[:_MOST]}"


def _plain(text: str) -> str:
    """Width, case and variants made one; spaces and punctuation gone, but for hyphens."""
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_VARIANTS)
    plain = re.sub(r"(?<=\d)#", "号", plain)
    return "".join(character for character in plain if character.isalnum() or character == "-")


def _number(written: str) -> int:
    """A Chinese number below 1000, or digits read one by one (``一二零``)."""
    if not any(character in _UNITS for character in written):
        return int("".join(str(_DIGITS[character]) for character in written))
    total, digit = 0, 0
    for character in written:
        if character in _UNITS:
            total += (digit or 1) * _UNITS[character]
            digit = 0
        else:
            digit = _DIGITS[character]
    return total + digit


class Compared(Enum):
    """What two addresses say of the places that bear them."""

    #: One building or door, though one may name a unit, a room or a thing beside it as well.
    SAME = "same"
    #: One road or compound, of which one names no door.
    WIDER = "wider"
    #: Neither names anything else: one names a road where the other names a compound.
    OPEN = "open"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Address:
    """What a form names: roads, compounds, the number at each level, what is told beside it.

    ``numbers`` are pairs of a level (号 door, 楼 building, 单元, 层 floor, 室 room, 排 row, 侧 gate
    or side) and the number there. ``opposite``: the place is across the road.
    """

    roads: frozenset[str]
    compounds: frozenset[str]
    numbers: frozenset[tuple[str, str]]
    beside: str
    opposite: bool

    def form(self) -> str:
        """The one way to write it, which reads as the same address again."""
        numbers = dict(self.numbers)

        def at(level: str) -> str:
            return f"{numbers[level]}{level}" if level in numbers else ""

        building, inside = ("".join(map(at, levels)) for levels in (_BUILDING_LEVELS, _INSIDE))
        names = [_AND.join(sorted(named)) for named in (self.roads, self.compounds)]
        gate = f"{numbers['侧']}门" if "侧" in numbers else ""
        across = "对面" * self.opposite
        return f"{names[0]}{at('号')}{names[1]}{building}{inside}{self.beside}{gate}{across}"


#: A word behind a number, and its level; what has no level is part of a name (东四10条, 2区).
_LEVELS = dict(
    zip(
        "号院弄楼门层室户房排",
        ("号", "号", "号", "楼", "单元", "层", "室", "室", "室", "排"),
        strict=True,
    )
) | {"单元": "单元"}
_LEVELLED = "|".join(sorted(_LEVELS, key=len, reverse=True))
_NUMBER = re.compile(
    rf"([甲乙丙丁]?\d+(?:-\d+)*[a-z]?|(?<![a-z])[a-z](?=楼|单元|门))({_LEVELLED}|$)"
)
#: A number without a word behind another level: 3楼502 is a room, 3-2-502 all three.
_BEHIND = {"楼": "室", "单元": "室", "层": "室"}
_DASHED = {2: ("楼", "室"), 3: ("楼", "单元", "室")}
_GATE = re.compile(r"([东南西北]{1,2})(?:大?门|口|侧)$")
_OPPOSITE = re.compile("(?:马路)?(?:正|斜)?对(?:面|过)")
_BUILDING_LEVELS, _INSIDE = ("排", "楼"), ("单元", "层", "室")
_DOOR = ("号", *_BUILDING_LEVELS)
_AND = "与"
_CROSSING = re.compile("与|和|及|交叉路口|交叉口|十字路口|路口|交汇处|、")
_ROAD = re.compile(r"(?:路|街|巷|胡同|道|条|桥|环|线|弄)$")
_BEHIND_ROAD = re.compile(r"^.{1,8}(?:路|街|巷|胡同|道)(?=.{3})")
_ESTATE = re.compile(r"(?<=..)(?:小区|社区|家属院)$")


def compare(one: str, other: str) -> Compared:
    """How the addresses of two place keys compare."""
    if one == other:
        return Compared.SAME
    (area, first), (other_area, second) = _read(one), _read(other)
    roads, compounds = _related(first, second)
    if False in (roads, compounds) or first.opposite != second.opposite:
        return Compared.OTHER
    bare = not (first.roads | first.compounds) or not (second.roads | second.compounds)
    if (roads or compounds or bare) and _contradict(first.numbers, second.numbers):
        return Compared.OTHER
    if area == other_area and _names_one_door(first, second):
        return Compared.SAME
    return Compared.WIDER if roads or compounds else Compared.OPEN


def closer(key: str, than: str | None) -> bool:
    """Whether an address names a door where another, with which it agrees, names none."""
    if than is None:
        return True
    (area, one), (other_area, other) = _read(key), _read(than)
    levels = {level for level, _ in other.numbers}
    return (
        area == other_area
        and not levels.intersection(_DOOR)
        and not {level for level, _ in one.numbers}.isdisjoint(_DOOR)
        and other.roads <= one.roads
        and other.compounds <= one.compounds
        and compare(key, than) in (Compared.WIDER, Compared.OPEN)
    )


def door_of(key: str) -> str | None:
    """The key of the door or building in a place key; None where it names none.

    What is inside of it (unit, floor, room) or beside it is left out: whoever lives there names one
    roof.
    """
    area, address = _read(key)
    kept = frozenset(pair for pair in address.numbers if pair[0] in _DOOR)
    if not kept:
        return None
    door = Address(address.roads, address.compounds, kept, "", address.opposite)
    return f"{area}:{door.form()}"


def same_door(one: str, other: str) -> bool:
    """Whether two keys of :func:`door_of` that are written differently can name one door.

    One may tell the road before the compound as well, or lie on the other side of a street's
    border, or give the number alone; a number that both give is the same, and there is one.
    """
    first, second = _read(one)[1], _read(other)[1]
    numbers, others = dict(first.numbers), dict(second.numbers)
    if names_nothing_else(one) or names_nothing_else(other):
        # 3号 alone is read as 3号楼, and may be a door of a lane, or the last of 12号院3号楼.
        return first.opposite == second.opposite and _last(numbers) == _last(others)
    if compare(one, other) is Compared.OTHER and not _road_before(first, second):
        return False
    levels = numbers.keys() & others.keys()
    return bool(levels) and all(numbers[level] == others[level] for level in levels)


def _last(numbers: dict[str, str]) -> str | None:
    """The number of the building, else of the door."""
    return next((numbers[level] for level in ("楼", "排", "号") if level in numbers), None)


def _road_before(first: Address, second: Address) -> bool:
    """Whether both name one compound, of which one tells the road before: 广安路红莲北里."""
    if first.opposite != second.opposite or first.roads != second.roads:
        return False
    one, other = (
        {behind for name in it.compounds for behind in (name, _BEHIND_ROAD.sub("", name))}
        for it in (first, second)
    )
    return not one.isdisjoint(other)


def names_nothing_else(key: str) -> bool:
    """Whether a key is a bare number, which many doors have."""
    address = _read(key)[1]
    return not (address.roads or address.compounds)


def door_range(key: str) -> tuple[str, str]:
    """Between which keys, the second left out, all those at one door or building sort.

    By code points. A key that names no door stands alone.
    """
    door = door_of(key)
    if door is None or _read(key)[1].opposite:
        return key, key + "\1"
    return door, door + "\U0010ffff"


def _names_one_door(first: Address, second: Address) -> bool:
    """Whether two that do not contradict each other name one door, one of them more closely."""
    if (first.roads, first.compounds) != (second.roads, second.compounds):
        return False
    if "" not in (first.beside, second.beside) and first.beside != second.beside:
        return False
    doors = [{pair for pair in one.numbers if pair[0] in _DOOR} for one in (first, second)]
    return doors[0] == doors[1] and (bool(doors[0]) or first == second)


def _related(first: Address, second: Address) -> tuple[bool | None, bool | None]:
    """Whether the roads and the compounds of two are the same; None where one names none."""
    pairs = ((first.roads, second.roads), (first.compounds, second.compounds))
    roads, compounds = (_meet(*pair) if all(pair) else None for pair in pairs)
    return roads, compounds


def _meet(names: Iterable[str], others: frozenset[str]) -> bool:
    """Whether one of the names is the other's beginning: 红莲北里 and 红莲北里东区."""
    return any(a.startswith(b) or b.startswith(a) for a in names for b in others)


def _contradict(numbers: frozenset[tuple[str, str]], others: frozenset[tuple[str, str]]) -> bool:
    known = dict(others)
    return any(known.get(level, number) != number for level, number in numbers)


@lru_cache(maxsize=4_096)
def _read(key: str) -> tuple[str, Address]:
    """The area of a place key, and its address."""
    area, _, plain = key.partition(":")
    return area, read_address(plain)


def read_address(plain: str) -> Address:
    """What a form names."""
    opposite = _OPPOSITE.search(plain) is not None
    plain = _OPPOSITE.sub("", plain)
    numbers: dict[str, str] = {}
    if gate := _GATE.search(plain):
        numbers["侧"] = gate[1]
        plain = plain[: gate.start()]
    names: list[str] = []
    beside, end, last = "", 0, ""
    for found in _NUMBER.finditer(plain):
        names.append(plain[end : found.start()])
        end = found.end()
        for level, number in _levels(found[1], found[2], last):
            numbers.setdefault(level, number)
            last = level
    if numbers and last:
        beside = plain[end:]
    else:
        names.append(plain[end:])
    said = [_ESTATE.sub("", part) for name in names for part in _CROSSING.split(name)]
    roads = frozenset(name for name in said if _ROAD.search(name))
    compounds = frozenset(name for name in said if name and name not in roads)
    if not roads and "号" in numbers and "楼" not in numbers:
        # Inside a compound, 3号 is how people say 3号楼.
        numbers["楼"] = numbers.pop("号")
    return Address(roads, compounds, frozenset(numbers.items()), beside, opposite)


def _levels(number: str, word: str, last: str) -> Iterable[tuple[str, str]]:
    if word:
        return [(_LEVELS[word], number)]
    if len(parts := number.split("-")) in _DASHED and not last:
        return list(zip(_DASHED[len(parts)], parts, strict=True))
    return [(_BEHIND.get(last, "号"), number)]
