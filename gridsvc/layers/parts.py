"""The layer of parts (部件): what the register has on a day, and whether it still stands."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ScalarSelect, SelectBase, and_, case, func, select

from gridsvc.codes import Level
from gridsvc.layers.model import DAY, MOMENT, Column, ColumnType, Drawing, Layer, Tiles
from gridsvc.registry.classes.models import ListedClass
from gridsvc.registry.in_force import (
    AREA,
    PART,
    edition_id_at,
    part_registered,
    part_stands,
    unit_grids_on,
)


def _in_force(street: Any, community: Any, grid: Any) -> SelectBase:
    """The parts of the register, with the codes of the areas that they are placed in."""
    placed = {"street_code": street, "community_code": community, "grid_code": grid}
    listed = and_(
        ListedClass.standard == PART.c.standard,
        ListedClass.kind == PART.c.kind,
        ListedClass.code == PART.c.class_code,
    )
    return (
        select(
            *(one for one in PART.c if one.name not in ("kind", *placed)),
            *(code.label(name) for name, code in placed.items()),
            ListedClass.name.label("class"),
            ListedClass.major,
            part_stands(DAY).label("stands"),
        )
        .select_from(PART)
        .join(ListedClass, listed)
        .where(part_registered(DAY))
    )


#: The place by which a part is registered: a point on its line or inside its area.
_PLACE = case(
    (func.geometrytype(PART.c.geometry) == "POINT", PART.c.geometry),
    else_=func.st_pointonsurface(PART.c.geometry),
)


def _area_at(level: Level) -> ScalarSelect[str]:
    """The area of a level at a part's place: of its own district if one claims it, else the first.

    As ``area_at`` of the registry answers from an atlas.
    """
    return (
        select(AREA.c.code)
        .where(
            AREA.c.edition_id == edition_id_at(level, MOMENT),
            func.st_intersects(AREA.c.geometry, _PLACE),
        )
        .correlate(PART)
        .order_by(func.starts_with(AREA.c.code, PART.c.district_code).desc(), AREA.c.code)
        .limit(1)
        .scalar_subquery()
    )


def _grid() -> ScalarSelect[str]:
    """The unit grid of the part's own district at its place."""
    cell = unit_grids_on(DAY).subquery("cell")
    return (
        select(func.min(cell.c.code))
        .where(
            cell.c.district_code == PART.c.district_code,
            func.st_intersects(cell.c.geometry, _PLACE),
        )
        .correlate(PART)
        .scalar_subquery()
    )


PARTS = Layer(
    name="parts",
    title_zh="部件",
    title="Parts",
    columns=(
        Column("district_code", ColumnType.TEXT, "区代码", "district"),
        Column("code", ColumnType.TEXT, "部件编码", "8-digit code"),
        Column("national_id", ColumnType.TEXT, "标识码", "national id, 17 digits"),
        Column("national_id_2013", ColumnType.TEXT, "标识码（2013）", "national id, 16 digits"),
        Column("standard", ColumnType.TEXT, "分类标准", "list that the class is of"),
        Column("class_code", ColumnType.TEXT, "类别代码", "class, 5 digits"),
        Column("class", ColumnType.TEXT, "类别", "class"),
        Column("major", ColumnType.TEXT, "大类", "major class", exported=False),
        Column("name", ColumnType.TEXT, "名称", "name"),
        Column("state", ColumnType.TEXT, "状态", "state"),
        Column("street_code", ColumnType.TEXT, "街道代码", "street"),
        Column("community_code", ColumnType.TEXT, "社区代码", "community"),
        Column("grid_code", ColumnType.TEXT, "网格编码", "unit grid"),
        Column("competent_body", ColumnType.TEXT, "主管部门", "competent body"),
        Column("owner_body", ColumnType.TEXT, "权属单位", "owner", for_staff=True),
        Column("maintainer_body", ColumnType.TEXT, "养护单位", "maintainer", for_staff=True),
        Column("position_class", ColumnType.TEXT, "定位精度", "class of the position: A, B, C"),
        Column("first_date", ColumnType.DATE, "初始日期", "first day"),
        Column("change_date", ColumnType.DATE, "变更日期", "day of the last change"),
        Column("source", ColumnType.TEXT, "数据来源", "source"),
        Column("note", ColumnType.TEXT, "备注", "note", for_staff=True),
    ),
    key=("district_code", "code"),
    feature_id="national_id",
    in_force=_in_force(PART.c.street_code, PART.c.community_code, PART.c.grid_code),
    placed=_in_force(_area_at(Level.STREET), _area_at(Level.COMMUNITY), _grid()),
    present=lambda rows: rows.c.stands,
    in_district=lambda rows, district: rows.c.district_code == district,
    inside=("district_code", "street_code", "community_code"),
    tiles=Tiles(
        "parts",
        min_zoom=14,
        label_zoom=None,
        max_age_s=60,
        follows_editions=False,
        drawings=(
            Drawing(
                "parts",
                ("district_code", "code", "class_code", "class", "major", "name", "state"),
                order=("district_code", "code"),
            ),
        ),
        # A tenth stands for all: their codes' last digit is as good as chance, and the same parts
        # stay when the map is moved.
        thinned=lambda rows: func.right(rows.c.code, 1) == "0",
    ),
)
