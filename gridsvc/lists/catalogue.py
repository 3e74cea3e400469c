"""All lists."""

from __future__ import annotations

from gridsvc.errors import NotFound
from gridsvc.lists.appeals import APPEALS
from gridsvc.lists.callbacks_due import CALLBACKS_DUE
from gridsvc.lists.cases import CASES
from gridsvc.lists.model import Listing
from gridsvc.lists.reports import REPORTS
from gridsvc.lists.tasks import TASKS
from gridsvc.lists.whistles import WHISTLES

LISTS: dict[str, Listing] = {
    one.name: one for one in (CASES, REPORTS, WHISTLES, TASKS, APPEALS, CALLBACKS_DUE)
}


def listing(name: str) -> Listing:
    """The list of a name. Raises NotFound."""
    found = LISTS.get(name)
    if found is None:
        raise NotFound(f"There is no list '{name[:40]}'; there are {', '.join(LISTS)}.")
    return found
