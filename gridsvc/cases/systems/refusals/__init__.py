"""Refusals (退回): who may be named instead, by which clause, and when command decides."""

from gridsvc.cases.systems.refusals.answerable import (
    NOT_LISTED,
    Answerable,
    Possible,
    answerable_in,
)

__all__ = ["NOT_LISTED", "Answerable", "Possible", "answerable_in"]
