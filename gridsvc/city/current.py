"""The city of this process, until every caller is handed one."""

from functools import lru_cache

from gridsvc.city.city import City
from gridsvc.settings import get_settings


@lru_cache
def current() -> City:
    """The city of this process."""
    return City.load(get_settings())
