"""Requests for help, teams of members, and in which team a service was done.

Revision ID: 0047
Revises: 0046
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("member", sa.Column("subject", sa.String(length=100), nullable=True))
    op.create_index("uq_member_subject", "member", ["subject"], unique=True)
    op.add_column("member_service", sa.Column("team_code", sa.String(length=20), nullable=True))
    op.add_column("member_service", sa.Column("request_id", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_member_service_request",
        "member_service",
        ["request_id"],
        postgresql_where=sa.text("request_id is not null"),
    )
    op.create_table(
        "volunteer_team",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("area_code", sa.String(length=12), nullable=False),
        sa.Column("leader_code", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("district_code", "code", name=op.f("pk_volunteer_team")),
    )
    op.create_index("uq_volunteer_team_code", "volunteer_team", ["code"], unique=True)
    op.create_table(
        "volunteer_team_member",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("team_code", sa.String(length=20), nullable=False),
        sa.Column("member_code", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["district_code", "team_code"],
            ["volunteer_team.district_code", "volunteer_team.code"],
            name=op.f("fk_volunteer_team_member_district_code_volunteer_team"),
        ),
        sa.PrimaryKeyConstraint(
            "district_code", "team_code", "member_code", name=op.f("pk_volunteer_team_member")
        ),
    )
    op.create_table(
        "help_request",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("community_code", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=True),
        sa.Column("asker_body", sa.String(length=18), nullable=True),
        sa.Column("asker_subject", sa.String(length=100), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wanted_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("member_code", sa.String(length=20), nullable=True),
        sa.Column("team_code", sa.String(length=20), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rate_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("rating", sa.String(), nullable=True),
        sa.Column("rated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('open', 'taken', 'done', 'rated', 'unrated', 'lapsed', 'withdrawn')",
            name=op.f("ck_help_request_state_known"),
        ),
        sa.CheckConstraint(
            "(state in ('taken', 'done', 'rated', 'unrated')) <= (member_code is not null)",
            name=op.f("ck_help_request_taken_by_somebody"),
        ),
        sa.CheckConstraint(
            "(state = 'rated') = (score is not null)",
            name=op.f("ck_help_request_rated_has_score"),
        ),
        sa.CheckConstraint("score between 1 and 5", name=op.f("ck_help_request_score_of_five")),
        sa.PrimaryKeyConstraint("district_code", "id", name=op.f("pk_help_request")),
    )
    op.create_index("ix_help_request_id", "help_request", ["id"])
    op.create_index(
        "ix_help_request_community", "help_request", ["district_code", "community_code", "id"]
    )
    op.create_index(
        "ix_help_request_asker",
        "help_request",
        ["asker_subject", "id"],
        postgresql_where=sa.text("asker_subject is not null"),
    )
    op.create_index(
        "ix_help_request_waiting",
        "help_request",
        ["wanted_by"],
        postgresql_where=sa.text("state in ('open', 'taken')"),
    )
    op.create_index(
        "ix_help_request_rate",
        "help_request",
        ["rate_by"],
        postgresql_where=sa.text("state = 'done'"),
    )
    op.create_index(
        "ix_help_request_ended",
        "help_request",
        ["ended_at"],
        postgresql_where=sa.text("ended_at is not null and erased_at is null"),
    )
    op.create_table(
        "help_release",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("member_code", sa.String(length=20), nullable=False),
        sa.Column("team_code", sa.String(length=20), nullable=True),
        sa.Column("why", sa.String(length=12), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "why in ('gave_back', 'did_not_come')", name=op.f("ck_help_release_why_known")
        ),
        sa.ForeignKeyConstraint(
            ["district_code", "request_id"],
            ["help_request.district_code", "help_request.id"],
            name=op.f("fk_help_release_district_code_help_request"),
        ),
        sa.PrimaryKeyConstraint("district_code", "request_id", "n", name=op.f("pk_help_release")),
    )
    op.create_index("ix_help_release_member", "help_release", ["member_code"])


def downgrade() -> None:
    for name in ("help_release", "help_request", "volunteer_team_member", "volunteer_team"):
        op.drop_table(name)
    op.drop_index("ix_member_service_request", "member_service")
    op.drop_column("member_service", "request_id")
    op.drop_column("member_service", "team_code")
    op.drop_index("uq_member_subject", "member")
    op.drop_column("member", "subject")
