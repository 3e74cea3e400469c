"""Point to area, exact and fast.

`Locator` answers for one level, `LocatorSet` for several. Both agree with GEOS `intersects` on
every point. How: `_raster` (what is looked up), `_build` (how it is made), `_predicates` (why it
is exact), `_file` (how it is kept).
"""

from gridsvc.spatial.locator._levels import LocatorSet, Places
from gridsvc.spatial.locator._locator import Locator

__all__ = ["Locator", "LocatorSet", "Places"]
