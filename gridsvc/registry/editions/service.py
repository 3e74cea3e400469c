"""The life of an edition: draft, audited, active, retired; every turn is kept, and taken back."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, Conflict, NotFound
from gridsvc.registry.editions import repository
from gridsvc.registry.editions.models import Edition, EditionAction, EditionEvent, EditionState
from gridsvc.registry.editions.repository import Before
from gridsvc.spatial.moves import NOISE_M2, changed_m2

#: Who acts where no person is named.
SERVICE = "gridsvc"

#: From wide to narrow.
LEVELS = ("district", "street", "community", "unit_grid")

_PENDING = (EditionState.DRAFT, EditionState.AUDITED)
_IN_FORCE = (EditionState.ACTIVE, EditionState.RETIRED)


def mark_audited(
    session: Session, edition_id: str, audit: dict[str, Any], *, by: str, at: dt.datetime
) -> Edition:
    """Keep the report of an audit with its edition; a draft becomes audited and may be activated.

    What the import found stays in the report under ``import``. An edition in force, or retired,
    keeps its state. ``audit`` must be ready for JSON. Raises NotFound.
    """
    level = existing_edition(session, edition_id).level
    edition = _locked(session, level)[edition_id]
    found = edition.audit or {}
    imported = found if edition.audited_at is None else found.get("import")
    edition.audit = {**audit, "import": imported} if imported else audit
    edition.audited_at = at
    if edition.state == EditionState.DRAFT:
        edition.state = EditionState.AUDITED
    session.flush()
    record(session, edition, EditionAction.AUDITED, by=by, at=at)
    return edition


def activate_edition(
    session: Session,
    edition_id: str,
    *,
    by: str = SERVICE,
    at: dt.datetime,
    why: str | None = None,
    without_audit: str | None = None,
) -> Edition:
    """Put an audited edition in force from its date on, and close the one that it replaces.

    The one before is answered from for the days until then (``as_of``). All or nothing at the
    caller's commit; two activations of one level wait for each other. ``without_audit`` is the
    reason why a draft is activated as it is; it is kept. ``why`` is kept with every area whose
    ground changes (else the reason that the edition was loaded with); ``at`` is when this is done.

    Raises NotFound for an unknown edition; Conflict when it is in force or retired, is not
    audited, holds no areas, or does not begin after the edition that it replaces; BadInput when
    areas change and nobody says why.
    """
    by_id = _locked(session, existing_edition(session, edition_id).level)
    edition = by_id[edition_id]
    if edition.state not in _PENDING:
        raise Conflict(
            f"The edition {edition_id!r} is {edition.state}; only a draft is activated, once it is"
            " audited."
        )
    if not repository.codes_in(session, edition_id):
        raise Conflict(f"The edition {edition_id!r} holds no areas; add them before activating it.")
    if edition.state == EditionState.DRAFT and not (without_audit or "").strip():
        raise Conflict(
            f"The edition {edition_id!r} is not audited; run 'gridsvc edition audit' first, or say"
            " why it is put in force without ('--without-audit REASON').",
            field="without_audit",
        )
    former = _closed_by(edition, by_id)
    changed = number_versions(session, edition, why or edition.reason)
    if former is not None:
        former.effective_to = edition.effective_from
        former.state = EditionState.RETIRED
        session.flush()
        replaced = {"replaced_by": edition.id}
        record(session, former, EditionAction.RETIRED, by=by, at=at, details=replaced)
    waived = {} if edition.state == EditionState.AUDITED else {"without_audit": without_audit}
    edition.state = EditionState.ACTIVE
    session.flush()
    record(
        session,
        edition,
        EditionAction.ACTIVATED,
        by=by,
        at=at,
        reason=why or edition.reason,
        details={"replaces": former and former.id, "areas_changed": len(changed), **waived},
    )
    return edition


def revert_edition(
    session: Session, edition_id: str, *, why: str, by: str = SERVICE, at: dt.datetime
) -> Edition | None:
    """Take the newest activation of a level back; the edition before it is in force again.

    It is in force as if it had never been replaced: also for the days since. The edition that is
    taken back stands where it stood before (audited, or draft) and may be activated again, but
    its areas stay as they are, because placements name it. Gives the edition that is in force
    again, None when there was none before.

    Raises NotFound for an unknown edition, Conflict when it is not the newest in force of its
    level, BadInput when nobody says why.
    """
    if not why.strip():
        raise BadInput("Say why the activation is taken back.", field="why")
    by_id = _locked(session, existing_edition(session, edition_id).level)
    edition = by_id[edition_id]
    if edition.level == "unit_grid":
        raise Conflict(
            f"The edition {edition_id!r} is a build of unit grids, and codes that were given out"
            " stay; build the grids again instead."
        )
    if edition.state == EditionState.RETIRED:
        raise Conflict(
            f"The edition {edition_id!r} was replaced on {edition.effective_to}; only the newest"
            " activation is taken back, so revert the edition that replaced it first."
        )
    if edition.state != EditionState.ACTIVE:
        raise Conflict(f"The edition {edition_id!r} is {edition.state}; it is not in force.")
    edition.state = EditionState.DRAFT if edition.audited_at is None else EditionState.AUDITED
    session.flush()
    former = next(
        (
            it
            for it in by_id.values()
            if it.effective_to == edition.effective_from and it.state == EditionState.RETIRED
        ),
        None,
    )
    details: dict[str, Any] = {"restored": former and former.id}
    record(session, edition, EditionAction.REVERTED, by=by, at=at, reason=why, details=details)
    if former is None:
        return None
    former.effective_to = None
    former.state = EditionState.ACTIVE
    session.flush()
    details = {"instead_of": edition.id}
    record(session, former, EditionAction.RESTORED, by=by, at=at, reason=why, details=details)
    return former


def discard_edition(
    session: Session, edition_id: str, *, by: str = SERVICE, at: dt.datetime
) -> None:
    """Delete a draft and its areas; that it was there is kept.

    Raises NotFound; Conflict when it was ever in force.
    """
    edition = existing_edition(session, edition_id)
    if edition.state not in _PENDING:
        raise Conflict(f"The edition {edition_id!r} is {edition.state}; only a draft is discarded.")
    if repository.was_in_force(session, edition_id):
        raise Conflict(
            f"The edition {edition_id!r} was in force before it was taken back, and placements"
            " refer to it; it stays."
        )
    record(session, edition, EditionAction.DISCARDED, by=by, at=at)
    session.expunge(edition)
    repository.delete_edition(session, edition_id)


def edition_in_force(session: Session, level: str, moment: dt.datetime) -> Edition:
    """The edition of a level in force at a moment. Raises NotFound when there was none."""
    edition = repository.edition_in_force(session, level, moment)
    if edition is None:
        raise NotFound(
            f"No {level} boundaries were in force at {moment.isoformat(timespec='minutes')}; ask"
            " for a later day, or load an edition with 'gridsvc import areas'.",
            field="as_of",
        )
    return edition


def edition_above(session: Session, level: str, moment: dt.datetime) -> Edition | None:
    """The edition of the level right above one that is in force at a moment, if there is one."""
    place = LEVELS.index(level)
    return repository.edition_in_force(session, LEVELS[place - 1], moment) if place else None


def existing_edition(session: Session, edition_id: str) -> Edition:
    """The edition of this id. Raises NotFound."""
    edition = repository.edition(session, edition_id)
    if edition is None:
        raise NotFound(
            f"There is no edition {edition_id[:80]!r}; 'gridsvc edition list' names them.",
            field="edition",
        )
    return edition


def record(
    session: Session,
    edition: Edition,
    action: EditionAction,
    *,
    by: str,
    at: dt.datetime,
    reason: str | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Keep what happened to an edition."""
    session.add(
        EditionEvent(
            id=uuid7(),
            edition_id=edition.id,
            level=edition.level,
            action=action,
            actor=by,
            at=at,
            reason=reason,
            details=details or {},
        )
    )
    session.flush()


def _locked(session: Session, level: str) -> dict[str, Edition]:
    """The editions of a level by id, held until the commit."""
    return {edition.id: edition for edition in repository.lock_level(session, level)}


def _closed_by(edition: Edition, by_id: dict[str, Edition]) -> Edition | None:
    """The edition in force that this one replaces. Raises Conflict when they cannot follow."""
    former = None
    for other in by_id.values():
        if other.state not in _IN_FORCE:
            continue
        if other.state == EditionState.ACTIVE and other.effective_from < edition.effective_from:
            former = other
        elif other.effective_to is None or other.effective_to > edition.effective_from:
            raise Conflict(
                f"The edition {edition.id!r} begins on {edition.effective_from.isoformat()}, not"
                f" after {other.id!r}, in force since {other.effective_from.isoformat()}; give it"
                " a later effective_from."
            )
    return former


def number_versions(session: Session, edition: Edition, why: str | None) -> list[str]:
    """Number the areas of an edition that is about to be in force; gives the codes that change.

    Each is held against the last edition in force that had its code: where the ground is the same
    (less than 10 cm² apart), version and reason stay; else the version is one more and ``why``
    is its reason. A code that none had begins with version 1. Raises BadInput when areas
    change and ``why`` is empty.
    """
    before = repository.areas_before(session, edition)
    changed = _changed(session, edition.id, before)
    if changed and not (why or "").strip():
        raise BadInput(
            f"{len(changed)} areas of {edition.id!r} have other borders than before, the first is"
            f" {min(changed)}; say why ('gridsvc edition activate --why', or 'gridsvc import areas"
            " --reason').",
            field="why",
        )
    versions = {
        it.code: (it.version + 1, why) if it.code in changed else (it.version, it.reason)
        for it in before
    }
    repository.set_versions(session, edition.id, versions)
    return sorted(changed)


def _changed(session: Session, edition_id: str, before: list[Before]) -> set[str]:
    """The codes whose ground is not the same."""
    redrawn = [it for it in before if not it.identical]
    if not redrawn:
        return set()
    new = repository.geometries_of(session, [(edition_id, it.code) for it in redrawn])
    old = repository.geometries_of(session, [(it.edition_id, it.code) for it in redrawn])
    moved_m2 = changed_m2(old, new)
    return {it.code for it, size in zip(redrawn, moved_m2, strict=True) if size > NOISE_M2}
