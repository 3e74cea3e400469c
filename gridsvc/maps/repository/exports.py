"""The rows of an export, one GeoJSON feature each, from a cursor on the server.

Coordinates are written with up to 15 decimals, the shortest that read back to the same number.
Filters that are not given are constants to the planner, which drops them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, TextClause, text

from gridsvc.maps.layers import AREA_LEVELS
from gridsvc.registry.placement.repository import editions_on

__all__ = ["Selection", "district_exists", "feature_chunks"]

_ROWS_A_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Selection:
    """What an export holds: ``bbox`` is west, south, east, north (degrees, WGS84).

    ``of_day``: parts in the areas of the moment, not in those that they were registered in.
    """

    layer: str
    moment: dt.datetime
    bbox: tuple[float, float, float, float] | None = None
    district: str | None = None
    of_day: bool = False


_AREAS = text(
    """
    select json_build_object('type', 'Feature', 'id', code,
           'geometry', st_asgeojson(geometry, 15)::json,
           'properties', json_build_object(
               'code', code, 'name', area.name, 'level', area.level, 'parent_code', parent_code,
               'area_m2', area_m2, 'version', area.version, 'reason', area.reason,
               'edition', e.id, 'accuracy_m', e.accuracy_m, 'approximate', e.approximate,
               'source', e.source, 'licence', e.licence, 'note', note))::text
      from area
      join edition e on e.id = area.edition_id
     where area.edition_id = :edition
       and (cast(:district as text) is null or left(code, 6) = :district)
       and (cast(:west as float8) is null
            or st_intersects(geometry, st_makeenvelope(:west, :south, :east, :north, 4326)))
     order by code
    """
)

_UNIT_GRIDS = text(
    """
    select json_build_object('type', 'Feature', 'id', national_id,
           'geometry', st_asgeojson(geometry, 15)::json,
           'properties', json_build_object(
               'district_code', district_code, 'code', code, 'national_id', national_id,
               'national_id_2013', national_id_2013, 'street_code', street_code,
               'community_code', community_code, 'serial', serial, 'area_m2', area_m2,
               'nominal_m2', nominal_m2, 'compactness', compactness, 'first_date', first_date,
               'end_date', end_date, 'edition', edition_id))::text
      from unit_grid
     where first_date <= :day and (end_date is null or end_date > :day)
       and (cast(:district as text) is null or district_code = :district)
       and (cast(:west as float8) is null
            or st_intersects(geometry, st_makeenvelope(:west, :south, :east, :north, 4326)))
     order by district_code, code
    """
)

# A line's or an area's place is a point on it, as where parts are registered. Where the areas of
# the day are not asked for, the joins are false to the planner, which drops them.
_PARTS = text(
    """
    select json_build_object('type', 'Feature', 'id', p.national_id,
           'geometry', st_asgeojson(p.geometry, 15)::json,
           'properties', json_build_object(
               'district_code', p.district_code, 'code', p.code, 'national_id', p.national_id,
               'national_id_2013', p.national_id_2013, 'standard', p.standard,
               'class_code', p.class_code, 'class', c.name, 'name', p.name, 'state', p.state,
               'street_code', case when :of_day then s.code else p.street_code end,
               'community_code', case when :of_day then m.code else p.community_code end,
               'grid_code', case when :of_day then g.code else p.grid_code end,
               'competent_body', p.competent_body,
               'owner_body', p.owner_body, 'maintainer_body', p.maintainer_body,
               'position_class', p.position_class, 'first_date', p.first_date,
               'change_date', p.change_date, 'source', p.source, 'note', p.note))::text
      from part p
      join class c on (c.standard, c.kind, c.code) = (p.standard, p.kind, p.class_code)
      left join lateral (
          select case when geometrytype(p.geometry) = 'POINT' then p.geometry
                      else st_pointonsurface(p.geometry) end as point) at on :of_day
      left join lateral (
          select a.code from area a
           where a.edition_id = :streets and st_intersects(a.geometry, at.point)
           order by starts_with(a.code, p.district_code) desc, a.code limit 1) s on :of_day
      left join lateral (
          select a.code from area a
           where a.edition_id = :communities and st_intersects(a.geometry, at.point)
           order by starts_with(a.code, p.district_code) desc, a.code limit 1) m on :of_day
      left join lateral (
          select min(u.code) as code from unit_grid u
           where u.district_code = p.district_code and u.first_date <= :day
             and (u.end_date is null or u.end_date > :day)
             and st_intersects(u.geometry, at.point)) g on :of_day
     where p.first_date <= :day
       and (cast(:district as text) is null or p.district_code = :district)
       and (cast(:west as float8) is null
            or st_intersects(p.geometry, st_makeenvelope(:west, :south, :east, :north, 4326)))
     order by p.district_code, p.code
    """
)

_JOINT_CASES = text(
    """
    select json_build_object('type', 'Feature', 'id', id,
           'geometry', st_asgeojson(geometry, 15)::json,
           'properties', json_build_object(
               'id', id, 'district_code', district_code, 'case_id', case_id,
               'participant_district', participant_district, 'kind', kind, 'ground', ground,
               'state', state, 'caller_body', caller_body, 'areas', areas,
               'blown_at', blown_at, 'closed_at', closed_at))::text
      from (
        select w.*, w.point as geometry,
               (select json_agg(side ->> 'code' order by n)
                  from jsonb_array_elements(w.facts -> 'sides') with ordinality as s (side, n)
               ) as areas
          from whistle w
         where w.joint and w.blown_at <= :moment
      ) joint_case
     where (cast(:district as text) is null or :district in (district_code, participant_district))
       and (cast(:west as float8) is null
            or st_intersects(geometry, st_makeenvelope(:west, :south, :east, :north, 4326)))
     order by blown_at, id
    """
)

_DISPUTES = text(
    """
    select json_build_object('type', 'Feature', 'id', id,
           'geometry', st_asgeojson(geometry, 15)::json,
           'properties', json_build_object(
               'id', id, 'kind', kind, 'level', level, 'state', state,
               'areas', to_json(side_codes), 'area_m2', area_m2, 'width_m', width_m,
               'accuracy_m', accuracy_m, 'edition', edition_id,
               'parent_edition', parent_edition_id, 'found_at', found_at,
               'changed_at', changed_at, 'settled_by_edition', settled_by_edition,
               'agreement', agreement_id))::text
      from dispute
     where found_at <= :moment
       and (cast(:district as text) is null
            or exists (select from unnest(side_codes) side where starts_with(side, :district)))
       and (cast(:west as float8) is null
            or st_intersects(geometry, st_makeenvelope(:west, :south, :east, :north, 4326)))
     order by id
    """
)

_BY_LAYER: dict[str, TextClause] = {
    "unit_grids": _UNIT_GRIDS,
    "parts": _PARTS,
    "joint_cases": _JOINT_CASES,
    "disputes": _DISPUTES,
    **dict.fromkeys(AREA_LEVELS, _AREAS),
}


def district_exists(connection: Connection, moment: dt.datetime, code: str) -> bool:
    """Whether the district edition in force at a moment has a district of that code."""
    edition = _edition(connection, moment, "district")
    found = connection.scalar(
        text("select exists (select from area where edition_id = :edition and code = :code)"),
        {"edition": edition, "code": code},
    )
    return bool(found)


def feature_chunks(connection: Connection, selection: Selection) -> Iterator[Sequence[str]]:
    """The features of a selection as JSON texts, some hundred at a time, by code."""
    west, south, east, north = selection.bbox or (None, None, None, None)
    parameters: dict[str, object] = {
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "district": selection.district,
        "day": selection.moment.date(),
        "moment": selection.moment,
        "of_day": selection.of_day,
    }
    if selection.layer == "parts":
        parameters["streets"] = _edition(connection, selection.moment, "street")
        parameters["communities"] = _edition(connection, selection.moment, "community")
    if selection.layer in AREA_LEVELS:
        level = AREA_LEVELS[selection.layer]
        parameters["edition"] = _edition(connection, selection.moment, level)
    statement = _BY_LAYER[selection.layer]
    used = {name: parameters[name] for name in statement.compile().params}
    streaming = {"stream_results": True, "yield_per": _ROWS_A_CHUNK}
    rows = connection.scalars(statement, used, execution_options=streaming)
    yield from rows.partitions(_ROWS_A_CHUNK)


def _edition(connection: Connection, moment: dt.datetime, level: str) -> str | None:
    chosen = (edition.id for edition in editions_on(connection, moment) if edition.level == level)
    return next(chosen, None)
