"""Atom feeds (RFC 4287): what happens to a report, and what is new in an area.

They tell what everybody with the receipt, or everybody, may know: no words of a reporter, no place
more exact than an area, and of other people's reports no receipt.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from sqlalchemy.orm import Session

from gridsvc.cases.intake.models import Report
from gridsvc.cases.systems.citizen import history_of, stage_of
from gridsvc.cases.systems.following import repository
from gridsvc.city import City
from gridsvc.registry.areas.lookup import children_page, find_area
from gridsvc.registry.classes.repository import names_of

_ATOM = "http://www.w3.org/2005/Atom"
#: Entries of a feed, the newest; readers that come once a day miss none.
_MOST = 100
#: The feed of an area reaches back so far.
_REACH = dt.timedelta(days=30)
_CHILDREN = 1_000
#: What XML 1.0 cannot hold.
_UNSAYABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: an id that stays, what it says, when it happened, since when it says so."""

    id: uuid.UUID
    title: str
    content: str
    published: dt.datetime
    updated: dt.datetime


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed, the newest entry first; ``began`` is its date while it has none."""

    id: str
    title: str
    language: str
    path: str
    alternate: str
    began: dt.datetime
    entries: Sequence[Entry]

    @property
    def updated(self) -> dt.datetime:
        """When something was new last."""
        return max((entry.updated for entry in self.entries), default=self.began)

    def to_xml(self) -> bytes:
        """The document, the same bytes while nothing is new."""
        root = ElementTree.Element("feed", {"xmlns": _ATOM, "xml:lang": self.language})
        _say(root, id=self.id, title=self.title, updated=_moment(self.updated))
        ElementTree.SubElement(root, "link", {"rel": "self", "href": self.path})
        ElementTree.SubElement(root, "link", {"rel": "alternate", "href": self.alternate})
        _say(ElementTree.SubElement(root, "author"), name="gridsvc")
        for entry in self.entries:
            item = ElementTree.SubElement(root, "entry")
            _say(item, id=entry.id.urn, title=entry.title, published=_moment(entry.published))
            _say(item, updated=_moment(entry.updated), content=entry.content)
        document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
        return document


def etag_of(document: bytes) -> str:
    """The entity tag of a document."""
    return f'"{hashlib.blake2b(document, digest_size=12).hexdigest()}"'


def report_feed(
    session: Session, city: City, report: Report, *, language: str, now: dt.datetime
) -> Feed:
    """What happened to a report, in a language."""
    path = f"/v1/reports/{report.receipt}"
    told = history_of(session, city, report, language=language, now=now)[-_MOST:]
    return Feed(
        id=report.id.urn,
        title=report.receipt,
        language=language,
        path=f"{path}/feed.atom",
        alternate=path,
        began=report.created_at,
        entries=[
            Entry(uuid.uuid5(report.id, one.name), one.said, one.said, one.at, one.written_at)
            for one in reversed(told)
        ],
    )


def area_feed(session: Session, city: City, code: str, *, language: str, now: dt.datetime) -> Feed:
    """The newest cases of an area and how each stands. Raises BadCode, NotFound."""
    area = find_area(session, code, now)
    since = uuid.UUID(int=int((now - _REACH).timestamp() * 1_000) << 80)
    cases = repository.newest_cases(session, code, since=since, limit=_MOST)
    below = _names_below(session, code, now)
    kinds = {(case.standard, case.kind) for case in cases}
    classes = {kind: names_of(session, *kind) for kind in kinds}
    entries = []
    for case in cases:
        name = classes[case.standard, case.kind].get(case.class_code, case.class_code)
        where = below.get(case.street_code or "") or below.get(case.community_code or "")
        entries.append(
            Entry(
                id=case.id,
                title=f"{name} · {where or area.name}",
                content=stage_of(city, case, language),
                published=case.opened_at,
                updated=case.closed_at or max(case.step_since or case.opened_at, case.opened_at),
            )
        )
    return Feed(
        id=uuid.uuid5(uuid.NAMESPACE_URL, f"gridsvc:area:{code}").urn,
        title=area.name,
        language=language,
        path=f"/v1/areas/{code}/feed.atom",
        alternate=f"/v1/areas/{code}",
        began=area.edition.effective_from,
        entries=entries,
    )


def _names_below(session: Session, code: str, now: dt.datetime) -> Mapping[str, str]:
    """The names of the areas right below one, by code; a community has none."""
    if len(code) > 9:
        return {}
    found = children_page(session, code, limit=_CHILDREN, moment=now)
    return {one.code: one.name for one in found.areas}


def _say(parent: ElementTree.Element, **texts: str) -> None:
    for name, text in texts.items():
        ElementTree.SubElement(parent, name).text = _UNSAYABLE.sub(
            "\N{REPLACEMENT CHARACTER}", text
        )


def _moment(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
