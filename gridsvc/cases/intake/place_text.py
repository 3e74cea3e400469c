"""The place as people write it: one form for the many ways to write one address."""

from __future__ import annotations

import re
import unicodedata

from gridsvc.registry.placement.model import Placement

__all__ = ["normalised", "place_key"]

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
#: What says where somebody stands, not which place it is; "opposite" is another place.
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
    if name := _plain(street):
        plain = re.sub(f"^{re.escape(name)}(?:办事处)?(?=.)", "", plain)
    plain = re.sub("^北京市(?=.)", "", plain)
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
    area = placement.community if _BARE.fullmatch(said) else placement.street
    return None if area is None else f"{area.code}:{plain[:_MOST]}"


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
