"""The layers of areas: districts, streets and communities."""

from __future__ import annotations

from typing import Any

from sqlalchemy import FromClause, func, select

from gridsvc.codes import Level
from gridsvc.layers.model import MOMENT, Column, ColumnType, Drawing, Layer, Tiles
from gridsvc.registry.in_force import areas_of, edition_id_at

_COLUMNS = (
    Column("code", ColumnType.TEXT, "区划代码", "area code"),
    Column("name", ColumnType.TEXT, "名称", "name"),
    Column("level", ColumnType.TEXT, "层级", "level"),
    Column("parent_code", ColumnType.TEXT, "上级代码", "code of the area above"),
    Column("area_m2", ColumnType.NUMBER, "面积", "area", "m²"),
    Column("version", ColumnType.INTEGER, "版次", "version of the border"),
    Column("reason", ColumnType.TEXT, "变更原因", "why the border changed last"),
    Column("edition", ColumnType.TEXT, "边界版本", "edition"),
    Column("accuracy_m", ColumnType.NUMBER, "边界精度", "accuracy of the border", "m"),
    Column("approximate", ColumnType.BOOLEAN, "是否近似", "whether it is approximate"),
    Column("source", ColumnType.TEXT, "来源", "source"),
    Column("licence", ColumnType.TEXT, "许可", "licence"),
    Column("note", ColumnType.TEXT, "备注", "note"),
)
#: What a label leaves out of the name of a community.
_OFFICE = "(?<=社区)居委会$"


def _layer(level: Level, name: str, title_zh: str, title: str, zoom: int, label_zoom: int) -> Layer:
    return Layer(
        name=name,
        title_zh=title_zh,
        title=title,
        columns=_COLUMNS,
        key=("code",),
        feature_id="code",
        in_force=areas_of(edition_id_at(level, MOMENT)),
        of_edition=areas_of,
        in_district=lambda rows, district: func.left(rows.c.code, 6) == district,
        inside=("code",),
        measure="area_m2",
        level=level,
        tiles=Tiles(
            name,
            min_zoom=zoom,
            label_zoom=label_zoom,
            max_age_s=300,
            follows_editions=True,
            drawings=(
                Drawing(
                    name, ("code", "name", "level", "accuracy_m", "approximate"), order=("code",)
                ),
                Drawing(
                    f"{name}_label",
                    ("code", "name"),
                    order=("code",),
                    drawn=_roomiest,
                    margin=0,
                    label=True,
                    instead={"name": _short_name},
                ),
            ),
        ),
    )


def _roomiest(rows: FromClause) -> Any:
    circle = func.st_maximuminscribedcircle(rows.c.geometry).table_valued("center")
    return select(circle.c.center).scalar_subquery()


def _short_name(rows: FromClause) -> Any:
    return func.regexp_replace(rows.c.name, _OFFICE, "")


DISTRICTS = _layer(Level.DISTRICT, "districts", "区", "Districts", 0, 0)
STREETS = _layer(Level.STREET, "streets", "街道（乡镇）", "Streets and towns", 9, 10)
COMMUNITIES = _layer(
    Level.COMMUNITY, "communities", "社区（村）", "Communities and villages", 11, 13
)
