"""What the service's login may not do: change the schema, its revision, or the list of CRS.

The partitions of coming months, which it needs, are made for it by a function of the owner. The
role ``gridsvc_public`` reads what anybody may see, and writes nothing.

Revision ID: 0021
Revises: 0018
"""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0018"
branch_labels = None
depends_on = None

_SERVICE = "gridsvc_service"
_PUBLIC = "gridsvc_public"
_OWNERS = ("alembic_version", "spatial_ref_sys")

_MAKE_PARTITION = """
create function make_partition(kind text, month date) returns text
language plpgsql security definer set search_path = pg_catalog, public, pg_temp set timezone = 'UTC'
as $$
declare
    made text := format('%s_%s', kind, to_char(month, 'YYYY_MM'));
    following date := month + interval '1 month';
    filled boolean;
begin
    if kind not in ('trace', 'message') or month <> date_trunc('month', month)
        or month > now() + interval '1 year' then
        raise exception 'no partition of % is made for %', kind, month;
    end if;
    if to_regclass('public.' || made) is not null then
        return null;
    end if;
    execute format(
        'select exists (select from public.%I where written_at >= %L and written_at < %L)',
        kind || '_default', month, following
    ) into filled;
    if filled then
        return null;
    end if;
    execute format(
        'create table public.%I partition of public.%I for values from (%L) to (%L)',
        made, kind, month, following
    );
    if kind = 'trace' then
        execute format(
            'revoke update, delete, truncate on public.%I from gridsvc_service', made
        );
    end if;
    return made;
end
$$
"""


def upgrade() -> None:
    op.execute(_MAKE_PARTITION)
    op.execute("revoke execute on function make_partition(text, date) from public")
    op.execute(f"grant execute on function make_partition(text, date) to {_SERVICE}")
    for table in _OWNERS:
        op.execute(f"revoke insert, update, delete, truncate on {table} from {_SERVICE}")


def downgrade() -> None:
    for table in _OWNERS:
        op.execute(f"grant insert, update, delete on {table} to {_SERVICE}")
    op.execute("drop function make_partition(text, date)")
