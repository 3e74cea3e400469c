"""Finds the case that a report is about, and says which border it crosses on its way there."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.cases.core.act import procedure_of
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.repository import lock_case
from gridsvc.city import City
from gridsvc.city.classes import STANDARD, ClassKey
from gridsvc.city.merging import ANY, DISTANCES, GENERIC_PLACES, ClassDistance
from gridsvc.city.procedures.model import Procedure
from gridsvc.registry.placement.model import Placement
from gridsvc.registry.placement.service import place
from gridsvc.registry.placement.store import Atlas
from gridsvc.settings import Settings

#: Event classes of these majors are "the part class of the same number, out of order".
_PART_MAJORS = ("01", "02", "03", "04", "05")


@dataclass(frozen=True, slots=True)
class MatchCriteria:
    """What a report is about, as far as it takes to find its case.

    ``kinds`` are those under which the class's code means the same; ``within_m`` is how far this
    report looks, ``widest_m`` how far any of its class does, ``text_within_m`` how far apart two
    points with one place text may be. ``districts`` are those whose cases it may join: its own
    (``district``), and those across a near border. ``responsible`` is who answers for it.
    """

    key: ClassKey
    kinds: tuple[str, ...]
    lon: float
    lat: float
    within_m: float
    widest_m: float
    text_within_m: float
    district: str
    districts: tuple[str, ...]
    part_code: str | None
    place_key: str | None
    responsible: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A case about the same thing, perhaps: its point in WGS84, and what speaks for it."""

    district_code: str
    id: uuid.UUID
    key: ClassKey
    state: str
    lead_body: str
    part_code: str | None
    lon: float
    lat: float
    distance_m: float
    same_text: bool
    procedure: str
    procedure_version: int

    def why(self, criteria: MatchCriteria) -> tuple[str, ...]:
        """``part``, ``place_text`` and ``distance``, as far as they hold."""
        reasons = []
        if self.same_part(criteria):
            reasons.append("part")
        if self.same_text and self.distance_m <= criteria.text_within_m:
            reasons.append("place_text")
        if self.same_class(criteria) and self.distance_m <= criteria.within_m:
            reasons.append("distance")
        return tuple(reasons)

    def same_part(self, criteria: MatchCriteria) -> bool:
        """Whether the case is about the part that the report names."""
        return (
            criteria.part_code is not None
            and self.part_code == criteria.part_code
            and self.district_code == criteria.district
        )

    def same_class(self, criteria: MatchCriteria) -> bool:
        """Whether the classes mean the same."""
        return (self.key.standard, self.key.code) == (
            criteria.key.standard,
            criteria.key.code,
        ) and (self.key.kind in criteria.kinds)

    def to_json(self, criteria: MatchCriteria) -> dict[str, Any]:
        """``{case_id, district_code, lead_body, distance_m, why}``."""
        return {
            "case_id": str(self.id),
            "district_code": self.district_code,
            "lead_body": self.lead_body,
            "distance_m": round(self.distance_m, 1),
            "why": list(self.why(criteria)),
        }


def ranked(candidates: Iterable[Candidate], criteria: MatchCriteria) -> list[Candidate]:
    """The same part first, then the same place text, then the nearest."""
    order = ("part", "place_text")

    def rank(candidate: Candidate) -> tuple[int, float, str]:
        why = candidate.why(criteria)
        best = next((n for n, reason in enumerate(order) if reason in why), len(order))
        return best, candidate.distance_m, str(candidate.id)

    return sorted(candidates, key=rank)


@dataclass(frozen=True, slots=True)
class Crossing:
    """The border between a report and its case: of a ``district`` or a ``street``, both codes."""

    level: str
    from_code: str
    to_code: str

    def to_json(self) -> dict[str, Any]:
        """``{level, from, to}``."""
        return {"level": self.level, "from": self.from_code, "to": self.to_code}


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a report looks for cases, and the farthest that any report of its class looks."""

    within_m: float
    widest_m: float


def reach_of(
    key: ClassKey, settings: Settings, table: Sequence[ClassDistance], *, exact: bool
) -> Reach:
    """How far a report of a class looks; the settings speak where no line of the table does."""

    def fits(line: ClassDistance) -> bool:
        return line.kind in (ANY, key.kind) and key.code.startswith(line.class_prefix)

    line = next(filter(fits, table), None) or ClassDistance(
        ANY, "", settings.merge_within_m, settings.merge_exact_within_m
    )
    widest = max(line.citizen_m, line.exact_m)
    return Reach(line.exact_m if exact else line.citizen_m, widest)


def kinds_of(key: ClassKey) -> tuple[str, ...]:
    """The kinds under which a code means the same thing.

    In the list of 2026 an event of the majors 01 to 05 is the part of the same number out of
    order; in older lists the same digits mean different things.
    """
    if key.standard == STANDARD and key.code[:2] in _PART_MAJORS:
        return ("event", "part")
    return (key.kind,)


def criteria_of(
    city: City,
    placement: Placement,
    *,
    key: ClassKey,
    part_code: str | None,
    place_text: str | None,
    responsible: str,
    exact: bool,
) -> MatchCriteria:
    """What a placed report is about; ``exact``: whoever reports it is at the place."""
    if placement.district is None:
        raise AssertionError("a placement inside the city has a district")
    district = placement.district.code
    reach = reach_of(key, city.settings, city.table(DISTANCES), exact=exact)
    generic = city.table(GENERIC_PLACES)
    return MatchCriteria(
        key=key,
        kinds=kinds_of(key),
        lon=placement.lon,
        lat=placement.lat,
        within_m=reach.within_m,
        widest_m=reach.widest_m,
        text_within_m=city.settings.merge_text_within_m,
        district=district,
        districts=_districts(placement, district),
        part_code=part_code,
        place_key=place_key(place_text, placement, generic),
        responsible=responsible,
    )


def join_first(
    session: Session, city: City, candidates: Sequence[Candidate], criteria: MatchCriteria
) -> tuple[Case, Candidate] | None:
    """The first open case about the same thing, locked; None where there is none."""
    for candidate in ranked(candidates, criteria):
        procedure = city.procedures.get(candidate.procedure, candidate.procedure_version)
        if reason_not_joined(candidate, criteria, procedure) is not None:
            continue
        case = lock_case(session, candidate.id)
        if case.state == "open" and procedure_of(city, case).merges:
            return case, candidate
    return None


def reason_not_joined(
    candidate: Candidate, criteria: MatchCriteria, procedure: Procedure
) -> str | None:
    """Why a report does not join an open case that runs by a procedure; None where it does.

    Two parts are two things, however close. One part is one thing where the class is the same,
    or where the same body answers: it goes there once. Without a part, the class is the same,
    and the place by its text or by its distance.
    """
    if not procedure.merges:
        return f"it runs by '{procedure.name}', which takes one report"
    why = candidate.why(criteria)
    if criteria.part_code is not None and candidate.part_code is not None and "part" not in why:
        return f"it is about part {candidate.part_code} of {candidate.district_code}"
    if "part" in why:
        if candidate.same_class(criteria) or candidate.lead_body == criteria.responsible:
            return None
        return f"it is about class {candidate.key.code}, for which {candidate.lead_body} answers"
    if not candidate.same_class(criteria):
        return f"it is about class {candidate.key.code}"
    return None if why else f"it lies {candidate.distance_m:,.0f} m away"


def crossing(atlas: Atlas, placement: Placement, candidate: Candidate) -> Crossing | None:
    """The border between a report's place and its case's; None where both lie in one street.

    A district's border is named where there is one, else the street's.
    """
    if placement.district is None:
        raise AssertionError("a placement inside the city has a district")
    if candidate.district_code != placement.district.code:
        return Crossing("district", placement.district.code, candidate.district_code)
    there = place(atlas, candidate.lon, candidate.lat, 0.0).street
    if there is None or placement.street is None or there.code == placement.street.code:
        return None
    return Crossing("street", placement.street.code, there.code)


def _districts(placement: Placement, own: str) -> tuple[str, ...]:
    """The districts whose cases a report here may join: its own, and across a near border."""
    if placement.border is None or "district" not in placement.border.near_levels:
        return (own,)
    return (own, *(n.code for n in placement.border.neighbours if n.level == "district"))


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
