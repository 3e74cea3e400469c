"""Tokens: made and revoked."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from gridsvc.api.clock import utc_now
from gridsvc.callers import Role
from gridsvc.cli.runtime import console, session
from gridsvc.registry.access.keys import secret_key
from gridsvc.registry.access.service import issue_token, revoke_token
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
    typer.echo(
        issue_token(
            secret_key(settings.var_dir / "keys", "token", settings.token_key),
            role=role,
            area=area,
            body=body,
            subject=subject,
            valid_for=dt.timedelta(days=days or settings.token_days),
            now=utc_now(),
        )
    )


@app.command()
def revoke(token: Annotated[str, typer.Argument(help="The token itself.")]) -> None:
    """Take a token back; it is refused from now on."""
    settings = get_settings()
    key = secret_key(settings.var_dir / "keys", "token", settings.token_key)
    with session() as opened:
        token_id = revoke_token(opened, key, token, now=utc_now())
    console.print(f"Token {token_id} is revoked.")
