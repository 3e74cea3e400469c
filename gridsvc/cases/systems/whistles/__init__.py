"""Whistles of the three levels (吹哨): bodies are called, report in, act, and are scored."""

from gridsvc.cases.systems.whistles.events import BodyAbsent, WhistleWithdrawn
from gridsvc.cases.systems.whistles.locking import locked_whistle
from gridsvc.cases.systems.whistles.models import CalledBody, Whistle
from gridsvc.cases.systems.whistles.repository import (
    called_bodies,
    cases_with_provisional,
    joint_whistle_of,
    open_whistles,
    withdrawn_before,
)

__all__ = [
    "BodyAbsent",
    "CalledBody",
    "Whistle",
    "WhistleWithdrawn",
    "called_bodies",
    "cases_with_provisional",
    "joint_whistle_of",
    "locked_whistle",
    "open_whistles",
    "withdrawn_before",
]
