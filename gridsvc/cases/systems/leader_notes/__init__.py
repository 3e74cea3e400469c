"""The leader's note and visit (批办, 夜访): written on a case, followed to its end, counted."""

from gridsvc.cases.systems.leader_notes.repository import leader_of, waiting_notes
from gridsvc.cases.systems.leader_notes.schemas import LeaderNoteWaiting

__all__ = ["LeaderNoteWaiting", "leader_of", "waiting_notes"]
