"""Agreements (共治协议): who does what in a zone, drafted, checked, and put in force."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy.orm import Session

from gridsvc.city.classes import ClassKey
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, NotFound
from gridsvc.registry.bodies import repository
from gridsvc.registry.bodies.models import Agreement, AgreementDuty
from gridsvc.registry.bodies.repository import bodies_by_code
from gridsvc.registry.bodies.rule import ListedDuty
from gridsvc.spatial.reading import read_footprint

_MAX_VERTICES = 100_000
_FIELDS = {"title", "zone", "crs", "valid_from", "valid_to", "duties"}
_DUTY_FIELDS = {"body", "standard", "kind", "class", "role"}


@dataclass(frozen=True, slots=True)
class AgreedDuty:
    """One line: a body takes a class, or all whose code begins so, as lead or as assistant."""

    body_code: str
    standard: str
    kind: str
    class_prefix: str
    role: str


@dataclass(frozen=True, slots=True)
class AgreementDraft:
    """An agreement before it is signed. The zone is WGS84; ``valid_to`` None means until ended."""

    title: str
    zone: shapely.MultiPolygon
    duties: tuple[AgreedDuty, ...]
    valid_from: dt.date
    valid_to: dt.date | None


def read_draft(given: Mapping[str, Any], standard: str, *, zone: Any = None) -> AgreementDraft:
    """An agreement of ``{title, zone, crs, valid_from, valid_to, duties}``.

    ``zone`` is a GeoJSON Polygon or MultiPolygon; left out, it is the ground (WGS84) given here.
    A duty is ``{body, kind, class, role, standard}``; ``class`` is a code or its beginning, empty
    for all, and without a standard of the list ``standard``. Raises BadInput, BadGeometry.
    """
    _only(given, _FIELDS, "agreement")
    title = given.get("title")
    if not isinstance(title, str) or not 0 < len(title.strip()) <= 200:
        raise BadInput("An agreement needs a 'title' of 1 to 200 characters.", field="title")
    if given.get("zone") is not None:
        crs = str(given.get("crs") or "wgs84")
        zone = read_footprint(
            given["zone"], crs, max_vertices=_MAX_VERTICES, field="zone", subject="The zone"
        ).geometry
    if zone is None:
        raise BadInput("The agreement has no 'zone'; say where it holds.", field="zone")
    valid_from = _day(given.get("valid_from"), "valid_from")
    valid_to = None if given.get("valid_to") is None else _day(given["valid_to"], "valid_to")
    if valid_to is not None and valid_to <= valid_from:
        raise BadInput(
            f"The agreement ends on {valid_to}, but begins on {valid_from}; 'valid_to' is the"
            " first day on which it no longer holds, so it must come after 'valid_from'.",
            field="valid_to",
        )
    lines = given.get("duties")
    if not isinstance(lines, list) or not lines:
        raise BadInput("An agreement needs 'duties'; say who does what.", field="duties")
    duties = tuple(_duty(line, n, standard) for n, line in enumerate(lines))
    _check_lines(duties)
    return AgreementDraft(title.strip(), zone, duties, valid_from, valid_to)


def check_draft(session: Session, draft: AgreementDraft) -> None:
    """Refuse a draft that names bodies or classes that nobody knows. Raises NotFound, BadInput."""
    known = bodies_by_code(session, [duty.body_code for duty in draft.duties])
    for n, duty in enumerate(draft.duties):
        if duty.body_code not in known:
            raise NotFound(
                f"There is no body '{duty.body_code[:40]}' to take a duty; import it first, or"
                " correct its code.",
                field=f"duties.{n}.body",
            )
        if not repository.class_exists(session, duty.standard, duty.kind, duty.class_prefix):
            raise BadInput(
                f"{duty.standard} has no {duty.kind} class that begins with"
                f" '{duty.class_prefix}'; a class is five digits, such as 06001.",
                field=f"duties.{n}.class",
            )


def create_agreement(
    session: Session,
    draft: AgreementDraft,
    *,
    replaces: uuid.UUID | None = None,
    reason: str | None = None,
) -> uuid.UUID:
    """Put an agreement in force from its first day on; gives its id.

    ``replaces`` is the one that it takes the place of, and ``reason`` why.

    Raises NotFound, BadInput as :func:`check_draft` does.
    """
    check_draft(session, draft)
    agreement_id = uuid7()
    session.add(
        Agreement(
            id=agreement_id,
            title=draft.title,
            zone=from_shape(draft.zone, srid=4326),
            valid_from=draft.valid_from,
            valid_to=draft.valid_to,
            replaces=replaces,
            reason=reason,
        )
    )
    session.flush()
    for duty in draft.duties:
        session.add(
            AgreementDuty(
                agreement_id=agreement_id,
                body_code=duty.body_code,
                standard=duty.standard,
                kind=duty.kind,
                class_prefix=duty.class_prefix,
                role=duty.role,
            )
        )
    session.flush()
    return agreement_id


def drafted_duties(draft: AgreementDraft, key: ClassKey) -> list[ListedDuty]:
    """The lines of a draft that fit a class, the narrowest first."""
    fitting = [
        duty
        for duty in draft.duties
        if (duty.standard, duty.kind) == (key.standard, key.kind)
        and key.code.startswith(duty.class_prefix)
    ]
    fitting.sort(key=lambda duty: (-len(duty.class_prefix), duty.body_code))
    return [
        ListedDuty(duty.body_code, duty.role, draft.title, "", duty.class_prefix)
        for duty in fitting
    ]


def draft_json(draft: AgreementDraft) -> dict[str, Any]:
    """A draft in the form that :func:`read_draft` takes."""
    return {
        "title": draft.title,
        "zone": json.loads(shapely.to_geojson(draft.zone)),
        "valid_from": draft.valid_from.isoformat(),
        "valid_to": draft.valid_to and draft.valid_to.isoformat(),
        "duties": duties_json(draft.duties),
    }


def duties_json(duties: Iterable[AgreedDuty | AgreementDuty]) -> list[dict[str, Any]]:
    """The lines of an agreement in the form that :func:`read_draft` takes."""
    return [
        {
            "body": duty.body_code,
            "standard": duty.standard,
            "kind": duty.kind,
            "class": duty.class_prefix,
            "role": duty.role,
        }
        for duty in duties
    ]


def _duty(line: Any, n: int, listed: str) -> AgreedDuty:
    if not isinstance(line, Mapping):
        raise BadInput("A duty is an object with 'body', 'kind' and 'role'.", field=f"duties.{n}")
    _only(line, _DUTY_FIELDS, f"duties.{n}")
    body, kind, role = line.get("body"), line.get("kind", "event"), line.get("role", "lead")
    prefix, standard = line.get("class", ""), line.get("standard", listed)
    if not isinstance(body, str) or not body:
        raise BadInput("A duty needs the code of its 'body'.", field=f"duties.{n}.body")
    if kind not in ("part", "event"):
        raise BadInput("'kind' must be 'part' or 'event'.", field=f"duties.{n}.kind")
    if role not in ("lead", "assist"):
        raise BadInput("'role' must be 'lead' or 'assist'.", field=f"duties.{n}.role")
    digits = isinstance(prefix, str) and (prefix == "" or (prefix.isascii() and prefix.isdecimal()))
    if not digits or len(prefix) > 5:
        raise BadInput(
            "'class' is a class code of five digits, the digits that it begins with, or empty for"
            " all classes.",
            field=f"duties.{n}.class",
        )
    if not isinstance(standard, str):
        raise BadInput("'standard' must be the name of a class list.", field=f"duties.{n}.standard")
    return AgreedDuty(body, standard, kind, prefix, role)


def _check_lines(duties: tuple[AgreedDuty, ...]) -> None:
    """Every class has one lead at most, and no body is named twice for one class."""
    leads = Counter(
        (duty.standard, duty.kind, duty.class_prefix) for duty in duties if duty.role == "lead"
    )
    for (_, kind, prefix), count in leads.items():
        if count > 1:
            raise BadInput(
                f"{count} bodies lead for {kind} '{prefix or 'all'}'; one leads, others assist.",
                field="duties",
            )
    if not leads:
        raise BadInput("No duty has a lead; somebody must answer.", field="duties")
    lines = Counter(
        (duty.body_code, duty.standard, duty.kind, duty.class_prefix) for duty in duties
    )
    twice = [line for line, count in lines.items() if count > 1]
    if twice:
        raise BadInput(
            f"Body '{twice[0][0][:40]}' is duplicated for {twice[0][2]} '{twice[0][3] or 'all'}';"
            " it either leads or assists.",
            field="duties",
        )


def _only(given: Mapping[str, Any], known: set[str], field: str) -> None:
    unknown = sorted(str(name) for name in set(given) - known)
    if unknown:
        raise BadInput(
            f"'{unknown[0][:40]}' does not belong to it; it takes {', '.join(sorted(known))}.",
            field=f"{field}.{unknown[0][:40]}",
        )


def _day(value: Any, field: str) -> dt.date:
    try:
        return dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        raise BadInput(
            f"'{field}' must be a day such as 2026-11-21, but is {str(value)[:40]!r}.", field=field
        ) from None
