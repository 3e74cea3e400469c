"""The history of a case as one page: everybody who reported it, year by year, and what was done."""

from gridsvc.maps.case_history.reading import CaseHistory, case_history_page, read_case_history

__all__ = ["CaseHistory", "case_history_page", "read_case_history"]
