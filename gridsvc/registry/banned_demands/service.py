"""Demands on communities: one that the list bans is refused with its item, the others are sent."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, Conflict, NotAllowed
from gridsvc.registry.banned_demands import repository
from gridsvc.registry.banned_demands.models import BannedDemand, Demand
from gridsvc.registry.bodies.importer import Imported, RefusedRow
from gridsvc.registry.bodies.list_repository import active_areas
from gridsvc.registry.bodies.service import body_or_refuse
from gridsvc.tables import Row, table

_COLUMNS, _OPTIONAL = ["number", "item"], ["words"]


def import_items(session: Session, path: Path, *, district: str, now: dt.datetime) -> Imported:
    """Let a CSV (number, item, words) be a district's list; all of its rows, or none.

    Without words those of the item itself count. Raises BadFile for a file that is not such a CSV
    file, BadInput for a district that is not in force.
    """
    if len(district) != 6 or district not in active_areas(session, "district", district, now):
        raise BadInput(f"No district '{district[:12]}' is in force.", field="district")
    faults, lines, rows = [], dict[str, int](), []
    for row in table(path, _COLUMNS, _OPTIONAL):
        if why := _wrong(row, lines):
            faults.append(RefusedRow(row.line, why))
            continue
        lines[row["number"]] = row.line
        rows.append(
            {
                "district_code": district,
                "number": int(row["number"]),
                "item": row["item"],
                "words": row["words"] or row["item"],
                "source": path.name,
            }
        )
    if faults or not rows:
        return Imported(len(rows) + len(faults), 0, 0, tuple(faults))
    known = {one.number for one in repository.items_of(session, district)}
    repository.replace_items(session, district, rows)
    again = sum(row["number"] in known for row in rows)
    return Imported(len(rows), len(rows) - again, again, ())


def banned_by(items: Iterable[BannedDemand], *texts: str) -> list[BannedDemand]:
    """The items that ban a demand of these words, however they are spaced, marked or wide."""
    said = [plain(text) for text in texts]
    return [
        item
        for item in items
        if any(
            all(any(plain(word) in text for text in said) for word in alternative.split())
            for alternative in item.words.split(";")
            if plain(alternative)
        )
    ]


def plain(text: str) -> str:
    """Letters and digits alone, of one width and case: what a demand says, not how."""
    whole = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in whole if letter.isalnum())


def send_demand(
    session: Session,
    caller: Caller,
    *,
    body: str,
    community: str,
    kind: str,
    title: str,
    content: str,
    now: dt.datetime,
) -> Demand:
    """Send a demand, form or survey of a body to a community.

    Raises BadInput, NotFound, NotAllowed, and Conflict with the items of the list that ban it.
    """
    if not caller.covers(community):
        raise NotAllowed(
            f"The token is for {caller.area}; it sends nothing to {community}, which lies outside."
        )
    sender = body_or_refuse(session, body, field="body")
    if not caller.acts_for(sender.code, sender.area_code):
        raise NotAllowed(
            f"A token for '{caller.body or caller.area}' sends nothing for {sender.name}; use that"
            " body's own token."
        )
    if community not in active_areas(session, "community", community, now):
        raise BadInput(
            f"No village or community '{community[:12]}' is in force.", field="community"
        )
    banned = banned_by(repository.items_of(session, community[:6]), title, content)
    if banned:
        first = banned[0]
        raise Conflict(
            f"This must not be demanded of communities (减负清单): item {first.number},"
            f" {first.item}. Nothing was sent.",
            items=[{"number": one.number, "item": one.item} for one in banned],
        )
    sent = Demand(
        district_code=community[:6],
        id=uuid7(),
        community_code=community,
        body_code=sender.code,
        kind=kind,
        title=title,
        content=content,
        sent_at=now,
        sent_by=caller.named[:100],
    )
    session.add(sent)
    session.flush()
    return sent


def _wrong(row: Row, lines: dict[str, int]) -> str | None:
    if re.fullmatch("[1-9][0-9]{0,4}", row["number"], re.ASCII) is None:
        return f"the number is {row['number'][:40]!r}; write 1 to 99999"
    if row["number"] in lines:
        return f"line {lines[row['number']]} already has the number {row['number']}"
    if not 0 < len(row["item"]) <= 500 or len(row["words"]) > 500 or "\0" in row["item"]:
        return "the item must have 1 to 500 characters, its words at most 500"
    if not plain(row["words"] or row["item"]):
        return "the words of the item have no letter or digit"
    return None
