"""The layer of lanes (街巷): segments of a day, whether each has a chief, when it was patrolled."""

from __future__ import annotations

from typing import Any

from sqlalchemy import SelectBase, and_, func, select

from gridsvc.layers.model import DAY, Column, ColumnType, Drawing, Layer, Tiles
from gridsvc.registry.in_force import holds
from gridsvc.registry.lanes.models import LaneKeeper, LaneSegment, LaneStretch
from gridsvc.registry.staff.models import StaffMember


def _in_force() -> SelectBase:
    s, k, m, w = LaneSegment, LaneKeeper, StaffMember, LaneStretch
    chief = (
        select(k.staff_code)
        .join(m, and_(m.district_code == k.district_code, m.code == k.staff_code))
        .where(
            k.district_code == s.district_code,
            k.segment_code == s.code,
            k.role == "chief",
            holds(k.valid_from, k.valid_to, DAY),
            holds(m.valid_from, m.valid_to, DAY),
        )
    )
    last = (
        select(func.max(w.day))
        .where(w.district_code == s.district_code, w.segment_code == s.code, w.day <= DAY)
        .scalar_subquery()
    )
    return select(
        (s.district_code + "." + s.code).label("id"),
        s.district_code,
        s.code,
        s.name,
        s.street_code,
        func.to_json(s.beside).label("beside"),
        s.length_m,
        chief.exists().label("chief"),
        last.label("last_patrolled"),
        (DAY - last).label("days_since"),
        s.geometry,
    ).where(holds(s.valid_from, s.valid_to, DAY))


def _in_district(rows: Any, district: str) -> Any:
    return rows.c.district_code == district


LANES = Layer(
    name="lanes",
    title_zh="街巷",
    title="Lanes",
    columns=(
        Column("id", ColumnType.TEXT, "标识", "district and code"),
        Column("district_code", ColumnType.TEXT, "区代码", "district"),
        Column("code", ColumnType.TEXT, "路段编码", "code of the segment"),
        Column("name", ColumnType.TEXT, "街巷名称", "name of the lane"),
        Column("street_code", ColumnType.TEXT, "街道代码", "street that keeps it"),
        Column("beside", ColumnType.CODES, "两侧街道", "streets beside it"),
        Column("length_m", ColumnType.NUMBER, "长度", "length", "m"),
        Column("chief", ColumnType.BOOLEAN, "有无街巷长", "whether it has a chief"),
        Column("last_patrolled", ColumnType.DATE, "最近巡查日期", "day of the last patrol"),
        Column("days_since", ColumnType.INTEGER, "未巡查天数", "days since the last patrol"),
    ),
    key=("district_code", "code"),
    feature_id="id",
    in_force=_in_force(),
    in_district=_in_district,
    inside=("street_code",),
    tiles=Tiles(
        "lanes",
        min_zoom=13,
        label_zoom=None,
        max_age_s=60,
        follows_editions=False,
        drawings=(
            Drawing(
                "lanes",
                ("id", "code", "name", "street_code", "chief", "days_since"),
                order=("id",),
            ),
        ),
    ),
)
