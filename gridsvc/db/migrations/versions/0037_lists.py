"""Lists are found by indexes, words by their pairs of letters, and views are saved.

Words are searched by every two letters that stand beside each other: most words of Chinese have
two, and trigrams would not find them. The extension for that (pg_bigm) is not in Debian.

Revision ID: 0037
Revises: 0036
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from gridsvc.db.migrate import unguarded

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_BODIES = (
    "((jsonb_path_query_array(progress, '$.called[*].body')"
    " || jsonb_path_query_array(progress, '$.seats.*'))"
    " || coalesce(progress -> 'other', 'null'))"
)
_CONTRADICTS = "(left(street_code, 6) <> district_code or left(community_code, 9) <> street_code)"
_WORDS = "(description::text || ' ') || coalesce(place_text, '')::text"
#: Table, columns and condition of each.
_INDEXES: dict[str, tuple[str, Sequence[str], str | None]] = {
    "ix_case_file_class": (
        "case_file",
        ("district_code", "class_code", "state", "opened_at", "id"),
        None,
    ),
    "ix_case_file_opened": ("case_file", ("opened_at", "id"), None),
    "ix_case_file_district": ("case_file", ("district_code", "opened_at", "id"), None),
    "ix_case_file_listed": ("case_file", ("street_code", "state", "opened_at", "id"), None),
    "ix_case_file_participant": (
        "case_file",
        ("participant_district", "opened_at", "id"),
        "participant_district is not null",
    ),
    "ix_case_file_contradicting": ("case_file", ("id",), _CONTRADICTS),
    "ix_case_file_open": ("case_file", ("district_code", "limit_at", "id"), "state = 'open'"),
    "ix_case_file_closed": ("case_file", ("closed_at", "district_code"), "state = 'closed'"),
    "ix_report_arrived": ("report", ("created_at", "id"), None),
    "ix_report_listed": ("report", ("case_district", "created_at", "id"), None),
    "ix_whistle_blown": ("whistle", ("blown_at", "id"), None),
    "ix_whistle_listed": ("whistle", ("district_code", "blown_at", "id"), None),
    "ix_appeal_listed": ("appeal", ("district_code", "appealed_at"), None),
}


def upgrade() -> None:
    # PL/pgSQL keeps its plan: SQL would be planned at each report, which took twice as long.
    op.execute(
        "create function text_pairs(words text) returns text[]"
        " language plpgsql immutable strict parallel safe as $$"
        " declare letter text; before text; pairs text[] := '{}';"
        " begin"
        "   foreach letter in array string_to_array(lower(normalize(words, NFKC)), null) loop"
        "     if before is not null then pairs := array_append(pairs, before || letter); end if;"
        "     before := letter;"
        "   end loop;"
        "   return pairs;"
        " end $$"
    )
    op.drop_index("ix_case_file_class", "case_file")
    op.drop_index("ix_case_file_opened", "case_file")
    op.drop_index("ix_whistle_blown", "whistle")
    with unguarded("a city has many cases and reports"):
        for name, (table, columns, where) in _INDEXES.items():
            condition = None if where is None else sa.text(where)
            op.create_index(name, table, list(columns), postgresql_where=condition)
        bodies = sa.text(_BODIES)
        op.create_index("ix_case_file_bodies", "case_file", [bodies], postgresql_using="gin")
        pairs = sa.text(f"text_pairs({_WORDS})")
        op.create_index("ix_report_words", "report", [pairs], postgresql_using="gin")
    op.create_table(
        "saved_view",
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("list_name", sa.String(30), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("asked", JSONB(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner", "list_name", "name", name=op.f("pk_saved_view")),
    )


def downgrade() -> None:
    op.drop_table("saved_view")
    op.drop_index("ix_report_words", "report")
    op.drop_index("ix_case_file_bodies", "case_file")
    for name, (table, _, _) in _INDEXES.items():
        op.drop_index(name, table)
    op.execute("drop function text_pairs")
    op.create_index("ix_whistle_blown", "whistle", ["blown_at"])
    with unguarded("a city has many cases"):
        op.create_index("ix_case_file_opened", "case_file", ["opened_at"], postgresql_using="brin")
        op.create_index("ix_case_file_class", "case_file", ["district_code", "class_code", "state"])
