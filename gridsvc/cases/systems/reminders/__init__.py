"""Reminders before and after each limit, by rules that are data."""

from gridsvc.cases.systems.reminders.service import holders_of

__all__ = ["holders_of"]
