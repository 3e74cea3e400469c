"""The history of a case as one page: everybody who reported it, year by year, and what was done."""

from gridsvc.maps.case_history.page import case_history_page
from gridsvc.maps.case_history.reading import CaseHistory, read_case_history

__all__ = ["CaseHistory", "case_history_page", "read_case_history"]
