"""The service's own role, which may write the trace but never change it; default partitions.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

from alembic import op

from gridsvc.db.columns import SERVICE_ROLE, only_add

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for table in ("trace", "message"):
        op.execute(f"create table {table}_default partition of {table} default")
    op.execute(
        f"do $$ begin if not exists (select from pg_roles where rolname = '{SERVICE_ROLE}') then"
        f" create role {SERVICE_ROLE} nologin; end if; end $$"
    )
    op.execute(f"grant {SERVICE_ROLE} to current_user")
    op.execute(f"grant usage on schema public to {SERVICE_ROLE}")
    op.execute(
        f"grant select, insert, update, delete on all tables in schema public to {SERVICE_ROLE}"
    )
    op.execute(
        f"alter default privileges in schema public grant select, insert, update, delete"
        f" on tables to {SERVICE_ROLE}"
    )
    only_add("trace", "trace_default")


def downgrade() -> None:
    op.execute(
        f"alter default privileges in schema public revoke select, insert, update, delete"
        f" on tables from {SERVICE_ROLE}"
    )
    op.execute(f"revoke all on all tables in schema public from {SERVICE_ROLE}")
    op.execute(f"revoke usage on schema public from {SERVICE_ROLE}")
    for table in ("trace", "message"):
        op.execute(f"drop table {table}_default")
