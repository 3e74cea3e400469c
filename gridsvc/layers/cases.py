"""The layers of joint cases and disputes: those known by a moment, as they stand at present."""

from __future__ import annotations

from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import DateTime, SelectBase, Uuid, column, func, or_, select, table
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from gridsvc.layers.model import MOMENT, Column, ColumnType, Drawing, Layer, Tiles
from gridsvc.registry.disputes.models import Dispute

#: What is read of a table of the cases, which stand above the layers.
_WHISTLE = table(
    "whistle",
    column("id", Uuid()),
    *map(column, ("district_code", "case_id", "participant_district", "kind", "ground", "state")),
    *map(column, ("caller_body", "joint")),
    column("facts", JSONB()),
    column("point", Geometry(srid=4326)),
    column("footprint", Geometry(srid=4326)),
    column("blown_at", DateTime(timezone=True)),
    column("closed_at", DateTime(timezone=True)),
)


def _joint_cases() -> SelectBase:
    sides = (
        func.jsonb_array_elements(_WHISTLE.c.facts["sides"])
        .table_valued(column("side", JSONB()), with_ordinality="n")
        .render_derived(name="s")
    )
    areas = select(func.json_agg(aggregate_order_by(sides.c.side["code"].astext, sides.c.n)))
    return select(
        *(one for one in _WHISTLE.c if one.name not in ("facts", "joint", "point")),
        areas.scalar_subquery().label("areas"),
        _WHISTLE.c.point.label("geometry"),
    ).where(_WHISTLE.c.joint, _WHISTLE.c.blown_at <= MOMENT)


def _disputes() -> SelectBase:
    return select(
        Dispute.id,
        Dispute.kind,
        Dispute.level,
        Dispute.state,
        func.to_json(Dispute.side_codes).label("areas"),
        Dispute.area_m2,
        Dispute.width_m,
        Dispute.accuracy_m,
        Dispute.edition_id.label("edition"),
        Dispute.parent_edition_id.label("parent_edition"),
        Dispute.found_at,
        Dispute.changed_at,
        Dispute.settled_by_edition,
        Dispute.agreement_id.label("agreement"),
        Dispute.geometry,
    ).where(Dispute.found_at <= MOMENT)


def _on_a_side(rows: Any, district: str) -> Any:
    side = func.json_array_elements_text(rows.c.areas).column_valued("side")
    return select(side).where(func.starts_with(side, district)).exists()


JOINT_CASES = Layer(
    name="joint_cases",
    title_zh="跨区吹哨",
    title="Joint cases",
    columns=(
        Column("id", ColumnType.UUID, "编号", "id"),
        Column("district_code", ColumnType.TEXT, "牵头区", "district that leads"),
        Column("case_id", ColumnType.UUID, "案卷", "case"),
        Column("participant_district", ColumnType.TEXT, "参与区", "district that takes part"),
        Column("kind", ColumnType.TEXT, "哨类", "kind"),
        Column("ground", ColumnType.TEXT, "吹哨事由", "ground"),
        Column("state", ColumnType.TEXT, "状态", "state"),
        Column("caller_body", ColumnType.TEXT, "吹哨单位", "body that calls"),
        Column("areas", ColumnType.CODES, "涉及区划", "areas on its sides"),
        Column("blown_at", ColumnType.TIME, "吹哨时间", "when it was blown"),
        Column("closed_at", ColumnType.TIME, "办结时间", "when it was closed"),
    ),
    key=("blown_at", "id"),
    feature_id="id",
    in_force=_joint_cases(),
    in_district=lambda rows, district: or_(
        rows.c.district_code == district, rows.c.participant_district == district
    ),
    tiles=Tiles(
        "whistles",
        min_zoom=8,
        label_zoom=None,
        max_age_s=0,
        follows_editions=False,
        drawings=(
            Drawing("whistles", ("id", "district_code", "ground", "state", "areas"), order=("id",)),
            Drawing("footprints", ("id", "state"), order=("id",), shape="footprint"),
        ),
    ),
)

DISPUTES = Layer(
    name="disputes",
    title_zh="边界争议",
    title="Disputes",
    columns=(
        Column("id", ColumnType.UUID, "编号", "id"),
        Column("kind", ColumnType.TEXT, "争议类型", "kind"),
        Column("level", ColumnType.TEXT, "层级", "level"),
        Column("state", ColumnType.TEXT, "状态", "state"),
        Column("areas", ColumnType.CODES, "涉及区划", "areas on its sides"),
        Column("area_m2", ColumnType.NUMBER, "面积", "area", "m²"),
        Column("width_m", ColumnType.NUMBER, "宽度", "width", "m"),
        Column("accuracy_m", ColumnType.NUMBER, "边界精度", "accuracy of the border", "m"),
        Column("edition", ColumnType.TEXT, "边界版本", "edition"),
        Column("parent_edition", ColumnType.TEXT, "上级边界版本", "edition of the level above"),
        Column("found_at", ColumnType.TIME, "发现时间", "when it was found"),
        Column("changed_at", ColumnType.TIME, "变更时间", "when it changed last"),
        Column("settled_by_edition", ColumnType.TEXT, "解决版本", "edition that settled it"),
        Column("agreement", ColumnType.UUID, "共治协议", "agreement that settled it"),
    ),
    key=("id",),
    feature_id="id",
    in_force=_disputes(),
    in_district=_on_a_side,
    measure="area_m2",
    tiles=Tiles(
        "disputes",
        min_zoom=9,
        label_zoom=None,
        max_age_s=0,
        follows_editions=False,
        drawings=(
            Drawing(
                "disputes",
                ("id", "kind", "level", "state", "areas", "area_m2"),
                order=("id",),
            ),
        ),
    ),
)
