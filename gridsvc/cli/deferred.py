"""Commands whose modules are imported when they are called: help and small commands are quick."""

from __future__ import annotations

from contextvars import ContextVar
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand

#: The command that this process was given, without its arguments.
command_given: ContextVar[str] = ContextVar("command_given", default="gridsvc")


class Deferred(TyperCommand):
    """A line of the help; what it is called with goes to the command or group behind it."""

    #: Where that is, as ``module:attribute``: a function or a Typer application.
    target: ClassVar[str]

    def load(self) -> Any:
        """The command or group behind it."""
        module, attribute = self.target.split(":")
        found = getattr(import_module(module), attribute)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False)
            alone.command(self.name)(found)
            found = alone
        return typer.main.get_command(found)

    def make_context(self, info_name: Any, *words: Any, **extra: Any) -> Any:
        """The context of the command behind it, which the caller then runs."""
        found = self.load()
        below = [word for word in words[0][:1] if word in getattr(found, "commands", ())]
        command_given.set(" ".join(["gridsvc", info_name, *below]))
        return found.make_context(info_name, *words, **extra)


def defer(app: typer.Typer, name: str, target: str, summary: str) -> None:
    """Add ``gridsvc.cli.TARGET`` to an application, as ``name``.

    ``summary`` is the first paragraph of its own help; a test compares them.
    """
    known = type("Deferred", (Deferred,), {"target": f"gridsvc.cli.{target}"})
    app.command(name, cls=known, help=summary)(_nothing)


def _nothing() -> None:
    """Stands for the command until it is called."""
