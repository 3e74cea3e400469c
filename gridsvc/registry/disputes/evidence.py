"""Evidence for a dispute: files and notes, kept with the hash of their bytes and never changed."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import uuid

from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, Conflict, NotFound, TooLarge
from gridsvc.registry.disputes import repository
from gridsvc.registry.disputes.model import Actor
from gridsvc.registry.disputes.models import Dispute, DisputeEvidence
from gridsvc.registry.disputes.service import lock_for
from gridsvc.registry.disputes.view import record

_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*")
_MOST_IN_A_NAME = 200


def add_file(
    session: Session,
    caller: Caller,
    dispute_id: uuid.UUID,
    *,
    name: str,
    media_type: str,
    content: bytes,
    max_bytes: int,
    now: dt.datetime,
) -> DisputeEvidence:
    """Keep a file for a side's caller.

    Raises NotFound, NotAllowed; BadInput for a file without a name, a type or content; TooLarge;
    Conflict when the very same bytes are there already.
    """
    dispute = lock_for(session, caller, dispute_id)
    named = name.strip()
    if not named or len(named) > _MOST_IN_A_NAME or re.search(r"[\x00-\x1f/\\]", named):
        raise BadInput(
            f"A file needs a 'name' of 1 to {_MOST_IN_A_NAME} characters without slashes, such as"
            " survey-2026.pdf.",
            field="name",
        )
    kind = media_type.partition(";")[0].strip().lower()
    if len(kind) > 100 or not _MEDIA_TYPE.fullmatch(kind):
        raise BadInput(
            f"'{media_type[:40]}' is not a media type; send the file's own as Content-Type, such"
            " as application/pdf.",
            field="Content-Type",
        )
    if not content:
        raise BadInput(
            f"'{named}' is empty; send the file's bytes as the body of the request.", field="body"
        )
    if len(content) > max_bytes:
        raise TooLarge(
            f"'{named}' has {len(content):,} bytes; a piece of evidence may have {max_bytes:,}."
            " Send a smaller scan, or several files.",
            field="body",
        )
    return _keep(session, caller, dispute, "file", named, kind, content, now)


def add_note(
    session: Session, caller: Caller, dispute_id: uuid.UUID, note: str, *, now: dt.datetime
) -> DisputeEvidence:
    """Keep a note for a side's caller. Raises NotFound, NotAllowed, BadInput, Conflict."""
    dispute = lock_for(session, caller, dispute_id)
    words = note.strip()
    if not words:
        raise BadInput("The note is empty; write what is to be kept.", field="note")
    return _keep(session, caller, dispute, "note", "", "text/plain", words.encode(), now)


def evidence_or_refuse(
    session: Session, dispute: Dispute, evidence_id: uuid.UUID
) -> DisputeEvidence:
    """One piece of a dispute's evidence, its bytes still those of its hash. Raises NotFound."""
    found = repository.evidence_by_id(session, dispute, evidence_id)
    if found is None:
        raise NotFound(f"The dispute {dispute.id} has no evidence {evidence_id}.")
    return found


def _keep(
    session: Session,
    caller: Caller,
    dispute: Dispute,
    kind: str,
    name: str,
    media_type: str,
    content: bytes,
    now: dt.datetime,
) -> DisputeEvidence:
    digest = hashlib.sha256(content).hexdigest()
    if repository.evidence_with_hash(session, dispute, digest) is not None:
        raise Conflict(f"This {kind} is already kept (SHA-256 {digest}).", sha256=digest)
    actor = Actor.of(caller)
    kept = DisputeEvidence(
        district_code=dispute.district_code,
        dispute_id=dispute.id,
        id=uuid7(),
        kind=kind,
        name=name,
        media_type=media_type,
        size_bytes=len(content),
        sha256=digest,
        content=content,
        added_by=actor.subject,
        role=actor.role,
        area=actor.area,
        added_at=now,
    )
    session.add(kept)
    record(
        session,
        dispute,
        f"{kind}_added",
        actor=actor,
        why=name or content.decode()[:200],
        content={"evidence_id": str(kept.id), "sha256": digest, "size_bytes": len(content)},
        now=now,
    )
    return kept
