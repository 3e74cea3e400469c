"""Help: asked, taken by exactly one, done, and rated by whoever asked and nobody else."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from gridsvc.callers import Role
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.core.rights import acting_body, own_body
from gridsvc.cases.systems.help_requests import repository
from gridsvc.cases.systems.help_requests.kinds import HELP_KINDS
from gridsvc.cases.systems.help_requests.models import HelpRelease, HelpRequest
from gridsvc.cases.systems.help_requests.rights import (
    check_asker,
    check_asker_or_staff,
    check_side,
    is_asker,
    staff_of,
    taker_of,
)
from gridsvc.city import City
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, Conflict, NotAllowed, NotFound
from gridsvc.registry.bodies.list_repository import active_areas
from gridsvc.registry.members import teams_repository
from gridsvc.registry.members.service import enter_service, locked_or_refuse

#: So many requests of one asker wait for somebody at a time.
MOST_OPEN = 10
#: A request that was taken and of which nobody says any more has lapsed so long after its time.
FORGOTTEN = dt.timedelta(days=7)
_LATEST = dt.timedelta(days=366)
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks; ``body`` asks where it is not a resident."""

    community: str
    kind: str
    what: str
    place: str | None
    wanted_by: dt.datetime | None
    body: str | None


def ask(occasion: Occasion, wish: Wish) -> HelpRequest:
    """Ask the members of a community for help.

    Raises BadInput, NotAllowed for an office that does not work there, Conflict for one who asks
    too much at a time.
    """
    session, caller, now = occasion.session, occasion.caller, occasion.now
    kinds = occasion.city.table(HELP_KINDS)
    if wish.kind not in kinds:
        raise BadInput(f"'kind' is one of {', '.join(kinds)}.", field="kind")
    body = _asking_body(occasion, wish)
    if wish.community not in active_areas(session, "community", wish.community, now):
        raise BadInput(
            f"No village or community '{wish.community[:12]}' is in force.", field="community"
        )
    subject = caller.subject if body is None else None
    if repository.open_of(session, body, subject) >= MOST_OPEN:
        raise Conflict(
            f"{MOST_OPEN} requests of yours wait for somebody; withdraw one, or wait until one is"
            " done."
        )
    wanted_by = now + dt.timedelta(hours=kinds[wish.kind].hours)
    request = HelpRequest(
        district_code=wish.community[:6],
        id=uuid7(),
        community_code=wish.community,
        kind=wish.kind,
        what=wish.what,
        place=wish.place,
        asker_body=body,
        asker_subject=subject,
        asked_at=now,
        wanted_by=_until(occasion, wish.wanted_by) or wanted_by,
        state="open",
    )
    session.add(request)
    session.flush()
    return request


def take(occasion: Occasion, id: uuid.UUID, *, member: str | None, team: str | None) -> HelpRequest:
    """A member of the community takes an open request, or a team of it; exactly one does.

    The community's staff says who. Raises NotFound, NotAllowed, BadInput, and Conflict, with who
    was first, where it is not open.
    """
    request = _locked(occasion, id)
    if is_asker(occasion, request) and not staff_of(occasion.caller, request):
        raise Conflict("You asked for this yourself; somebody else takes it.")
    taker = taker_of(occasion, request, member=member, team=team)
    _check_state(request, "open")
    request.state, request.taken_at = "taken", occasion.now
    request.member_code, request.team_code = taker.member, taker.team
    occasion.session.flush()
    return request


def give_back(occasion: Occasion, id: uuid.UUID, *, reason: str) -> HelpRequest:
    """Whoever has taken a request cannot come; others may take it until it is not wanted any more.

    Raises NotFound, NotAllowed, Conflict.
    """
    request = _locked(occasion, id)
    check_side(occasion, request)
    _check_state(request, "taken")
    _release(occasion.session, request, "gave_back", reason, occasion.now)
    return request


def finish(
    occasion: Occasion, id: uuid.UUID, *, minutes: int, members: Sequence[str]
) -> HelpRequest:
    """Whoever has taken a request has done it; so many ``minutes`` of each who came are entered.

    Of a team ``members`` are those who came. Raises NotFound, NotAllowed, Conflict, BadInput.
    """
    session, city, now = occasion.session, occasion.city, occasion.now
    request = _locked(occasion, id)
    check_side(occasion, request)
    _check_state(request, "taken")
    kind = city.table(HELP_KINDS).get(request.kind)
    title = request.kind if kind is None else kind.title_zh
    for code in sorted(_who_came(session, request, members)):
        enter_service(
            session,
            locked_or_refuse(session, code, field="members"),
            on_day=city.day(now),
            what=f"{title} {request.id}",
            minutes=minutes,
            today=city.day(now),
            team=request.team_code,
            request=request.id,
        )
    request.state, request.done_at = "done", now
    request.rate_by = now + dt.timedelta(days=7 if kind is None else kind.rate_days)
    session.flush()
    return request


def rate(occasion: Occasion, id: uuid.UUID, *, score: int, note: str | None) -> HelpRequest:
    """The asker, and nobody else, says how it was: 1 to 5, once, while it may be rated.

    Raises NotFound, NotAllowed, Conflict.
    """
    request = _locked(occasion, id)
    check_asker(occasion, request)
    _check_state(request, "done")
    request.state, request.score, request.rating = "rated", score, note
    request.rated_at = request.ended_at = occasion.now
    occasion.session.flush()
    return request


def not_come(
    occasion: Occasion, id: uuid.UUID, *, note: str, wanted_by: dt.datetime | None
) -> HelpRequest:
    """Nobody came, whatever was said: no service counts; others may take it until ``wanted_by``.

    The asker says so, or the community's staff: of what is taken once it was wanted, of what is
    said to be done until it may not be rated any more. Raises NotFound, NotAllowed, Conflict.
    """
    request = _locked(occasion, id)
    check_asker_or_staff(occasion, request)
    if request.state != "done":
        _check_state(request, "taken")
        if occasion.now < request.wanted_by:
            raise Conflict(f"There is time until {request.wanted_by.isoformat()}; wait until then.")
    until = _until(occasion, wanted_by)
    repository.take_services_back(occasion.session, request)
    request.done_at, request.rate_by = None, None
    request.wanted_by = until or request.wanted_by
    _release(occasion.session, request, "did_not_come", note, occasion.now)
    return request


def renew(occasion: Occasion, id: uuid.UUID, *, wanted_by: dt.datetime) -> HelpRequest:
    """The asker of a request that nobody took asks again. Raises NotFound, NotAllowed, Conflict."""
    request = _locked(occasion, id)
    check_asker(occasion, request)
    _check_state(request, "lapsed")
    request.wanted_by = _until(occasion, wanted_by) or request.wanted_by
    request.state, request.ended_at = "open", None
    occasion.session.flush()
    return request


def withdraw(occasion: Occasion, id: uuid.UUID) -> HelpRequest:
    """It is not needed any more, as the asker or the community's staff says.

    Raises NotFound, NotAllowed, Conflict.
    """
    request = _locked(occasion, id)
    check_asker_or_staff(occasion, request)
    _check_state(request, "open", "lapsed", "taken")
    request.state, request.ended_at = "withdrawn", occasion.now
    occasion.session.flush()
    return request


def end_those_over(session: Session, *, now: dt.datetime) -> int:
    """Let lapse what nobody took or did, stay unrated what nobody rated; gives how many."""
    ended = 0
    for id in repository.over(session, now=now, forgotten=now - FORGOTTEN, most=_BATCH):
        request = repository.request_by_id(session, id, lock=True)
        ended += request is not None and _end_if_over(session, request, now)
    session.flush()
    return ended


def _asking_body(occasion: Occasion, wish: Wish) -> str | None:
    """The body that asks, None for a resident."""
    caller = occasion.caller
    if caller.role is Role.CITIZEN:
        if wish.body is not None:
            raise NotAllowed("A resident asks for themselves; leave 'body' out.", field="body")
        return None
    if not caller.covers(wish.community):
        raise NotAllowed(
            f"The token is for '{caller.area}'; it asks for nothing in {wish.community}."
        )
    code = wish.body or own_body(caller)
    if code is None:
        raise BadInput("Say in 'body' which body asks.", field="body")
    return acting_body(occasion.session, caller, code)


def _locked(occasion: Occasion, id: uuid.UUID) -> HelpRequest:
    request = repository.request_by_id(occasion.session, id, lock=True)
    if request is None:
        raise NotFound(f"There is no request for help {id}.")
    _end_if_over(occasion.session, request, occasion.now)
    return request


def _end_if_over(session: Session, request: HelpRequest, now: dt.datetime) -> bool:
    if request.state == "taken" and request.wanted_by + FORGOTTEN <= now:
        _release(session, request, "did_not_come", "", now)
    elif request.state == "open" and request.wanted_by <= now:
        request.state, request.ended_at = "lapsed", request.wanted_by
    elif request.state == "done" and request.rate_by is not None and request.rate_by <= now:
        request.state, request.ended_at = "unrated", request.rate_by
    else:
        return False
    return True


def _check_state(request: HelpRequest, *wanted: str) -> None:
    if request.state in wanted:
        return
    state = {"state": request.state}
    if request.state == "open":
        raise Conflict("Nobody has taken this request.", **state)
    if request.state == "lapsed":
        raise Conflict("Nobody took this request in time; its asker may ask again.", **state)
    if request.state == "withdrawn":
        raise Conflict("This request was withdrawn.", **state)
    who = request.team_code or request.member_code
    when = "" if request.taken_at is None else request.taken_at.isoformat()
    raise Conflict(f"This request was taken by {who} at {when}, and is '{request.state}'.", **state)


def _release(session: Session, request: HelpRequest, why: str, note: str, now: dt.datetime) -> None:
    """A request is open again while somebody may still come, else it has lapsed."""
    earlier = repository.releases_of(session, request)
    session.add(
        HelpRelease(
            district_code=request.district_code,
            request_id=request.id,
            n=len(earlier) + 1,
            member_code=request.member_code,
            team_code=request.team_code,
            why=why,
            note=note,
            at=now,
        )
    )
    request.state, request.taken_at = "open", None
    request.member_code, request.team_code = None, None
    if request.wanted_by <= now:
        request.state, request.ended_at = "lapsed", now
    session.flush()


def _who_came(session: Session, request: HelpRequest, members: Sequence[str]) -> set[str]:
    taker = request.member_code
    if taker is None:
        raise AssertionError("a request that is taken has somebody who took it")
    if request.team_code is None:
        if set(members) - {taker}:
            raise BadInput("'members' is for teams; this was taken by one.", field="members")
        return {taker}
    team = teams_repository.team_by_code(session, request.team_code)
    people = {taker} if team is None else teams_repository.people_of(session, team)
    if strange := sorted(set(members) - people):
        raise BadInput(
            f"{strange[0][:20]} is not in the team {request.team_code}.", field="members"
        )
    return set(members) or {taker}


def _until(occasion: Occasion, given: dt.datetime | None) -> dt.datetime | None:
    """A time to come, in UTC. Raises BadInput."""
    if given is None:
        return None
    if given.tzinfo is None:
        raise BadInput("'wanted_by' has no time zone; add 'Z' or an offset.", field="wanted_by")
    if not occasion.now < given <= occasion.now + _LATEST:
        raise BadInput("'wanted_by' lies within the next year.", field="wanted_by")
    return given.astimezone(dt.UTC)


def kinds_of(city: City) -> list[tuple[str, str, str]]:
    """Kind, English and Chinese title of all that may be asked."""
    return [(one.kind, one.title, one.title_zh) for one in city.table(HELP_KINDS).values()]
