"""Area codes, unit-grid and part codes, and their national ids: parse, check, build.

Area codes nest by prefix: 6 digits a district, 9 a street or town, 12 a community or village.

The service's own codes have 8 digits, ``SSS NNNNN``: the last three digits of the street's code
when the code was given, then 00001-09999 for a unit grid or 10000-99999 for a part. A city that
has its own 8-digit codes keeps them, so :class:`LocalCode` reads any 8 digits; only codes made
here promise that the number tells a grid from a part.

National ids, told apart by their length:

====== ===== ================================================== ==========================
digits what  composition                                        standard
====== ===== ================================================== ==========================
14     grid  6 district + 3 street + 3 community + 2 serial     the standard of 2013
15     grid  6 district + 3 street + 3 community + 3 serial     DB11/T 2157-2023,
                                                                GB/T 47678.3-2026
16     part  6 district + 2 major + 2 minor class + 6 serial    GB/T 30428.2-2013
17     part  6 district + 2 major + 3 minor class + 6 serial    GB/T 47678.5-2026
====== ===== ================================================== ==========================

Codes are identities. They are strings, never numbers, and only the ASCII digits 0-9 count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from gridsvc.errors import BadCode, CodesExhausted

_FIRST_GRID, _LAST_GRID = 1, 9_999
_FIRST_PART, _LAST_PART = 10_000, 99_999


class Level(StrEnum):
    """The three levels of areas, from wide to narrow, as every city of the country codes them.

    A city without districts is one district.
    """

    DISTRICT = "district"
    STREET = "street"
    COMMUNITY = "community"

    @property
    def digits(self) -> int:
        """How many digits a code of this level has."""
        return _DIGITS[self]


class Thing(StrEnum):
    """What an 8-digit code or a national id names."""

    UNIT_GRID = "unit_grid"
    PART = "part"


class CodeKind(StrEnum):
    """The five codes that a look-up takes, told apart by their length."""

    LOCAL = "local"
    GRID_2013 = "grid_2013"
    GRID_2026 = "grid_2026"
    PART_2013 = "part_2013"
    PART_2026 = "part_2026"


_DIGITS = {Level.DISTRICT: 6, Level.STREET: 9, Level.COMMUNITY: 12}
_LEVELS = {digits: level for level, digits in _DIGITS.items()}
_KINDS = {
    8: CodeKind.LOCAL,
    14: CodeKind.GRID_2013,
    15: CodeKind.GRID_2026,
    16: CodeKind.PART_2013,
    17: CodeKind.PART_2026,
}


def level_of(code: str) -> Level:
    """Tell the level of the area ``code``.

    Raises BadCode for anything but 6, 9 or 12 digits, and for a code filled up with zeros
    (``110101000000``), which statistics write for a district but which names no community.
    """
    if re.fullmatch("[0-9]+", code) is None or len(code) not in _LEVELS:
        raise BadCode(
            f"{code!r} is not an area code; give 6 digits for a district, 9 for a street or town,"
            " 12 for a community or village."
        )
    for length in (9, 12):
        if len(code) >= length and code[length - 3 : length] == "000":
            raise BadCode(
                f"{code!r} is padded with zeros; write {code[: length - 3]!r}, the code of the"
                f" {_LEVELS[length - 3]} itself."
            )
    return _LEVELS[len(code)]


def parent_of(code: str) -> str | None:
    """Give the code of the area above: a community's street, a street's district, else None.

    Raises BadCode when ``code`` is not an area code.
    """
    return None if level_of(code) is Level.DISTRICT else code[:-3]


def covers(prefix: str, code: str) -> bool:
    """Whether the area ``prefix`` is ``code`` or holds it, by the nesting of the codes alone.

    Raises BadCode when either is not an area code.
    """
    level_of(prefix)
    level_of(code)
    return code.startswith(prefix)


def kind_of(code: str) -> CodeKind:
    """Which of the five codes ``code`` is, by its length; raises BadCode if none."""
    if re.fullmatch("[0-9]+", code) is None or len(code) not in _KINDS:
        raise BadCode(
            f"{code!r} is not the code of a unit grid or part; give 8 digits, or a national id of"
            " 14 or 15 digits (grid), 16 or 17 digits (part)."
        )
    return _KINDS[len(code)]


def _check_area(code: str, level: Level) -> None:
    if level_of(code) is not level:
        raise BadCode(
            f"{code!r} is the code of a {level_of(code)}; the code of a {level} is needed here,"
            f" with {level.digits} digits."
        )


def _check_number(what: str, number: int, low: int, high: int) -> None:
    if not low <= number <= high:
        raise BadCode(f"The {what} {number} is outside {low}-{high}; give a number in that range.")


@dataclass(frozen=True, slots=True)
class LocalCode:
    """An 8-digit code of this service: three digits of a street and a number below it.

    ``str()`` gives the 8 digits. Raises BadCode when a piece does not fit.
    """

    street: str
    number: int

    def __post_init__(self) -> None:
        if re.fullmatch("[0-9]{3}", self.street) is None:
            raise BadCode(
                f"{self.street!r} cannot begin an 8-digit code; give the last three digits of the"
                " street's code."
            )
        _check_number("number of an 8-digit code", self.number, 0, _LAST_PART)

    def __str__(self) -> str:
        return f"{self.street}{self.number:05d}"

    @property
    def thing(self) -> Thing:
        """What the number says in a code made here; an imported code may say otherwise."""
        return Thing.UNIT_GRID if self.number <= _LAST_GRID else Thing.PART


def next_local_code(street_code: str, thing: Thing, highest: int | None) -> LocalCode:
    """Give the next free code of a grid or part in the street with the 9-digit ``street_code``.

    ``highest`` is the highest number ever given there for such a thing, void codes too, because
    no code is used again; None when there is none. Raises BadCode when ``street_code`` is no
    street or ``highest`` is out of the thing's range, CodesExhausted when none is left.
    """
    _check_area(street_code, Level.STREET)
    if thing is Thing.UNIT_GRID:
        first, last, name = _FIRST_GRID, _LAST_GRID, "unit grids"
    else:
        first, last, name = _FIRST_PART, _LAST_PART, "parts"
    if highest is not None:
        _check_number(f"highest number of {name}", highest, first, last)
    number = first if highest is None else highest + 1
    if number > last:
        raise CodesExhausted(
            f"Street {street_code} has given out all {last - first + 1:,} numbers for {name}, and"
            " a number is never used again; split the street into two codes, or import your own"
            f" 8-digit codes for the new {name}."
        )
    return LocalCode(street_code[6:], number)


@dataclass(frozen=True, slots=True)
class GridId:
    """The national identity of a unit grid: its 12-digit community and its serial, 1-999.

    Raises BadCode when the community is none or the serial is out of range.
    """

    community: str
    serial: int

    def __post_init__(self) -> None:
        _check_area(self.community, Level.COMMUNITY)
        _check_number("serial of a unit grid", self.serial, 1, 999)

    @property
    def national_2013(self) -> str | None:
        """The 14-digit id. None above serial 99: its two digits leave no room for more."""
        return f"{self.community}{self.serial:02d}" if self.serial <= 99 else None

    @property
    def national_2026(self) -> str:
        """The 15-digit id (DB11/T 2157-2023, GB/T 47678.3-2026)."""
        return f"{self.community}{self.serial:03d}"


@dataclass(frozen=True, slots=True)
class PartId:
    """The national identity of a part: district, major and minor class, serial 1-999999.

    The serial counts the parts of one class in one district. Raises BadCode when a piece does
    not fit.
    """

    district: str
    major: int
    minor: int
    serial: int

    def __post_init__(self) -> None:
        _check_area(self.district, Level.DISTRICT)
        _check_number("major class of a part", self.major, 1, 99)
        _check_number("minor class of a part", self.minor, 1, 999)
        _check_number("serial of a part", self.serial, 1, 999_999)

    @property
    def national_2013(self) -> str | None:
        """The 16-digit id. None for a minor class above 99, which the standard of 2013 lacks."""
        if self.minor > 99:
            return None
        return f"{self.district}{self.major:02d}{self.minor:02d}{self.serial:06d}"

    @property
    def national_2026(self) -> str:
        """The 17-digit id (GB/T 47678.5-2026)."""
        return f"{self.district}{self.major:02d}{self.minor:03d}{self.serial:06d}"


def part_id_of_class(district: str, class_code: str, serial: int) -> PartId:
    """Build the identity of a part whose class is the 5-digit code ``MMmmm`` of 2026.

    Raises BadCode when the class has another form or a piece does not fit.
    """
    if re.fullmatch("[0-9]{5}", class_code) is None:
        raise BadCode(
            f"{class_code!r} is not a class code of 2026; give 5 digits, two of the major class"
            " and three of the minor, as in '01002'."
        )
    return PartId(district, int(class_code[:2]), int(class_code[2:]), serial)


def parse_code(code: str) -> LocalCode | GridId | PartId:
    """Read a code of 8, 14, 15, 16 or 17 digits into its pieces.

    Raises BadCode when the length is another or the pieces do not fit (serial 0, class 0).
    """
    kind = kind_of(code)
    if kind is CodeKind.LOCAL:
        return LocalCode(code[:3], int(code[3:]))
    if kind in (CodeKind.GRID_2013, CodeKind.GRID_2026):
        return GridId(code[:12], int(code[12:]))
    return PartId(code[:6], int(code[6:8]), int(code[8:-6]), int(code[-6:]))
