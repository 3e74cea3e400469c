"""A team along a railway, river or road (综合执法小分队): all it crosses are called at once."""

from gridsvc.cases.systems.line_team.service import WantedTeam, form_team

__all__ = ["WantedTeam", "form_team"]
