"""Which members of two layers touch, overlap, cover or share each other."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.city import City
from gridsvc.codes import level_of
from gridsvc.errors import BadCode, BadInput, NotFound, QueryTooBroad
from gridsvc.layers.catalogue import AREA_LAYERS, LAYERS
from gridsvc.layers.model import Layer, at
from gridsvc.layers.relations import members, repository
from gridsvc.layers.relations.members import MemberSource
from gridsvc.layers.relations.model import (
    LayerName,
    LayerSide,
    Relation,
    UploadSide,
)
from gridsvc.layers.relations.repository import Deadline, MemberRow, OutOfTime
from gridsvc.layers.relations.schemas import (
    MemberAnswer,
    PairAnswer,
    RelationsAnswer,
    SideRelated,
)
from gridsvc.registry.editions import repository as editions
from gridsvc.registry.editions.models import EditionState
from gridsvc.registry.editions.service import edition_in_force
from gridsvc.spatial.ellipsoid import area_m2, length_m
from gridsvc.spatial.sharing import border_length_m, shares, size_of

#: Most pairs on one page.
MOST_PAIRS = 1000

_LAYERS = {name: layer for name in LayerName for layer in LAYERS if layer.name == name}
_FIRST_MEMBERS, _MOST_MEMBERS = 32, 4096
_COUNTING_S = 2.0


@dataclass(frozen=True, slots=True)
class _RelatedSide:
    name: str
    source: MemberSource
    words: str
    shown: dict[str, Any]
    members: int
    identity: tuple[str, ...]


def relate(
    session: Session,
    relation: Relation,
    a: LayerSide | UploadSide,
    b: LayerSide | UploadSide,
    *,
    city: City,
    now: dt.datetime,
    timeout_s: float,
    limit: int = 100,
    cursor: str | None = None,
    drafts: bool = False,
) -> RelationsAnswer:
    """The pairs that are in a relation, in the order of the first side, then of the second.

    Decided by PostGIS on whole geometries; ``cursor`` is ``next`` of the previous page. A layer
    without ``as_of`` or edition is that of ``now``, its days are those of ``city``. ``drafts``
    allows editions that were never in force. Raises BadInput, BadCode, NotFound, and QueryTooBroad
    when it takes longer than ``timeout_s`` seconds.
    """
    if not 1 <= limit <= MOST_PAIRS:
        raise BadInput(f"'limit' is {limit}; send 1 to {MOST_PAIRS}.", field="limit")
    after = _read_cursor(cursor)
    deadline = Deadline.after(timeout_s)
    one = _side(session, city, "a", a, now, drafts=drafts)
    other = _side(session, city, "b", b, now, drafts=drafts)
    if relation is Relation.SHARES:
        _check_areas_alone(one, a)
        _check_areas_alone(other, b)
    progress = _Progress()
    same = one.identity == other.identity
    try:
        with repository.within_time(session, deadline):
            if relation is Relation.SHARES:
                found = _shares(session, one, other, after, same, limit, deadline, progress)
            else:
                keys = _related(
                    session, relation, one, other, after, same, limit, deadline, progress
                )
                found = _measured(session, one, other, keys)
    except OutOfTime:
        raise _too_wide(session, relation, one, other, timeout_s, progress) from None
    page = found[:limit]
    return RelationsAnswer(
        relation=relation,
        a=SideRelated(**one.shown, members=one.members),
        b=SideRelated(**other.shown, members=other.members),
        pairs=[pair for _, pair in page],
        next=_write_cursor(page[-1][0]) if len(found) > limit else None,
    )


@dataclass(slots=True)
class _Progress:
    """How many members of the first side are done."""

    done: int = 0


_Keys = tuple[str, str]


def _related(
    session: Session,
    relation: Relation,
    one: _RelatedSide,
    other: _RelatedSide,
    after: _Keys,
    same: bool,
    limit: int,
    deadline: Deadline,
    progress: _Progress,
) -> list[_Keys]:
    """One pair more than the limit, if there are so many."""
    found: list[_Keys] = []
    first, size = after[0], _FIRST_MEMBERS
    while True:
        # One more than is looked at: where the next step begins.
        ahead = repository.next_keys(session, one.source, first, size + 1)
        found += repository.related_keys(
            session,
            relation,
            one.source,
            other.source,
            first=first,
            members=size,
            after=after,
            same=same,
            limit=limit + 1 - len(found),
        )
        progress.done += min(size, len(ahead))
        if len(found) > limit or len(ahead) <= size:
            return found
        first, size = ahead[-1], min(size * 2, _MOST_MEMBERS)
        if deadline.left_s <= 0:
            raise OutOfTime


def _measured(
    session: Session, one: _RelatedSide, other: _RelatedSide, keys: list[_Keys]
) -> list[tuple[_Keys, PairAnswer]]:
    if not keys:
        return []
    members = repository.members_of(session, one.source, sorted({key for key, _ in keys}))
    others = repository.members_of(session, other.source, sorted({key for _, key in keys}))
    sizes = {key: size_of(row.geometry) for key, row in members.items()}
    other_sizes = {key: size_of(row.geometry) for key, row in others.items()}
    shared = repository.shared_geometries(session, one.source, other.source, keys)
    found = []
    for pair in keys:
        common, exact, near = shared[pair]
        m2 = float(area_m2(common))
        metres = float(length_m(common)) if exact is None else border_length_m(exact, near)
        found.append(
            (
                pair,
                PairAnswer(
                    a=_member(one, pair[0], members[pair[0]]),
                    b=_member(other, pair[1], others[pair[1]]),
                    shared_m2=m2,
                    shared_m=metres,
                    share_of_a=_share(sizes[pair[0]], m2, metres),
                    share_of_b=_share(other_sizes[pair[1]], m2, metres),
                ),
            )
        )
    return found


def _share(size: tuple[int, float], m2: float, metres: float) -> float | None:
    dimension, whole = size
    if dimension == 0 or whole == 0:
        return None
    return min((m2 if dimension == 2 else metres) / whole, 1.0)


def _shares(
    session: Session,
    one: _RelatedSide,
    other: _RelatedSide,
    after: _Keys,
    same: bool,
    limit: int,
    deadline: Deadline,
    progress: _Progress,
) -> list[tuple[_Keys, PairAnswer]]:
    found: list[tuple[_Keys, PairAnswer]] = []
    first = after[0]
    while True:
        ahead = repository.next_keys(session, one.source, first, _FIRST_MEMBERS + 1)
        rows = repository.members_of(session, one.source, ahead[:_FIRST_MEMBERS])
        for key in ahead[:_FIRST_MEMBERS]:
            claimants = repository.touching_members(session, one.source, other.source, key)
            if same:
                claimants.pop(key, None)
            whole = rows[key].geometry
            faces = repository.faces_of(session, whole, list(claimants.values()))
            shared = shares(whole, list(claimants.values()), list(claimants), faces=faces)
            parts = {part.code: (part.area_m2, part.share) for part in shared.parts}
            names = repository.members_of(session, other.source, list(parts)) if parts else {}
            parts[""] = shared.unclaimed_m2, shared.unclaimed_share
            for held, (m2, share) in sorted(parts.items()):
                if (key, held) <= after:
                    continue
                b = _member(other, held, names[held]) if held else None
                pair = PairAnswer(
                    a=_member(one, key, rows[key]),
                    b=b,
                    shared_m2=m2,
                    shared_m=None,
                    share_of_a=share,
                    share_of_b=None,
                )
                found.append(((key, held), pair))
            progress.done += 1
            if len(found) > limit:
                return found
            if deadline.left_s <= 0:
                raise OutOfTime
        if len(ahead) <= _FIRST_MEMBERS:
            return found
        first = ahead[-1]


def _member(side: _RelatedSide, key: str, row: MemberRow) -> MemberAnswer:
    feature = int(key) if side.shown["layer"] is None else None
    whole = {
        "code": row.code,
        "name": row.name or None,
        "district": row.district,
        "feature": feature,
    }
    return MemberAnswer(**{name: it for name, it in whole.items() if it is not None})


def _side(
    session: Session,
    city: City,
    name: str,
    side: LayerSide | UploadSide,
    now: dt.datetime,
    *,
    drafts: bool,
) -> _RelatedSide:
    if isinstance(side, UploadSide):
        source = members.uploaded_source(session, name, side.features)
        shown: dict[str, Any] = {"layer": None}
        return _RelatedSide(name, source, "uploaded features", shown, len(side.features), (name,))
    if side.edition is not None and side.as_of is not None:
        raise BadInput("Give an edition or as_of, not both.", field=f"{name}.edition")
    for code in side.codes:
        try:
            level_of(code)
        except BadCode as error:
            error.field = f"{name}.codes"
            raise
    layer = _LAYERS[side.layer]
    moment = side.as_of or now
    if side.edition is not None and layer.level is None:
        raise BadInput("Parts have no editions; give as_of.", field=f"{name}.edition")
    edition = _edition(session, name, side, layer, moment, drafts)
    if edition is not None and layer.of_edition is not None:
        rows = layer.of_edition(edition)
    else:
        rows = layer.in_force.params(at(city, moment))
    source = members.layer_source(layer, rows, side.codes)
    count = repository.count_members(session, source)
    if not count:
        where = f" in {', '.join(side.codes)}" if side.codes else ""
        raise NotFound(
            f"The layer {side.layer} holds nothing{where}; ask for other codes or another day.",
            field=f"{name}.codes" if side.codes else f"{name}.layer",
        )
    dated = edition or city.day(moment).isoformat()
    shown = {"layer": side.layer.value, "edition": edition, "codes": list(side.codes)}
    return _RelatedSide(name, source, side.layer.value, shown, count, (side.layer, dated))


def _edition(
    session: Session,
    name: str,
    side: LayerSide,
    layer: Layer,
    moment: dt.datetime,
    drafts: bool,
) -> str | None:
    """The edition that was asked for, else of areas the one in force at the moment."""
    if side.edition is None:
        if layer.level is None or layer.level not in AREA_LAYERS:
            return None
        return edition_in_force(session, layer.level, moment).id
    edition = editions.edition(session, side.edition)
    if edition is None or edition.level != layer.level:
        raise NotFound(
            f"There is no edition {side.edition!r} of level {layer.level}; 'gridsvc edition list'"
            " names them.",
            field=f"{name}.edition",
        )
    if not drafts and edition.state not in (EditionState.ACTIVE, EditionState.RETIRED):
        raise NotFound(
            f"The edition {side.edition!r} was never in force; relate it with 'gridsvc relate'.",
            field=f"{name}.edition",
        )
    return edition.id


def _check_areas_alone(side: _RelatedSide, given: LayerSide | UploadSide) -> None:
    if isinstance(given, LayerSide):
        if given.layer is LayerName.PARTS:
            raise BadInput(
                "Shares are of ground, and parts are points; ask for 'within' or 'intersects'.",
                field=f"{side.name}.layer",
            )
        return
    for feature in given.features:
        if feature.geometry.geom_type not in ("Polygon", "MultiPolygon"):
            raise BadInput(
                f"Shares are of ground, but feature {feature.number} is a"
                f" {feature.geometry.geom_type}; send polygons, or ask for 'intersects'.",
                field=f"{side.name}.geojson",
            )


def _too_wide(
    session: Session,
    relation: Relation,
    one: _RelatedSide,
    other: _RelatedSide,
    timeout_s: float,
    progress: _Progress,
) -> QueryTooBroad:
    try:
        with repository.within_time(session, Deadline.after(_COUNTING_S)):
            pairs = repository.count_pairs_of_boxes(session, one.source, other.source)
        looked_at = f"{pairs:,} pairs of them have boxes that meet"
    except OutOfTime:
        pairs = one.members * other.members
        looked_at = f"that makes up to {pairs:,} pairs"
    return QueryTooBroad(
        f"{relation.value} between {one.members:,} {one.words} and {other.members:,} {other.words}"
        f" took more than {timeout_s:g} s ({looked_at}; {progress.done:,} of the first side were"
        " done). Narrow it: give a.codes or b.codes (a district or street, as in"
        ' "codes": ["110102020"]), put the smaller layer first, or send a lower limit.',
        field="a",
        members_a=one.members,
        members_b=other.members,
        pairs=pairs,
        done=progress.done,
        timeout_s=timeout_s,
    )


def _write_cursor(keys: _Keys) -> str:
    return base64.urlsafe_b64encode(json.dumps(keys).encode()).decode().rstrip("=")


def _read_cursor(cursor: str | None) -> _Keys:
    if cursor is None:
        return "", ""
    try:
        read = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        one, other = read
        if not all(isinstance(key, str) and (key == "" or key.isdigit()) for key in (one, other)):
            raise ValueError("keys are digits")
    except (ValueError, TypeError, binascii.Error):
        raise BadInput(
            "Invalid cursor; pass `next` of the previous page.", field="cursor"
        ) from None
    return one, other
