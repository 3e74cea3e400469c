"""No-man's-land (三不管地带): stretches of border where cases are refused, returned or slow."""

from gridsvc.cases.systems.no_mans_land.statistics import false_discovery_rates

__all__ = ["false_discovery_rates"]
