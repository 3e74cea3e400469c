"""Tokens: made, listed and revoked."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated

import typer
from rich.table import Table

from gridsvc.api.clock import utc_now
from gridsvc.callers import Role
from gridsvc.cli.runtime import AsJson, console, operator, print_json, session
from gridsvc.registry.access.keys import KeyRing, secret_key
from gridsvc.registry.access.register import Life, make_token, revoke_token
from gridsvc.registry.access.repository import TokenFilter, note_uses, tokens_page
from gridsvc.registry.access.service import holder_of
from gridsvc.settings import get_settings

app = typer.Typer(help="Tokens for the HTTP service.", no_args_is_help=True)


@app.command()
def create(
    role: Annotated[Role, typer.Option(help="What its holder may do.")],
    area: Annotated[str, typer.Option(help="Area prefix: 110102 covers 110102020.")] = "",
    body: Annotated[str | None, typer.Option(help="The body it acts for, for departments.")] = None,
    subject: Annotated[str | None, typer.Option(help="Who holds it, for the trace.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires.")] = None,
) -> None:
    """Print a new token, alone on its line."""
    settings = get_settings()
    with session() as opened:
        made = make_token(
            opened,
            secret_key(settings.var_dir / "keys", "token", settings.token_key),
            role=role,
            area=area,
            body=body,
            subject=subject,
            life=Life.of(settings, None if days is None else dt.timedelta(days=days)),
            made_by=operator(),
            now=utc_now(),
        )
    typer.echo(made.token)


@app.command("list")
def list_tokens(
    area: Annotated[str, typer.Option(help="Only those for areas under this prefix.")] = "",
    json: AsJson = False,
) -> None:
    """List the register: who has which token, until when, and when it was used last."""
    with session() as opened:
        found = tokens_page(opened, TokenFilter((area,)), after=None, limit=None)
    listed = [
        {
            "id": str(entry.id),
            "role": entry.role,
            "area": entry.area,
            "body": entry.body,
            "subject": entry.subject,
            "made_by": entry.made_by,
            "made_at": entry.made_at,
            "expires_at": entry.expires_at,
            "renewable_until": entry.renewable_until,
            "last_used_at": entry.last_used_at,
            "revoked_at": revoked_at,
        }
        for entry, revoked_at in found
    ]
    if json:
        print_json(listed)
        return
    shown = Table("id", "role", "area", "body", "subject", "made by", "expires", "used", "revoked")
    for it in listed:
        ends = (it["expires_at"], it["last_used_at"], it["revoked_at"])
        names = (it["id"], it["role"], it["area"], it["body"], it["subject"], it["made_by"])
        dates = ("" if end is None else f"{end:%Y-%m-%d %H:%M}" for end in ends)
        shown.add_row(*(str(name or "") for name in names), *dates)
    console.print(shown)


@app.command()
def revoke(
    token: Annotated[str, typer.Argument(help="The token's id, or the token itself.")],
) -> None:
    """Take a token back with all its renewals; it is refused from now on."""
    settings = get_settings()
    with session() as opened:
        try:
            token_id = uuid.UUID(token)
        except ValueError:
            ring = KeyRing(settings.var_dir / "keys", "token", settings.token_key)
            caller = holder_of(ring.keys, token)
            note_uses(opened, [(caller, utc_now())])
            token_id = caller.token_id
        revoke_token(opened, token_id, by=None, now=utc_now())
    console.print(f"Token {token_id} is revoked.")
