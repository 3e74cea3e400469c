"""The registry's side of a what-if: areas, transfers, parts, unit grids, duties, bodies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import shapely
from sqlalchemy.orm import Session

from gridsvc.city.classes import ClassKey
from gridsvc.registry.bodies.repository import BodyRef, bodies_by_code
from gridsvc.registry.bodies.rule import AssetOwner
from gridsvc.registry.disputes.repository import parts_on
from gridsvc.registry.disputes.what_if import Answer, Change
from gridsvc.registry.disputes.what_if_repository import DutyLine, duty_lines, grids_on
from gridsvc.spatial.ellipsoid import area_m2

#: So many of each kind are listed one by one; the counts are of all.
LISTED = 500

Asked = Callable[[float, float, ClassKey, AssetOwner | None], Answer]


def areas_json(change: Change) -> list[dict[str, Any]]:
    """For each area redrawn or touched: m² before, after, given and taken, by its code.

    For an agreement, how much of each street lies in the zone.
    """
    if change.moves is None:
        return [
            {
                "code": code,
                "name": name,
                "in_zone_m2": _m2(shapely.intersection(area, change.region)),
            }
            for code, (name, area) in change.before.items()
        ]
    rows = []
    moves = change.moves.above_noise
    for code in sorted({*change.before, *change.after}):
        given = sum(it.area_m2 for it in moves if it.before == code)
        taken = sum(it.area_m2 for it in moves if it.after == code)
        old, new = change.before.get(code), change.after.get(code)
        before_m2 = 0.0 if old is None else _m2(old[1])
        after_m2 = 0.0 if new is None else _m2(new[1])
        if not given and not taken and before_m2 == after_m2:
            continue
        rows.append(
            {
                "code": code,
                "name": (new or old or ("", None))[0],
                "before_m2": before_m2,
                "after_m2": after_m2,
                "given_m2": round(given, 2),
                "taken_m2": round(taken, 2),
            }
        )
    return rows


def transfers_json(change: Change) -> list[dict[str, Any]]:
    """The ground that goes from one area to another, the largest first."""
    if change.moves is None:
        return []
    return [
        {
            "from": change.name(it.before),
            "to": change.name(it.after),
            "area_m2": round(it.area_m2, 2),
            "across_districts": (it.before or "")[:6] != (it.after or "")[:6],
            "geometry": json.loads(shapely.to_geojson(it.geometry)),
        }
        for it in change.moves.above_noise
    ]


def parts_json(
    session: Session, change: Change, answer: Asked, bodies: set[BodyRef]
) -> dict[str, Any]:
    """The parts that change sides or for which another body answers; adds those bodies."""
    rows = []
    for part in parts_on(session, change.region, change.day):
        key = ClassKey(part.standard, "part", part.class_code)
        asset = AssetOwner(part.code, part.owner_body, part.maintainer_body, part.competent_body)
        found = answer(part.lon, part.lat, key, asset)
        if not found.changed:
            continue
        bodies |= {it for it in (found.before, found.after) if it and found.before != found.after}
        rows.append(
            {
                "district_code": part.district_code,
                "code": part.code,
                "class_code": part.class_code,
                "name": part.name,
                **sides_of(change, found),
            }
        )
    return counted(rows)


def sides_of(change: Change, found: Answer) -> dict[str, Any]:
    """``{from, to, body_before, body_after}`` of an answer."""
    return {
        "from": change.name(found.from_),
        "to": change.name(found.to),
        "body_before": found.before and found.before.to_json(),
        "body_after": found.after and found.after.to_json(),
    }


def grids_json(session: Session, change: Change) -> dict[str, Any]:
    """The unit grids that the ground touches, with the m² of theirs that change sides.

    For an agreement, the m² that lie in its zone.
    """
    region = change.region
    if change.moves is not None:
        region = shapely.union_all([it.geometry for it in change.moves.above_noise])
    rows = []
    for grid in grids_on(session, region, change.day):
        touched = _m2(shapely.intersection(grid.geometry, region))
        if touched > 0:
            rows.append(
                {
                    "district_code": grid.district_code,
                    "code": grid.code,
                    "national_id": grid.national_id,
                    "touched_m2": touched,
                    "share": round(min(1.0, touched / grid.area_m2), 4),
                }
            )
    return counted(rows)


def duties_json(session: Session, change: Change, bodies: set[BodyRef]) -> dict[str, Any]:
    """The lines of the duty lists that end or begin on the ground; adds their bodies."""
    lines = [*_moved_duties(session, change), *_agreed_duties(session, change)]
    named = bodies_by_code(session, [line["body"] for line in lines])
    bodies |= set(named.values())
    return counted(
        [{**line, "name": named[line["body"]].name} for line in lines if line["body"] in named]
    )


def counted(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """``{count, listed}``: all are counted, so many are listed."""
    return {"count": len(rows), "listed": rows[:LISTED]}


def _moved_duties(session: Session, change: Change) -> Iterable[dict[str, Any]]:
    if change.moves is None:
        return
    seen = set()
    for it in change.moves.above_noise:
        given, taken = _lists_of(it.before), _lists_of(it.after)
        for codes, what, area in (
            (given - taken, "ends", it.before),
            (taken - given, "begins", it.after),
        ):
            for line in duty_lines(session, sorted(codes), change.day):
                if (line, what, it.before, it.after) not in seen:
                    seen.add((line, what, it.before, it.after))
                    yield {**_line(line), "change": what, "on_ground_of": area}


def _lists_of(code: str | None) -> set[str]:
    """The areas whose duty lists speak about an area: itself and those above it."""
    return set() if code is None else {code[:n] for n in (2, 4, 6, 9, 12) if n <= len(code)}


def _agreed_duties(session: Session, change: Change) -> Iterable[dict[str, Any]]:
    """The leads that the draft's lines take the place of, and those lines."""
    if change.draft is None:
        return
    codes = {it for code in change.before for it in _lists_of(code)}
    drafted = change.draft.duties
    for line in duty_lines(session, sorted(codes), change.day):
        replaced = [
            duty
            for duty in drafted
            if duty.kind == line.kind
            and line.role == duty.role == "lead"
            and duty.body_code != line.body_code
            and (
                duty.class_prefix.startswith(line.class_prefix)
                or line.class_prefix.startswith(duty.class_prefix)
            )
        ]
        if replaced:
            yield {**_line(line), "change": "ends", "on_ground_of": line.area_code}
    for duty in drafted:
        line = DutyLine(
            duty.body_code, "", duty.kind, duty.class_prefix, duty.role, change.draft.title
        )
        yield {**_line(line), "change": "begins", "on_ground_of": None}


def _line(line: DutyLine) -> dict[str, Any]:
    return {
        "body": line.body_code,
        "kind": line.kind,
        "class": line.class_prefix,
        "role": line.role,
        "clause": line.clause,
    }


def _m2(geometry: Any) -> float:
    return round(float(area_m2(geometry)), 2)
