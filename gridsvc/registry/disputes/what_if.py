"""What would change if a border moved or an agreement were signed. Writes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import shapely
from sqlalchemy.orm import Session

from gridsvc.city import City
from gridsvc.city.classes import ClassKey
from gridsvc.codes import Level, level_of
from gridsvc.errors import BadCode, BadGeometry, BadInput, NotFound, TooLarge
from gridsvc.registry.bodies.agreements import AgreementDraft, check_draft, drafted_duties
from gridsvc.registry.bodies.repository import BodyRef
from gridsvc.registry.bodies.rule import AssetOwner
from gridsvc.registry.bodies.service import find_responsible
from gridsvc.registry.disputes import what_if_repository as repository
from gridsvc.registry.editions.repository import named_areas
from gridsvc.registry.editions.service import edition_in_force
from gridsvc.registry.placement.model import AreaRef, Placement
from gridsvc.registry.placement.service import place
from gridsvc.registry.placement.store import Atlas
from gridsvc.spatial.moves import Moves, Redrawn, holder_at, moved_ground, redrawn
from gridsvc.spatial.reading import features_of, read_footprint


@dataclass(frozen=True, slots=True)
class Answer:
    """Who has a place and who answers for a class there, before and afterwards."""

    from_: str | None
    to: str | None
    before: BodyRef | None
    after: BodyRef | None

    @property
    def changed(self) -> bool:
        """Whether the place changes sides, or another body answers."""
        return self.from_ != self.to or self.before != self.after


@dataclass(frozen=True, slots=True)
class Change:
    """A proposal, ready to be asked about places: the ground that it touches, and the day.

    ``before`` and ``after`` are name and geometry of the areas around, by code; ``moves`` and
    ``redrawn`` are None for an agreement, which moves no border.
    """

    level: str
    edition_id: str
    day: dt.date
    region: Any
    before: dict[str, tuple[str, Any]]
    after: dict[str, tuple[str, Any]]
    moves: Moves | None
    redrawn: Redrawn | None
    draft: AgreementDraft | None

    def name(self, code: str | None) -> dict[str, str] | None:
        """``{code, name}`` of an area; None for nobody."""
        if code is None:
            return None
        named = self.after.get(code) or self.before.get(code)
        return {"code": code, "name": "" if named is None else named[0]}


def change_of_border(session: Session, city: City, move: BorderMove, *, now: dt.datetime) -> Change:
    """What moves when areas are redrawn and the rest stays as it is in force.

    Raises NotFound when no edition of the level is in force.
    """
    edition = edition_in_force(session, move.level, now)
    drawn = shapely.union_all(list(move.areas.values()))
    known = named_areas(session, edition.id, codes=list(move.areas))
    ground = shapely.union_all([drawn, *(area for _, area in known.values())])
    before = named_areas(session, edition.id, touching=ground)
    after = dict(before)
    for code, geometry in move.areas.items():
        name = before[code][0] if code in before else move.names.get(code, "")
        after[code] = (name, geometry)
    was = {code: shapely.make_valid(area) for code, (_, area) in before.items()}
    then = {code: shapely.make_valid(area) for code, (_, area) in after.items()}
    drawn_anew = redrawn(was, then)
    return Change(
        level=move.level.value,
        edition_id=edition.id,
        day=city.day(now),
        region=drawn_anew.region,
        before=before,
        after=after,
        moves=moved_ground(was, then),
        redrawn=drawn_anew,
        draft=None,
    )


def change_of_agreement(session: Session, draft: AgreementDraft, *, now: dt.datetime) -> Change:
    """What a draft would change on its first day.

    Raises NotFound for unknown bodies and where no edition of streets is in force, BadInput.
    """
    check_draft(session, draft)
    edition = edition_in_force(session, "street", now)
    areas = named_areas(session, edition.id, touching=draft.zone)
    return Change(
        level="street",
        edition_id=edition.id,
        day=draft.valid_from,
        region=draft.zone,
        before=areas,
        after=areas,
        moves=None,
        redrawn=None,
        draft=draft,
    )


def answer_of(
    session: Session, atlas: Atlas, change: Change
) -> Callable[[float, float, ClassKey, AssetOwner | None], Answer]:
    """A function of a WGS84 point, a class and an asset's owner that says who has it and answers.

    Places that differ in nothing that counts are asked about once.
    """
    known: dict[tuple[Any, ...], Answer] = {}
    before = {code: area for code, (_, area) in change.before.items()}
    after = {code: area for code, (_, area) in change.after.items()}
    shapely.prepare([*before.values(), *after.values(), change.region])
    alike = not repository.agreements_on(session, change.region, change.day)

    def answer(lon: float, lat: float, key: ClassKey, asset: AssetOwner | None) -> Answer:
        point = shapely.Point(lon, lat)
        from_ = holder_at(before, point)
        to = holder_at(after, point)
        here = place(atlas, lon, lat, 0.0)
        codes = tuple(area and area.code for area in (here.district, here.street, here.community))
        inside = change.draft is not None and shapely.intersects(change.region, point)
        seen = (*codes, from_, to, inside, key, asset, None if alike else (lon, lat))
        if seen not in known:
            drafted = drafted_duties(change.draft, key) if change.draft and inside else []
            known[seen] = Answer(
                from_,
                to,
                _lead(session, here, key, asset, change.day, []),
                _lead(session, _moved(here, change, to), key, asset, change.day, drafted),
            )
        return known[seen]

    return answer


def _moved(here: Placement, change: Change, to: str | None) -> Placement:
    if change.moves is None:
        return here
    area = None if to is None else AreaRef(to, change.after[to][0])
    if change.level == "district":
        return here._replace(district=area)
    if change.level == "street":
        return here._replace(street=area)
    return here._replace(community=area)


def _lead(
    session: Session,
    here: Placement,
    key: ClassKey,
    asset: AssetOwner | None,
    day: dt.date,
    drafted: Sequence[Any],
) -> BodyRef | None:
    try:
        return find_responsible(session, here, key=key, asset=asset, day=day, drafted=drafted).lead
    except NotFound:
        return None


_MAX_VERTICES = 200_000
_MAX_AREAS = 500


@dataclass(frozen=True, slots=True)
class BorderMove:
    """Areas of one level with the geometries (WGS84) that they would have."""

    level: Level
    areas: Mapping[str, Any]
    names: Mapping[str, str]


def read_border_move(geojson: Mapping[str, Any], crs: str = "wgs84") -> BorderMove:
    """The areas of a GeoJSON FeatureCollection or Feature, each with the property ``code``.

    Raises BadInput, BadCode, BadGeometry, TooLarge, UnknownCrs; each names the feature.
    """
    features = features_of(geojson, field="geojson")
    if len(features) > _MAX_AREAS:
        raise TooLarge(
            f"The GeoJSON holds {len(features):,} areas; ask about {_MAX_AREAS} at a time, or load"
            " them as a draft edition.",
            field="geojson",
        )
    areas: dict[str, Any] = {}
    names: dict[str, str] = {}
    for n, feature in enumerate(features):
        field = f"geojson.features.{n}"
        code = _code(feature, field)
        if code in areas:
            raise BadInput(
                f"The area {code} is drawn twice (feature {n}); join its parts in one"
                " MultiPolygon.",
                field=field,
            )
        geometry = feature.get("geometry")
        if not isinstance(geometry, Mapping):
            raise BadGeometry(
                f"The area {code} (feature {n}) has no geometry; to give its ground away, draw"
                " the areas that take it.",
                field=field,
            )
        drawn = read_footprint(
            geometry, crs, max_vertices=_MAX_VERTICES, field=field, subject=f"The area {code}"
        )
        areas[code] = drawn.geometry
        names[code] = str(feature["properties"].get("name") or "")
    levels = {level_of(code) for code in areas}
    if len(levels) > 1:
        raise BadInput(
            f"The areas are of several levels ({', '.join(sorted(levels))}); ask about one level"
            " at a time.",
            field="geojson",
        )
    return BorderMove(levels.pop(), areas, names)


def _code(feature: Any, field: str) -> str:
    properties = feature.get("properties") if isinstance(feature, Mapping) else None
    code = properties.get("code") if isinstance(properties, Mapping) else None
    if not isinstance(code, str):
        raise BadInput(
            "Send a GeoJSON FeatureCollection whose features have the property 'code', the code of"
            " their area as text.",
            field=field,
        )
    try:
        level_of(code)
    except BadCode as error:
        error.field = f"{field}.properties.code"
        raise
    return code
