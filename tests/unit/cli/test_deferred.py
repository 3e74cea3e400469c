from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import typer

from gridsvc.cli.app import app
from gridsvc.cli.deferred import Deferred


def deferred(group: Any) -> Iterator[Deferred]:
    """Every deferred command of a group and of the groups in it."""
    for command in group.commands.values():
        if isinstance(command, Deferred):
            yield command
            command = command.load()
        if hasattr(command, "commands"):
            yield from deferred(command)


def test_a_line_of_the_help_is_what_its_command_says_of_itself() -> None:
    known = list(deferred(typer.main.get_command(app)))
    assert len(known) > 15
    for command in known:
        own = command.load()
        assert own.name in (command.name, None, "")
        assert command.help == inspect.cleandoc(own.help).split("\n\n")[0].replace("\n", " ")


def test_help_and_tokens_need_neither_the_locator_nor_the_web() -> None:
    asked = "import sys; from gridsvc.cli.app import app; app(sys.argv[1:], standalone_mode=False)"
    heavy = "numba", "pandas", "shapely", "fastapi", "uvicorn", "folium"
    script = f"{asked}; print(*({{*sys.modules}} & {{*{heavy}}}))"
    for words in (["--help"], ["version"], ["token", "create", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", script, *words], capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines()[-1] == "", words
