"""Who may do what with a request for help: its asker, who takes it, the community's staff."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.systems.help_requests import repository
from gridsvc.cases.systems.help_requests.models import HelpRequest
from gridsvc.errors import BadInput, NotAllowed, NotFound
from gridsvc.registry.members import teams_repository
from gridsvc.registry.members.models import Member
from gridsvc.registry.members.repository import member_of_subject
from gridsvc.registry.members.service import locked_or_refuse


@dataclass(frozen=True, slots=True)
class Taker:
    """The member who takes a request, for a team whose leader they are or alone."""

    member: str
    team: str | None


def staff_of(caller: Caller, request: HelpRequest) -> bool:
    """Whether the caller works for the city where it was asked."""
    return caller.staff and caller.covers(request.community_code)


def is_asker(occasion: Occasion, request: HelpRequest) -> bool:
    """Whether the caller is the resident, or has a token of the very body, that asked."""
    caller = occasion.caller
    if request.asker_body is None:
        return caller.role is Role.CITIZEN and caller.subject == request.asker_subject
    own = caller.area if caller.role is Role.STREET else caller.body
    return own == request.asker_body


def check_asker(occasion: Occasion, request: HelpRequest) -> None:
    """Let the asker pass and nobody else. Raises NotAllowed."""
    if not is_asker(occasion, request):
        raise NotAllowed("This is for whoever asked, with a token of their own, and nobody else.")


def check_asker_or_staff(occasion: Occasion, request: HelpRequest) -> None:
    """Let the asker and the community's staff pass. Raises NotAllowed."""
    if not staff_of(occasion.caller, request):
        check_asker(occasion, request)


def check_side(occasion: Occasion, request: HelpRequest) -> None:
    """Let pass who has taken a request, and the community's staff for them. Raises NotAllowed."""
    if staff_of(occasion.caller, request):
        return
    member = _member(occasion)
    if request.member_code is None and member.community_code == request.community_code:
        return
    if member.code != request.member_code:
        raise NotAllowed("This is for whoever has taken the request, and the community's staff.")


def readable(occasion: Occasion, id: uuid.UUID) -> HelpRequest:
    """A request, for its asker, its taker, who may take it, and the staff.

    Raises NotFound, NotAllowed.
    """
    request = repository.request_by_id(occasion.session, id)
    if request is None:
        raise NotFound(f"There is no request for help {id}.")
    if not (staff_of(occasion.caller, request) or is_asker(occasion, request)):
        member = _member(occasion)
        waits = request.state == "open" and member.community_code == request.community_code
        if not waits and member.code != request.member_code:
            raise NotAllowed("This request is for its asker, its taker and the community's staff.")
    return request


def taker_of(
    occasion: Occasion, request: HelpRequest, *, member: str | None, team: str | None
) -> Taker:
    """Who takes a request: the caller, or whom the community's staff names.

    Raises NotAllowed for one of another community, NotFound, BadInput.
    """
    session = occasion.session
    if staff_of(occasion.caller, request):
        if (member is None) == (team is None):
            raise BadInput("Name who takes it: 'member' or 'team', one of the two.", field="member")
        if team is not None:
            return _team(session, request, team)
        who = locked_or_refuse(session, member or "")
        _check_lives(who, request)
        return Taker(who.code, None)
    own = _member(occasion)
    if member not in (None, own.code):
        raise NotAllowed("A member takes a request for nobody else; leave 'member' out.")
    if team is None:
        _check_lives(own, request)
        return Taker(own.code, None)
    taker = _team(session, request, team)
    if taker.member != own.code:
        raise NotAllowed(f"The team {team[:20]} takes a request by its leader.")
    return taker


def _team(session: Session, request: HelpRequest, code: str) -> Taker:
    team = teams_repository.team_by_code(session, code)
    if team is None:
        raise NotFound(f"No team has the code '{code[:20]}'.", field="team")
    if not request.community_code.startswith(team.area_code):
        raise NotAllowed(
            f"{team.name} is a team of {team.area_code}; this was asked in"
            f" {request.community_code}.",
            field="team",
        )
    return Taker(team.leader_code, team.code)


def _check_lives(member: Member, request: HelpRequest) -> None:
    if member.community_code != request.community_code:
        raise NotAllowed(
            f"{member.code} lives in {member.community_code}; this was asked in"
            f" {request.community_code}."
        )


def _member(occasion: Occasion) -> Member:
    """The caller as a member. Raises NotAllowed."""
    caller = occasion.caller
    member = None if caller.staff else member_of_subject(occasion.session, caller.subject)
    if member is None:
        raise NotAllowed(
            "This is for members in the register, each with a token of their own, and for the"
            " community's staff."
        )
    return member
