"""For which party a token scores the bodies of a whistle, or sends them back."""

from __future__ import annotations

from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.cases.core.engine import REPORTER, SUPERVISION
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.core.repository import case_by_id
from gridsvc.cases.core.rights import acting_body, own_body
from gridsvc.cases.systems.whistles.models import Whistle
from gridsvc.errors import BadInput, NotAllowed

__all__ = ["scoring_party"]


def scoring_party(session: Session, caller: Caller, whistle: Whistle, named: str | None) -> str:
    """The named party, else the caller's own, if the token may act for it.

    Raises BadInput when it must be named, NotAllowed for a token that may not, NotFound.
    """
    if whistle.caller_body == REPORTER and named in (None, REPORTER):
        case = case_by_id(session, whistle.case_id)
        if case is None or str(caller.token_id) != Progress.from_json(case.progress).reporter:
            raise NotAllowed("Whoever blew this whistle scores its bodies, with the same token.")
        return REPORTER
    if whistle.caller_body == SUPERVISION and named in (None, SUPERVISION):
        if not caller.supervises(whistle.district_code):
            raise NotAllowed(
                "Supervision scores these bodies: a token of role district, city or admin that"
                f" covers {whistle.district_code}."
            )
        return SUPERVISION
    by = named or own_body(caller)
    if by is None and not whistle.joint:
        by = whistle.caller_body
    if by is None:
        raise BadInput("Say in 'by' which side scores.", field="by")
    return acting_body(session, caller, by)
