"""The demonstration."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from gridsvc.cli.runtime import AsJson, console, load_city, notes, print_json
from gridsvc.cli.serving import prepare as prepare_server
from gridsvc.demo.play import Outcome, play, prepare, serving


def demo(
    once: Annotated[bool, typer.Option(help="Exit after the story.")] = False,
    again: Annotated[bool, typer.Option(help="Play the story again in a used database.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the map.")] = 8000,
    as_json: AsJson = False,
) -> None:
    """Load real Beijing, cut unit grids, make up parts, play the story, and serve the map."""
    started = time.perf_counter()
    city = load_city()
    settings = city.settings
    prepare_server(settings)

    def tell(what: str) -> None:
        notes.print(f"{time.perf_counter() - started:6.1f} s  ", end="", style="dim")
        notes.print(what, highlight=False)

    prepare(city, tell)
    tell("The city is ready.")
    with (
        Progress(
            TextColumn("[dim]         [/]"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=notes,
            transient=True,
        ) as bar,
        serving(settings, 0 if once else port) as (http, service),
    ):

        def track(total: int) -> Callable[[], None]:
            task = bar.add_task("reports", total=total)
            return lambda: bar.advance(task)

        outcome = play(settings, http, service, tell=tell, track=track, again=again)
        bar.stop()
        seconds = time.perf_counter() - started
        if as_json:
            print_json({**outcome.to_json(), "seconds": round(seconds, 1)})
        else:
            console.print(_table(outcome, seconds))
        if not once:
            _serve_until_stopped(str(http.base_url), settings.var_dir / "admin.token")


def _serve_until_stopped(base_url: str, token_path: object) -> None:
    console.print(
        f"The map: {base_url}/map   the interface: {base_url}/docs   a token: {token_path}\n"
        "Ctrl-C ends it; the data stay."
    )
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        console.print("Stopped.")


def _table(outcome: Outcome, seconds: float) -> Table:
    title = "The city has reports of its own; --again plays the story beside them"
    if outcome.told:
        title = "A building astride the border"
    elif outcome.played:
        title = "The story was played before"
    table = Table(title=f"{title} ({seconds:.0f} s)", show_header=False, title_style="bold")
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    if outcome.told is not None:
        for what, how in outcome.told.rows:
            table.add_row(what, how)
        table.add_section()
        for title, rows in outcome.others:
            table.add_row(Text(title, style="bold"), "")
            for what, how in rows:
                table.add_row(what, how)
            table.add_section()
    for name, count in outcome.counts.items():
        table.add_row(name.replace("_", " "), f"{count:,}")
    if outcome.mixed:
        table.add_row(
            "of the mixed reports",
            f"{outcome.mixed['joined']:,} joined a case, {outcome.mixed['asked']:,} lie near a"
            f" district's border and are asked back, {outcome.mixed['joint']:,} call both sides",
        )
    states = [whistle["state"] for whistle in outcome.joint_whistles]
    table.add_row(
        "joint whistles",
        f"{len(states):,}: {states.count('closed'):,} closed, {states.count('open'):,} open,"
        f" {states.count('proposed'):,} proposed",
    )
    return table
