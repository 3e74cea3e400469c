"""One city's tables, calendar and procedures, as one value."""

from gridsvc.city.city import City

__all__ = ["City"]
