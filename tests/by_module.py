"""How tests are dealt to the processes of pytest-xdist: a module, or all that share a city, to one.

Modules keep their order, so that the longest (the demonstration, the browser) are begun first.
"""

from __future__ import annotations

from typing import Any

from xdist.scheduler import LoadScopeScheduling

__all__ = ["ByModule"]

#: Folders whose tests share something that takes a minute to make.
_TOGETHER = ("tests/acceptance/", "tests/browser/")


class ByModule(LoadScopeScheduling):
    """Scopes are modules, except where a whole folder shares one fixture."""

    def _split_scope(self, nodeid: Any) -> str:
        module = str(nodeid).split("::", 1)[0]
        return next((folder for folder in _TOGETHER if module.startswith(folder)), module)
