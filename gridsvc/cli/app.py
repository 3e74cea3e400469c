"""The ``gridsvc`` command and its groups. Exit codes: 0 done, 1 refused, 2 wrong usage."""

from __future__ import annotations

import os
import resource
import sys

import typer
from rich.console import Console

from gridsvc import __version__, faults
from gridsvc.cli.deferred import defer
from gridsvc.cli.logs import configure_logs
from gridsvc.errors import GridsvcError
from gridsvc.texts import said_in

_COMMANDS = (
    (
        "serve",
        "serving:serve",
        "Serve HTTP; /healthz answers when it is ready, /map shows the city, /docs lists the rest.",
    ),
    (
        "worker",
        "worker:worker",
        "Deliver messages to webhooks until it is stopped; any number of workers may run.",
    ),
    (
        "demo",
        "demo:demo",
        "Load real Beijing, cut unit grids, make up parts, play the story, and serve the map.",
    ),
    (
        "init-city",
        "cities:init_city",
        "Write a folder of tables for a city: an example row each, and what the columns mean.",
    ),
    (
        "doctor",
        "doctor:doctor",
        "Say what is wrong here and what to do about it. Exit code 1: something is.",
    ),
    (
        "demand",
        "demand:demand",
        "Forecast the places for children that each street of a district needs in two years.",
    ),
    ("locate", "placing:locate", "Say whose place a point is, and how close the border is."),
    (
        "straddle",
        "placing:straddle_file",
        "Say how a footprint is shared, and whether a border runs through it.",
    ),
    (
        "relate",
        "relations:relate_layers",
        "List which members of A touch, overlap, cover, lie within, intersect or share B.",
    ),
    (
        "line",
        "line:cross_line",
        "List what a railway, river or road crosses, in the order of travel, metres in each.",
    ),
    (
        "lanes",
        "lanes:list_lanes",
        "List lanes: their chief, share patrolled, days since (街巷长, 小巷管家).",
    ),
    (
        "roster",
        "postings:show_roster",
        "Say who of a street's roster comes now: posted, then on call (派驻名册).",
    ),
    (
        "locate-file",
        "bulk:locate_file_command",
        "Add the codes of every row's place to a file; stopped, the same command goes on.",
    ),
    (
        "no-mans-land",
        "no_mans_land:no_mans_land",
        "List where along the borders cases go worse than inside of both sides (三不管地带).",
    ),
    (
        "list",
        "lists:list_rows",
        "Cases, reports, whistles, tasks, appeals, callbacks due: narrowed, counted, filed (列表).",
    ),
    ("assess", "assessing:assess_period", "Rates, scores and ranks of a period (考核评价)."),
    (
        "rank",
        "assessing:rank_period",
        "Streets by the three rates, growth against a year before, who is named (综合排名).",
    ),
    (
        "campaign",
        "campaigns:campaign",
        "Campaigns (百日会战) that run, or how one stands: what is behind and why.",
    ),
    ("alarms", "alarms:app", "Alarms of hot places (热力图告警)."),
    ("messages", "worker:messages", "Messages that could not be delivered."),
    ("db", "db:app", "The private PostGIS server and the schema."),
    ("body", "body:app", "Bodies (责任单位)."),
    ("case", "case:app", "Cases (案卷)."),
    ("import", "imports:app", "Import areas, parts, lists, and reports of earlier years."),
    ("duties", "duties:app", "Duty lists (职责清单)."),
    ("agreements", "agreements:app", "Agreements (共治协议)."),
    ("edition", "edition:app", "Editions (版本) of boundaries."),
    ("disputes", "disputes:app", "Disputes (边界争议) between areas."),
    ("grids", "grids:app", "Unit grids (单元网格)."),
    ("personal", "personal:app", "A person's own data: shown, erased."),
    ("retention", "personal:periods", "How long what is personal is kept."),
    ("keys", "personal:keys", "The keys that seal contacts and sign tokens."),
    ("recurring", "recurring:app", "Recurring places (重复点位): found by words, looked at again."),
    ("token", "token:app", "Tokens for the HTTP service."),
    ("trace", "trace:app", "The trace of cases, which nobody changes."),
    ("whistles", "whistles:app", "Whistles (哨): rates per street, demand letters."),
)

app = typer.Typer(
    name="gridsvc",
    help="Whose place is this? Areas, unit grids, parts, reports and joint whistles of a city.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _command in _COMMANDS:
    defer(app, *_command)


@app.command()
def version() -> None:
    """Say which version this is."""
    typer.echo(__version__)


def main() -> None:
    """Run the command; an error of ours is one sentence and exit code 1."""
    configure_logs()
    sys.excepthook = faults.tell_uncaught
    # What a process holds in its memory, keys too, is not written beside it when it crashes.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        app()
    except GridsvcError as error:
        notes = Console(stderr=True, markup=False, emoji=False)
        locale = os.environ.get("LC_ALL") or os.environ.get("LANG", "")
        language = "zh" if locale.startswith("zh") else "en"
        notes.print(f"{said_in(language, error.title)}: ", end="", style="bold red")
        notes.print(said_in(language, error.detail), highlight=False)
        sys.exit(1)
