"""Try before you buy (先尝后买): a service on trial, a secret vote, widened batch by batch."""

from gridsvc.cases.systems.trials.rule import read_share

__all__ = ["read_share"]
