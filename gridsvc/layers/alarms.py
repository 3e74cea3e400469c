"""The layer of alarms: hot places known by a moment, as they stand at present."""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import Date, DateTime, Float, Integer, Uuid, column, func, select, table
from sqlalchemy.dialects.postgresql import JSONB

from gridsvc.layers.model import MOMENT, Column, ColumnType, Drawing, Layer, Tiles

#: What is read of the table of alarms, which stands above the layers.
_ALARM = table(
    "alarm",
    column("id", Uuid()),
    column("case_id", Uuid()),
    *map(column, ("district_code", "street_code", "watch", "kind", "class_code")),
    column("first_day", Date()),
    column("last_day", Date()),
    column("days", Integer()),
    column("count", Integer()),
    column("expected", Float()),
    column("places", JSONB()),
    column("geometry", Geometry(srid=4326)),
    column("made_at", DateTime(timezone=True)),
)

ALARMS = Layer(
    name="alarms",
    title_zh="热力告警",
    title="Alarms",
    columns=(
        Column("id", ColumnType.UUID, "编号", "id"),
        Column("district_code", ColumnType.TEXT, "区代码", "district"),
        Column("street_code", ColumnType.TEXT, "街道代码", "street"),
        Column("watch", ColumnType.TEXT, "监测项", "what is watched"),
        Column("kind", ColumnType.TEXT, "类型", "part or event"),
        Column("class_code", ColumnType.TEXT, "类别代码", "class of most of its reports"),
        Column("first_day", ColumnType.DATE, "告警日", "day of the alarm"),
        Column("last_day", ColumnType.DATE, "最近发热日", "last day on which it was hot"),
        Column("days", ColumnType.INTEGER, "窗口天数", "days of its window"),
        Column("count", ColumnType.INTEGER, "件数", "reports in the window"),
        Column("expected", ColumnType.NUMBER, "预期件数", "reports expected"),
        Column("places", ColumnType.CODES, "网格", "unit grids or cells"),
        Column("case_id", ColumnType.UUID, "案卷", "case"),
    ),
    key=("first_day", "id"),
    feature_id="id",
    in_force=select(
        *(one for one in _ALARM.c if one.name not in ("places", "made_at")),
        func.to_json(_ALARM.c.places).label("places"),
    ).where(_ALARM.c.made_at <= MOMENT),
    in_district=lambda rows, district: rows.c.district_code == district,
    tiles=Tiles(
        "alarms",
        min_zoom=9,
        label_zoom=None,
        max_age_s=0,
        follows_editions=False,
        drawings=(
            Drawing(
                "alarms",
                ("id", "watch", "first_day", "last_day", "count"),
                order=("id",),
            ),
        ),
    ),
)
