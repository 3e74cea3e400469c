"""Merging: which reports are about one thing and share a case; joined and split by people."""

from gridsvc.cases.systems.merging.joining import close_early
from gridsvc.cases.systems.merging.splitting import open_for

__all__ = ["close_early", "open_for"]
