"""Who may do what: the table of routes and roles (``rights.csv``) that lets every request in.

It says who may ask at all, and how far that reaches. That a role may not ask is decided here, for
every route alike; whether a thing lies within reach, by the service of that thing. A test walks
every cell over HTTP. No token opens a route that the table does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from starlette.types import Scope

from gridsvc.callers import Caller, Role
from gridsvc.errors import BadFile, NotAllowed
from gridsvc.tables import table


class Reach(StrEnum):
    """How far a right goes."""

    NO = "no"
    #: Everything, wherever it lies.
    ALL = "all"
    #: Everything, for a token whose area is the whole city.
    WHOLE = "whole"
    #: What lies inside the area prefix of the token.
    OWN = "own"
    #: Figures of the district in which that area lies.
    DISTRICT = "district"
    #: The answer lists what lies inside the area, and leaves out all else.
    LISTED = "listed"
    #: What lies inside the area, or concerns the token's body.
    PART = "part"
    #: What concerns the token's body; for supervision, a body of its area.
    BODY = "body"
    #: What the token's body leads; for supervision, a body of its area.
    LEAD = "lead"
    #: What the same holder filed or opened.
    MINE = "mine"
    #: What was opened with the very token.
    TOKEN = "token"
    #: What the secret of a receipt opens, or a link from a group's message.
    SECRET = "secret"


@dataclass(frozen=True, slots=True)
class Right:
    """One row: how far a request of each role reaches; ``nobody`` is one without a token.

    ``audit``: what it is in the audit log, a *read* of personal data or an administrative *act*;
    '' for what is not entered there.
    """

    nobody: Reach
    roles: Mapping[Role, Reach]
    audit: str
    why: str


def read_rights(path: Path) -> dict[tuple[str, str], Right]:
    """The table by method and path. Raises BadFile with file, line and reason."""
    found: dict[tuple[str, str], Right] = {}
    for row in table(
        path, ["method", "path", "nobody", *Role, "audit", "why"], key=["method", "path"]
    ):
        try:
            roles = {role: Reach(row[role]) for role in Role}
            nobody = Reach(row["nobody"])
        except ValueError as error:
            raise BadFile(f"{row.where}: {error}; a right is {', '.join(Reach)}.") from None
        found[row["method"], row["path"]] = Right(nobody, roles, row["audit"], row["why"])
    return found


RIGHTS = read_rights(Path(__file__).with_name("rights.csv"))


def right_of(scope: Scope, caller: Caller) -> Right:
    """The row of a request's route, if its role is let in there. Raises NotAllowed."""
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    right = RIGHTS.get((method, scope["route"].path))
    if right is None:
        raise NotAllowed("This address is not in the table of rights; no token opens it.")
    if right.roles[caller.role] is Reach.NO:
        may = [role.value for role, reach in right.roles.items() if reach is not Reach.NO]
        raise NotAllowed(
            f"A token of role {caller.role.value} may not do this; needed: {', '.join(may)}."
        )
    return right
