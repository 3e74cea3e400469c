"""Foreign keys, all inside one district or to small shared tables.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

_KEYS = (
    ("fk_area_edition_id_edition", "area", "edition", ["edition_id"], ["id"]),
    ("fk_unit_grid_edition_id_edition", "unit_grid", "edition", ["edition_id"], ["id"]),
    (
        "fk_part_standard_class",
        "part",
        "class",
        ["standard", "kind", "class_code"],
        ["standard", "kind", "code"],
    ),
    ("fk_duty_body_code_body", "duty", "body", ["body_code"], ["code"]),
    (
        "fk_agreement_duty_agreement_id_agreement",
        "agreement_duty",
        "agreement",
        ["agreement_id"],
        ["id"],
    ),
    ("fk_agreement_duty_body_code_body", "agreement_duty", "body", ["body_code"], ["code"]),
    (
        "fk_report_placement_district_code_report",
        "report_placement",
        "report",
        ["district_code", "report_id"],
        ["district_code", "id"],
    ),
    (
        "fk_reporter_district_code_report",
        "reporter",
        "report",
        ["district_code", "report_id"],
        ["district_code", "id"],
    ),
    (
        "fk_whistle_district_code_case_file",
        "whistle",
        "case_file",
        ["district_code", "case_id"],
        ["district_code", "id"],
    ),
    (
        "fk_called_body_district_code_whistle",
        "called_body",
        "whistle",
        ["district_code", "whistle_id"],
        ["district_code", "id"],
    ),
)


def upgrade() -> None:
    for name, table, referred, columns, referred_columns in _KEYS:
        op.create_foreign_key(name, table, referred, columns, referred_columns)


def downgrade() -> None:
    for name, table, _, _, _ in _KEYS:
        op.drop_constraint(name, table, type_="foreignkey")
