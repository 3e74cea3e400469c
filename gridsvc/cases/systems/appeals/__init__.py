"""Appeals of bodies after closing, which supervision decides."""

from gridsvc.cases.systems.appeals.repository import undecided_appeals

__all__ = ["undecided_appeals"]
