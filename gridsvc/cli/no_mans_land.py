"""No-man's-land: stretches of border where cases are refused, returned or slow."""

from __future__ import annotations

import datetime as dt
import getpass
from typing import Annotated

import typer
from rich.table import Table

from gridsvc.api.clock import utc_now
from gridsvc.callers import Role
from gridsvc.cases.systems.no_mans_land.model import GroupOutcome, Scan, Terms
from gridsvc.cases.systems.no_mans_land.proposing import propose_disputes
from gridsvc.cases.systems.no_mans_land.service import scan
from gridsvc.cli.runtime import AsJson, console, load_city, notes, open_atlas, print_json
from gridsvc.db.base import transaction
from gridsvc.registry.disputes.model import Actor

_DAY = ["%Y-%m-%d"]


def no_mans_land(
    by: Annotated[
        str, typer.Option("--by", default_factory=getpass.getuser, help="Who proposes; kept.")
    ],
    since: Annotated[
        dt.datetime | None, typer.Option(formats=_DAY, help="First day; a year before the last.")
    ] = None,
    until: Annotated[
        dt.datetime | None, typer.Option(formats=_DAY, help="Last day; today.")
    ] = None,
    level: Annotated[str, typer.Option(help="district or street.")] = "street",
    band_m: Annotated[
        float | None,
        typer.Option(help="This near a border is near; the accuracies of report and edition."),
    ] = None,
    stretch_m: Annotated[float, typer.Option(help="No stretch is longer, in metres.")] = 500.0,
    listed_q: Annotated[float, typer.Option(help="Share of false alarms in the list.")] = 0.05,
    shuffles: Annotated[
        int, typer.Option(min=0, help="Measure the false alarms on so many shuffles.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="The seed of the shuffles.")] = 0,
    propose: Annotated[
        bool, typer.Option(help="Propose each stretch that is listed as a dispute.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List where along the borders cases go worse than inside of both sides (三不管地带)."""
    city = load_city()
    now = utc_now()
    last = until.date() if until else city.day(now)
    first = since.date() if since else last - dt.timedelta(days=365)
    with (
        open_atlas(city, statement_timeout_s=0.0) as (atlas, sessions),
        transaction(sessions) as session,
    ):
        found = scan(
            session,
            city,
            atlas,
            Terms(level=level, band_m=band_m, stretch_m=stretch_m, max_fdr=listed_q),
            since=city.calendar.begins(first),
            until=city.calendar.begins(last + dt.timedelta(days=1)),
            now=now,
            shuffles=shuffles,
            seed=seed,
            progress=notes.print,
        )
        actor = Actor(by, Role.ADMIN.value, "")
        wanted = found.listed if propose else ()
        proposed = propose_disputes(session, city, found, wanted, actor=actor, now=now)
    if as_json:
        disputes = [{"id": str(one), "new": new} for one, new in proposed]
        print_json({**found.to_json(), "disputes": disputes})
        return
    console.print(_table(found))
    for dispute_id, new in proposed:
        console.print(f"Dispute {dispute_id}: {'new' if new else 'known, told again'}.")
    if found.approximate:
        console.print("These borders are approximate; what lies along them may be made up.")
    if found.false_alarms is not None:
        alarms = found.false_alarms
        rate = alarms.with_alarm / alarms.shuffles
        console.print(
            f"{alarms.with_alarm} of {alarms.shuffles} shuffles list anything: {rate:.1%}; "
            f"{found.terms.max_fdr:.0%} at most is stated."
        )


def _table(found: Scan) -> Table:
    table = Table(
        "border",
        "metres",
        "place",
        "near",
        "inside of the first",
        "inside of the second",
        "p refused",
        "p slow",
        "q",
        title=f"{len(found.listed)} of {found.tested} tested stretches of {found.terms.level} "
        f"borders; {found.cases:,} cases, {found.cases_near:,} within {found.band_m:g} m",
        caption="refused or returned / cases, median days until closed",
    )
    for stretch in found.listed:
        one, other = stretch.sides
        lon, lat = stretch.to_json()["place"]
        table.add_row(
            f"{one.name} {one.code}\n{other.name} {other.code}",
            f"{stretch.metres:.0f}",
            f"{lon:.5f}\n{lat:.5f}",
            _cell(stretch.near),
            _cell(one.inside),
            _cell(other.inside),
            f"{stretch.p_refused:.1e}",
            f"{stretch.p_slow:.1e}",
            f"{stretch.q:.1e}",
        )
    return table


def _cell(outcome: GroupOutcome) -> str:
    days = "open" if outcome.median_days is None else f"{outcome.median_days:.1f} d"
    share = outcome.refused_share or 0.0
    return f"{outcome.refused_or_returned}/{outcome.cases} = {share:.0%}\n{days}"
