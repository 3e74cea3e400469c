"""What the service's login may not do: change the schema, its revision, or the list of CRS.

The partitions of coming months, which it needs, are made for it by a function of the owner. The
role ``gridsvc_public`` reads what anybody may see, and writes nothing.

Revision ID: 0021
Revises: 0020
"""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_SERVICE = "gridsvc_service"
_PUBLIC = "gridsvc_public"
#: What anybody may see. Of people, traces, messages and tokens it has nothing.
_READ = (
    "agreement",
    "area",
    "body",
    "called_body",
    "case_file",
    "class",
    "dispute",
    "edition",
    "grid_successor",
    "gridded_community",
    "national_id",
    "part",
    "social_grid",
    "unit_grid",
    "unit_grid_former",
    "whistle",
)
_OWNERS = ("alembic_version", "spatial_ref_sys")

_MAKE_PARTITION = """
create function make_partition(kind text, month date) returns void
language plpgsql security definer set search_path = pg_catalog, public, pg_temp set timezone = 'UTC'
as $$
declare
    made text := format('%s_%s', kind, to_char(month, 'YYYY_MM'));
begin
    if kind not in ('trace', 'message') or month <> date_trunc('month', month)
        or month > now() + interval '1 year' then
        raise exception 'no partition of % is made for %', kind, month;
    end if;
    execute format(
        'create table if not exists public.%I partition of public.%I for values from (%L) to (%L)',
        made, kind, month, month + interval '1 month'
    );
    if kind = 'trace' then
        execute format(
            'revoke update, delete, truncate on public.%I from gridsvc_service', made
        );
    end if;
end
$$
"""


def upgrade() -> None:
    op.execute(_MAKE_PARTITION)
    op.execute("revoke execute on function make_partition(text, date) from public")
    op.execute(f"grant execute on function make_partition(text, date) to {_SERVICE}")
    for table in _OWNERS:
        op.execute(f"revoke insert, update, delete, truncate on {table} from {_SERVICE}")
    op.execute(
        f"do $$ begin if not exists (select from pg_roles where rolname = '{_PUBLIC}') then"
        f" create role {_PUBLIC} nologin; end if; end $$"
    )
    op.execute(f"alter role {_PUBLIC} set default_transaction_read_only = on")
    op.execute(f"grant usage on schema public to {_PUBLIC}")
    op.execute(f"grant select on {', '.join(_READ)} to {_PUBLIC}")
    # Where it has no login of its own, the service takes the role.
    op.execute(f"grant {_PUBLIC} to {_SERVICE}")


def downgrade() -> None:
    op.execute(f"revoke all on {', '.join(_READ)} from {_PUBLIC}")
    op.execute(f"revoke usage on schema public from {_PUBLIC}")
    for table in _OWNERS:
        op.execute(f"grant insert, update, delete on {table} to {_SERVICE}")
    op.execute("drop function make_partition(text, date)")
