"""The rule of who answers: the asset's owner, an agreement, the duty list, the territory. Pure.

Whoever asks brings the lines that fit: one look-up by a query, many at once by :class:`Lists`.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gridsvc.city.classes import ClassKey


class Ground(StrEnum):
    """Why a body answers, in the order in which the grounds are asked."""

    ASSET_OWNER = "asset_owner"
    AGREEMENT = "agreement"
    DUTY = "duty"
    TERRITORY = "territory"


@dataclass(frozen=True, slots=True)
class AssetOwner:
    """The bodies that answer for a part."""

    part_code: str
    owner_body: str | None
    maintainer_body: str | None
    competent_body: str


@dataclass(frozen=True, slots=True)
class ListedDuty:
    """One line of a duty list or an agreement that fits a place and a class.

    ``since`` is the first day of an agreement, None in a duty list and in a draft.
    """

    body_code: str
    role: str
    clause: str
    area_code: str
    class_prefix: str
    since: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The ground, the lead, its assistants (each once, never the lead), and the clause."""

    ground: Ground
    lead: str
    assist: tuple[str, ...]
    clause: str


def narrowest_first(lines: Iterable[ListedDuty]) -> list[ListedDuty]:
    """Lines in the order in which they count.

    The narrowest class comes first, then the narrowest area, the newest agreement (a draft before
    all), and the smallest code of a body.
    """

    def place(line: ListedDuty) -> tuple[int, int, int, str]:
        newest = -(line.since or dt.date.max).toordinal()
        return -len(line.class_prefix), -len(line.area_code), newest, line.body_code

    return sorted(lines, key=place)


def choose(
    asset: AssetOwner | None,
    agreed: Iterable[ListedDuty],
    listed: Iterable[ListedDuty],
    territory_code: str,
) -> Choice:
    """Who answers, by the lines of agreements and of duty lists that fit, in any order."""
    if asset is not None and asset.owner_body is not None:
        others = [asset.maintainer_body, asset.competent_body]
        return Choice(
            Ground.ASSET_OWNER,
            asset.owner_body,
            _helpers(asset.owner_body, [code for code in others if code]),
            f"owner of part {asset.part_code} in the register",
        )
    in_order = narrowest_first(agreed), narrowest_first(listed)
    assist = [line.body_code for lines in in_order for line in lines if line.role == "assist"]
    for ground, lines in zip((Ground.AGREEMENT, Ground.DUTY), in_order, strict=True):
        lead = next((line for line in lines if line.role == "lead"), None)
        if lead is not None:
            return Choice(ground, lead.body_code, _helpers(lead.body_code, assist), lead.clause)
    return Choice(
        Ground.TERRITORY,
        territory_code,
        _helpers(territory_code, assist),
        "no list names a body for this class here: the territory coordinates (属地兜底)",
    )


def territory_of(district: str | None, street: str | None) -> str:
    """The street office of a place; where no street is drawn, the district's management."""
    if street is not None:
        return street
    return f"{district}-CGW" if district is not None else ""


def speaking_areas(codes: Iterable[str | None]) -> list[str]:
    """The areas whose duty lists speak about a place of these areas, from wide to narrow."""
    drawn = [code for code in codes if code is not None]
    return [drawn[0][:2], drawn[0][:4], *drawn] if drawn else []


def _helpers(lead: str, codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(code for code in dict.fromkeys(codes) if code != lead)


@dataclass(frozen=True, slots=True)
class Line:
    """A whole line of a duty list, also one that is only thought of."""

    id: uuid.UUID
    body_code: str
    area_code: str
    standard: str
    kind: str
    class_prefix: str
    role: str
    clause: str
    valid_from: dt.date
    valid_to: dt.date | None

    def holds(self, day: dt.date) -> bool:
        """Whether it holds on a day."""
        return self.valid_from <= day and (self.valid_to is None or self.valid_to > day)


@dataclass(frozen=True, slots=True)
class Site:
    """What decides about a place: its areas, the agreements in whose zones it lies, the part."""

    district: str | None
    street: str | None
    community: str | None
    agreements: frozenset[uuid.UUID]
    asset: AssetOwner | None


#: Of a class: its standard and kind.
_Kind = tuple[str, str]


class Lists:
    """The lines of duty lists and agreements that hold on one day, asked about many places."""

    def __init__(
        self,
        listed: Iterable[Line],
        agreed: Mapping[uuid.UUID, Sequence[tuple[_Kind, ListedDuty]]],
    ) -> None:
        self._listed: dict[tuple[str, _Kind, str], list[ListedDuty]] = defaultdict(list)
        for line in listed:
            fits = line.area_code, (line.standard, line.kind), line.class_prefix
            self._listed[fits].append(
                ListedDuty(
                    line.body_code, line.role, line.clause, line.area_code, line.class_prefix
                )
            )
        self._agreed = agreed
        #: The areas that any line names.
        self.areas = frozenset(area for area, _, _ in self._listed)

    def choice(self, site: Site, key: ClassKey) -> Choice:
        """Who answers for a class at a place."""
        kind = key.standard, key.kind
        prefixes = [key.code[:digits] for digits in range(len(key.code) + 1)]
        listed = [
            line
            for area in speaking_areas((site.district, site.street, site.community))
            for prefix in prefixes
            for line in self._listed.get((area, kind, prefix), ())
        ]
        agreed = [
            line
            for agreement in site.agreements
            for its_kind, line in self._agreed.get(agreement, ())
            if its_kind == kind and key.code.startswith(line.class_prefix)
        ]
        territory = territory_of(site.district, site.street)
        return choose(site.asset, agreed, listed, territory)
