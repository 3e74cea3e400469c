"""What a body answers to the public is a text that names nobody's telephone or identity number."""

from __future__ import annotations

import re

from gridsvc.cases.core.act import Act
from gridsvc.cases.core.events import StepAsked
from gridsvc.errors import BadInput

_LONGEST = 4_000
#: A mobile telephone, or a citizen's identity number.
_PERSONAL = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|\d{17}[\dXx])(?!\d)")


def check_public_answer(_: Act, event: StepAsked) -> None:
    """Refuse a ``public_answer`` that is not a text, or that names somebody's numbers: BadInput."""
    given = event.evidence.get("public_answer")
    if given is None:
        return
    field = "evidence.public_answer"
    if not isinstance(given, str) or not given.strip() or len(given) > _LONGEST:
        raise BadInput(
            f"'public_answer' must be a text of 1 to {_LONGEST} characters.", field=field
        )
    if _PERSONAL.search(re.sub(r"[\s-]", "", given)):
        raise BadInput(
            "'public_answer' is read by everybody and has a mobile telephone or an identity number"
            " in it; leave it out.",
            field=field,
        )
