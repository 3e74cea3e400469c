"""Editions of boundaries: loaded as drafts, put in force whole, never changed afterwards.

What the rest of the service needs of them, in one place.
"""

from __future__ import annotations

from gridsvc.registry.areas.beijing import (
    COMMUNITY_EDITION,
    DISTRICT_EDITION,
    STREET_EDITION,
    load_beijing,
)
from gridsvc.registry.areas.loading import NewArea, add_areas, load_edition
from gridsvc.registry.editions.service import (
    activate_edition,
    discard_edition,
    edition_history,
    edition_in_force,
    existing_edition,
    list_editions,
    mark_audited,
    revert_edition,
)

__all__ = [
    "COMMUNITY_EDITION",
    "DISTRICT_EDITION",
    "STREET_EDITION",
    "NewArea",
    "activate_edition",
    "add_areas",
    "discard_edition",
    "edition_history",
    "edition_in_force",
    "existing_edition",
    "list_editions",
    "load_beijing",
    "load_edition",
    "mark_audited",
    "revert_edition",
]
