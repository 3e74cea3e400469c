"""The service's own role, which may write the trace but never change it; default partitions.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ROLE = "gridsvc_service"


def upgrade() -> None:
    for table in ("trace", "message"):
        op.execute(f"create table {table}_default partition of {table} default")
    op.execute(
        f"do $$ begin if not exists (select from pg_roles where rolname = '{_ROLE}') then"
        f" create role {_ROLE} nologin; end if; end $$"
    )
    op.execute(f"grant {_ROLE} to current_user")
    op.execute(f"grant usage on schema public to {_ROLE}")
    op.execute(f"grant select, insert, update, delete on all tables in schema public to {_ROLE}")
    op.execute(
        f"alter default privileges in schema public grant select, insert, update, delete"
        f" on tables to {_ROLE}"
    )
    for table in ("trace", "trace_default"):
        op.execute(f"revoke update, delete, truncate on {table} from {_ROLE}")


def downgrade() -> None:
    op.execute(
        f"alter default privileges in schema public revoke select, insert, update, delete"
        f" on tables from {_ROLE}"
    )
    op.execute(f"revoke all on all tables in schema public from {_ROLE}")
    op.execute(f"revoke usage on schema public from {_ROLE}")
    for table in ("trace", "message"):
        op.execute(f"drop table {table}_default")
