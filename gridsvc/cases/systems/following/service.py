"""A report is followed by webhooks: what the citizen is told of it, they are told as it happens.

What they are sent is in every receipt-holder's ``outcome``: nothing of persons, and no words of
anybody. Messages lie in the same outbox as those to bodies, and the worker delivers both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.cases.core.act import Act, Occasion
from gridsvc.cases.core.events import CaseClosed, Recorded
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.intake.models import Report
from gridsvc.cases.intake.personal import ReportErased, check_own, is_own
from gridsvc.cases.intake.reports import ReportsGiven
from gridsvc.cases.intake.rights import may_see_pin
from gridsvc.cases.systems.citizen import closed_words, words_of
from gridsvc.cases.systems.following import repository
from gridsvc.cases.systems.following.models import Follow
from gridsvc.city import City
from gridsvc.db.base import uuid7
from gridsvc.errors import NotFound, StepRefused

#: What a message to a follower is about.
TOPIC = "report_followed"


def check_follower(
    session: Session, city: City, caller: Caller | None, report: Report, secret: str | None
) -> None:
    """Raises NotAllowed but for whoever filed a report, and the staff of its case."""
    if caller is None or not may_see_pin(session, city, caller, report):
        check_own(caller, report, secret)


def follow(occasion: Occasion, report: Report, secret: str | None, url: str) -> Follow:
    """Have a webhook called from now on; the one that is there, if it is.

    Raises NotAllowed, and StepRefused once the report is erased or has as many as it may.
    """
    session, now = occasion.session, occasion.now
    follower = _follower(occasion, report, secret)
    case = lock_case(session, report.case_id)
    session.refresh(report)
    if report.case_id != case.id:
        raise StepRefused(f"The report was just given to case {report.case_id}; try again.")
    if report.erased_at is not None:
        raise StepRefused(f"The report was erased at {report.erased_at.isoformat()}.")
    known = repository.follows_of(session, report, follower=follower)
    for one in known:
        if one.url == url:
            return one
    most = occasion.city.settings.max_follows
    if len(known) >= most:
        raise StepRefused(
            f"The report is followed by {most} webhooks of yours; unfollow one first."
        )
    new = Follow(
        district_code=report.district_code,
        id=uuid7(),
        report_id=report.id,
        follower=follower,
        url=url,
        created_at=now,
    )
    session.add(new)
    case.followed = True
    return new


def follows_of(occasion: Occasion, report: Report, secret: str | None) -> Sequence[Follow]:
    """What the caller has a report followed by. Raises NotAllowed."""
    follower = _follower(occasion, report, secret)
    return repository.follows_of(occasion.session, report, follower=follower)


def unfollow(occasion: Occasion, report: Report, secret: str | None, follow_id: UUID) -> None:
    """Call a webhook no more, not even about what was to be told. Raises NotAllowed, NotFound."""
    for one in follows_of(occasion, report, secret):
        if one.id == follow_id:
            repository.forget(occasion.session, [one])
            return
    raise NotFound(f"Nobody follows report {report.receipt} under the id {follow_id}.")


def _follower(occasion: Occasion, report: Report, secret: str | None) -> str:
    check_follower(occasion.session, occasion.city, occasion.caller, report, secret)
    return "" if is_own(occasion.caller, report, secret) else occasion.caller.subject[:100]


def tell_entry(act: Act, event: Recorded) -> None:
    """Tell those who follow a report of the case what was entered in its trace."""
    for one, report in repository.followers_of(act.session, act.case):
        said = words_of(act, report, event.entry)
        if said is not None:
            _tell(act, one, report, {"at": event.entry.at.isoformat(), "said": said})


def tell_closing(act: Act, event: CaseClosed) -> None:
    """Tell them that the case was closed."""
    if act.case.followed:
        content = {"at": event.at.isoformat(), "said": closed_words(act.city)}
        for one, report in repository.followers_of(act.session, act.case):
            _tell(act, one, report, content)


def follow_reports(act: Act, event: ReportsGiven) -> None:
    """Those who follow a report are told of the case that goes on with it."""
    event.target.followed = event.target.followed or act.case.followed


def forget_followers(act: Act, event: ReportErased) -> None:
    """An erased report is followed by nobody."""
    repository.forget(act.session, repository.every_follow(act.session, event.report))


def _tell(act: Act, one: Follow, report: Report, content: Mapping[str, object]) -> None:
    about = {"receipt": report.receipt, "report": f"/v1/reports/{report.receipt}"}
    act.tell_follower(one.id, one.url, TOPIC, {**about, **content})
