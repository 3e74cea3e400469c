"""What a token may say of its holder: which role goes with which area and body."""

from __future__ import annotations

import re

from gridsvc.callers import Role
from gridsvc.errors import BadInput

_AREA = re.compile(r"[0-9]{0,6}|[0-9]{9}|[0-9]{12}", re.ASCII)
_DISTRICT, _STREET = 6, 9


def check_holder(role: Role, area: str, body: str | None) -> None:
    """Refuse a token that would do nothing, or reach farther than its holder.

    A street's token names the whole street, since it acts for that street's office; a department's
    names its body, and the area that it may read. Raises BadInput, naming the field.
    """
    if not _AREA.fullmatch(area):
        raise BadInput(
            f"The area prefix {area!r} must be up to 6 digits for a district or more, 9 for a"
            " street, or 12 for a community.",
            field="area",
        )
    if role is Role.STREET and len(area) != _STREET:
        raise BadInput("A street's token needs the street's 9-digit code as area.", field="area")
    if role is Role.DISTRICT and len(area) != _DISTRICT:
        raise BadInput("A district's token needs its 6-digit code as area.", field="area")
    if role is Role.GRID_WORKER and len(area) < _DISTRICT:
        raise BadInput(
            "A grid worker's token needs the code of a district, street or community as area.",
            field="area",
        )
    if role is Role.ANALYST and len(area) > _DISTRICT:
        raise BadInput(
            "An analyst reads whole districts; give 6 digits or fewer as area.", field="area"
        )
    if role is Role.DEPARTMENT and body is None:
        raise BadInput("A department's token needs the code of its body.", field="body")
    if role is Role.DEPARTMENT and not area:
        raise BadInput("A department's token needs the area that it may read.", field="area")
    if role is not Role.DEPARTMENT and body is not None:
        raise BadInput(
            f"Only a department's token names a body; a {role.value}'s has none.", field="body"
        )
