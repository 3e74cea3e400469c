"""Orders to groups as the interface gives them."""

from __future__ import annotations

import uuid

from pydantic import Field

from gridsvc.answers import Answer


class GroupOrderAnswer(Answer):
    """An order that was given to the groups of a body."""

    case_id: uuid.UUID
    body: str
    groups: list[uuid.UUID] = Field(description="Those that were told; the worker sends it.")
