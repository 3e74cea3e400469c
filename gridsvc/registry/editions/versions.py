"""A code whose ground changes keeps its code and gets a new version, with the reason."""

from __future__ import annotations

from sqlalchemy.orm import Session

from gridsvc.errors import BadInput
from gridsvc.registry.editions import repository
from gridsvc.registry.editions.models import Edition
from gridsvc.registry.editions.repository import Before
from gridsvc.spatial.moves import NOISE_M2, changed_m2

__all__ = ["number_versions"]


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
            f"{len(changed)} areas of {edition.id!r} have other borders than before, the first is "
            f"{min(changed)}: say why ('gridsvc edition activate --why', or 'gridsvc import areas "
            "--reason').",
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
