"""Point to area, exact and fast.

`Locator` answers for one level and agrees with GEOS `intersects` on every point. How: `_raster`
(what is looked up), `_build` (how it is made), `_predicates` (why it is exact), `_file` (how it is
kept).
"""

from gridsvc.spatial.locator._locator import Locator

__all__ = ["Locator"]
