"""The layer of unit grids (单元网格): the cells of a day, each with its polygon of that day."""

from __future__ import annotations

from sqlalchemy import func

from gridsvc.layers.model import DAY, Column, ColumnType, Drawing, Layer, Tiles
from gridsvc.registry.in_force import unit_grids_of, unit_grids_on

UNIT_GRIDS = Layer(
    name="unit_grids",
    title_zh="单元网格",
    title="Unit grids",
    columns=(
        Column("district_code", ColumnType.TEXT, "区代码", "district"),
        Column("code", ColumnType.TEXT, "网格编码", "8-digit code"),
        Column("national_id", ColumnType.TEXT, "标识码", "national id, 15 digits"),
        Column("national_id_2013", ColumnType.TEXT, "标识码（2013）", "national id, 14 digits"),
        Column("street_code", ColumnType.TEXT, "街道代码", "street"),
        Column("community_code", ColumnType.TEXT, "社区代码", "community"),
        Column("serial", ColumnType.INTEGER, "顺序号", "serial in the community"),
        Column("area_m2", ColumnType.NUMBER, "面积", "area", "m²"),
        Column("nominal_m2", ColumnType.NUMBER, "目标面积", "area aimed at", "m²"),
        Column("compactness", ColumnType.NUMBER, "紧凑度", "compactness, 4πA/P²"),
        Column("first_date", ColumnType.DATE, "初始日期", "first day"),
        Column("end_date", ColumnType.DATE, "终止日期", "day from which it is void"),
        Column("edition", ColumnType.TEXT, "划分版本", "edition"),
    ),
    key=("district_code", "code"),
    feature_id="national_id",
    in_force=unit_grids_on(DAY),
    of_edition=unit_grids_of,
    in_district=lambda rows, district: rows.c.district_code == district,
    inside=("community_code",),
    measure="area_m2",
    level="unit_grid",
    tiles=Tiles(
        "unit_grids",
        min_zoom=13,
        label_zoom=16,
        max_age_s=300,
        follows_editions=True,
        drawings=(
            Drawing(
                "unit_grids",
                ("district_code", "code", "national_id", "community_code", "area_m2"),
                order=("national_id",),
            ),
            Drawing(
                "unit_grids_label",
                ("code", "national_id"),
                order=("national_id",),
                drawn=lambda rows: func.st_pointonsurface(rows.c.geometry),
                margin=0,
                label=True,
            ),
        ),
    ),
)
