"""Bodies: where they are called."""

from __future__ import annotations

import uuid
from typing import Annotated

import typer

from gridsvc.api.clock import utc_now
from gridsvc.callers import Caller, Role
from gridsvc.cases.core.messages.webhook import webhook_secret
from gridsvc.cases.systems.groups.words import GroupKind
from gridsvc.city.robots import ROBOTS, Signed
from gridsvc.cli.runtime import AsJson, console, load_city, notes, operator, print_json, session
from gridsvc.errors import BadInput
from gridsvc.registry.access.keys import KeyRing, secret_key
from gridsvc.registry.bodies.service import set_webhook
from gridsvc.registry.groups.schemas import GroupAnswer
from gridsvc.registry.groups.service import NewGroup, add_group
from gridsvc.settings import get_settings

app = typer.Typer(help="Bodies (责任单位).", no_args_is_help=True)


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


@app.command()
def group(
    code: Annotated[str, typer.Argument(help="The body, a district, or a district with -leader.")],
    robot: Annotated[str, typer.Argument(help="One of robots.json: wecom, dingtalk.")],
    name: Annotated[str, typer.Argument(help="How the group is called.")],
    kind: Annotated[
        list[GroupKind] | None, typer.Option(help="What it hears; none: everything.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let a chat group hear what a body is told; asks for its robot's address and secret."""
    city = load_city()
    known = city.table(ROBOTS).get(robot)
    if known is None:
        raise BadInput(
            f"There is no robot '{robot[:40]}'; there are {', '.join(city.table(ROBOTS))}.",
            field="robot",
        )
    url = typer.prompt("Address", hide_input=True, err=True)
    signs = known.sign is not Signed.NONE
    secret = typer.prompt("Secret", hide_input=True, err=True) if signs else None
    ring = KeyRing(city.settings.var_dir / "keys", "reporter", city.settings.reporter_key)
    new = NewGroup(code, name, robot, url, secret, kind or list(GroupKind), "zh")
    by = Caller(operator(), Role.ADMIN, "", None, uuid.UUID(int=0))
    kinds = list(GroupKind)
    with session() as opened:
        kept = add_group(
            opened, by, {robot: known}, new, ring.current, known_kinds=kinds, now=utc_now()
        )
        told = GroupAnswer.of(kept).model_dump(mode="json")
    if as_json:
        print_json(told)
    else:
        console.print(f"Group {name} hears what {code} is told; its id is {told['id']}.")
