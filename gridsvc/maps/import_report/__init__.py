"""The page that tells what an import of areas did."""

from gridsvc.maps.import_report.page import import_report_page

__all__ = ["import_report_page"]
