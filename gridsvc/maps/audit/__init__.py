"""The page that shows what an audit of areas found."""

from gridsvc.maps.audit.page import audit_page

__all__ = ["audit_page"]
