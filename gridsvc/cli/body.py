"""Bodies: where they are called."""

from __future__ import annotations

from typing import Annotated

import typer

from gridsvc.cases.core.messages.webhook import webhook_secret
from gridsvc.cli.runtime import AsJson, console, notes, print_json, session
from gridsvc.registry.access.keys import secret_key
from gridsvc.registry.bodies.service import set_webhook
from gridsvc.settings import get_settings

app = typer.Typer(help="Bodies (责任单位).", no_args_is_help=True)


@app.callback()
def _bodies() -> None:
    """Keep 'webhook' a sub-command while it is the only one."""


@app.command()
def webhook(
    code: Annotated[str, typer.Argument(help="The body's code, such as 110102020.")],
    url: Annotated[str | None, typer.Argument(help="http or https; none: inbox only.")] = None,
    as_json: AsJson = False,
) -> None:
    """Set where a body is called, and print the secret that its signatures are checked with."""
    settings = get_settings()
    with session() as opened:
        kept = set_webhook(opened, code, url)
    if kept is None:
        if as_json:
            print_json({"body": code, "webhook_url": None})
        else:
            console.print(f"Body {code} is told in its inbox only.")
        return
    key = secret_key(settings.var_dir / "keys", "webhook", settings.webhook_key)
    secret = webhook_secret(key, code)
    if as_json:
        print_json({"body": code, "webhook_url": kept, "secret": secret})
        return
    notes.print(f"Body {code} is called at {kept}. Its secret:", highlight=False)
    typer.echo(secret)
