"""The page that shows what repairs would change."""

from gridsvc.maps.repair.page import repair_page

__all__ = ["repair_page"]
