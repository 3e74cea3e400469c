"""What is personal: shown and erased for whom it is about, ended in time, sealed with new keys."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from sqlalchemy.orm import Session, sessionmaker

from gridsvc.api.clock import utc_now
from gridsvc.api.v1.personal import own_answer
from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.intake import personal
from gridsvc.cases.intake.models import Report
from gridsvc.cases.intake.personal_repository import moment, reports_filed_by, still_writing
from gridsvc.cases.intake.reports import find_report
from gridsvc.cases.systems.evidence.store import store_of
from gridsvc.cases.systems.trials import voting as trials
from gridsvc.cli.runtime import AsJson, console, database, load_city, notes, operator, print_json
from gridsvc.db.base import transaction
from gridsvc.db.engine import create_engine, session_factory
from gridsvc.errors import BadInput, NotFound
from gridsvc.keeping import retention
from gridsvc.registry.access.audit import Done, note, write_noted
from gridsvc.registry.access.keys import KeyRing
from gridsvc.registry.groups import service as groups
from gridsvc.registry.staff import service as staff
from gridsvc.settings import get_settings

app = typer.Typer(help="A person's own data: shown, erased.", no_args_is_help=True)
periods = typer.Typer(help="How long what is personal is kept.", no_args_is_help=True)
keys = typer.Typer(help="The keys that seal contacts and sign tokens.", no_args_is_help=True)

_OPERATOR = Caller("gridsvc command", Role.ADMIN, "", None, uuid.UUID(int=0))

_Receipt = Annotated[str | None, typer.Option(help="A report's receipt or id.")]
_Phone = Annotated[str | None, typer.Option(help="The telephone number that they gave.")]
_Subject = Annotated[str | None, typer.Option(help="The subject of their token.")]
_Reason = Annotated[str, typer.Option(help="Who asked, and how it was made sure; kept for good.")]


@app.command()
def show(
    reason: _Reason, receipt: _Receipt = None, phone: _Phone = None, subject: _Subject = None
) -> None:
    """Print everything that is kept about a person, as JSON, a report a line."""
    ring = _ring()
    with _sessions() as sessions, transaction(sessions) as session:
        for report in _reports(session, ring, receipt, phone, subject):
            note(session, _done("read own data", report.receipt, reason))
            print_json(own_answer(session, report, ring.keys).model_dump(mode="json"))
        write_noted(session)


@app.command()
def erase(
    reason: _Reason,
    receipt: _Receipt = None,
    phone: _Phone = None,
    subject: _Subject = None,
    what: Annotated[str, typer.Option(help="'all' of closed cases, or the 'contact'.")] = "all",
) -> None:
    """Erase what is personal in a person's reports; the traces stay whole."""
    if what not in ("all", "contact"):
        raise BadInput(f"'--what' is '{what}'; there are all and contact.")
    ring, city = _ring(), load_city()
    with _sessions() as sessions, transaction(sessions) as session:
        found = list(_reports(session, ring, receipt, phone, subject))
        for report in found:
            occasion = Occasion(session, city, _OPERATOR, utc_now())
            (personal.erase if what == "all" else personal.erase_contact)(
                occasion, report, reason=reason
            )
        write_noted(session)
    console.print(f"{len(found):,} reports: erased {what}.")


@periods.callback()
def _group() -> None:
    """Keep 'run' a sub-command while it is the only one."""


@periods.command("run")
def run_retention(as_json: AsJson = False) -> None:
    """End what has been kept long enough (retention.csv); meant for every night."""
    city = load_city()
    with _sessions() as sessions:
        done = retention.run(sessions, city, store_of(city.settings), now=utc_now())
    if as_json:
        print_json(done)
    else:
        console.print(", ".join(f"{kind} {count:,}" for kind, count in done.items()) + " ended.")


@keys.command("rotate-token")
def rotate_token(
    forget: Annotated[
        bool, typer.Option("--forget-old", help="End every token that an older key signed.")
    ] = False,
) -> None:
    """Sign tokens with a new key; servers go on, and those of the old one hold until they expire.

    A renewal is signed by the new key. Once the old one is forgotten, its tokens are refused.
    """
    settings = get_settings()
    ring = KeyRing(settings.var_dir / "keys", "token", settings.token_key)
    if forget:
        ring.end_rotation()
    else:
        ring.begin_rotation()
    with _sessions() as sessions, transaction(sessions) as session:
        note(session, _done("forget old key" if forget else "rotate key", "token", ""))
        write_noted(session)
    console.print(
        "The older keys are forgotten."
        if forget
        else f"New tokens have a new key; after {settings.token_hours} hours: --forget-old."
    )


@keys.command()
def rotate() -> None:
    """Seal contacts, telephones, ballots, groups anew; servers go on, by the old key meanwhile."""
    ring = _ring()
    ring.begin_rotation()
    done = 0
    with _sessions() as sessions:
        with transaction(sessions) as session:
            since = moment(session)
        notes.print("Waiting for what was begun with the old key.")
        while _writing(sessions, since):
            pass
        for first, reseal in (
            (personal.FIRST, personal.reseal),
            (staff.FIRST, staff.reseal),
            (staff.FIRST, trials.reseal),
            (groups.FIRST, groups.reseal),
        ):
            after: tuple[str, uuid.UUID] | None = first
            while after is not None:
                with transaction(sessions) as session:
                    count, after = reseal(session, after, ring.keys)
                done += count
        with transaction(sessions) as session:
            note(session, _done("rotate key", "reporter", ""))
            write_noted(session)
    ring.end_rotation()
    console.print(f"{done:,} contacts are sealed with the new key.")


def _done(act: str, subject: str, reason: str) -> Done:
    return Done(utc_now(), operator(), "operator", act, subject, reason)


def _writing(sessions: sessionmaker[Session], since: dt.datetime) -> bool:
    with transaction(sessions) as session:
        return still_writing(session, since)


def _reports(
    session: Session, ring: KeyRing, receipt: str | None, phone: str | None, subject: str | None
) -> Iterator[Report]:
    """The reports of whoever is named in one of three ways. Raises BadInput, NotFound."""
    if sum(one is not None for one in (receipt, phone, subject)) != 1:
        raise BadInput("Name the person by one of --receipt, --phone and --subject.")
    if receipt is not None:
        found = [find_report(session, receipt)]
    elif phone is not None:
        found = list(personal.reports_of_phone(session, ring.keys, phone))
    else:
        found = list(reports_filed_by(session, subject or ""))
    if not found:
        raise NotFound("Nothing is kept about this person.")
    yield from found


def _ring() -> KeyRing:
    settings = get_settings()
    return KeyRing(settings.var_dir / "keys", "reporter", settings.reporter_key)


@contextmanager
def _sessions() -> Iterator[sessionmaker[Session]]:
    engine = create_engine(database(), application_name="gridsvc cli", statement_timeout_s=0.0)
    try:
        yield session_factory(engine)
    finally:
        engine.dispose()
