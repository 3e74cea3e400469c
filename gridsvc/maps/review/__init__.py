"""The monthly review (月度点评会): one page to print."""

from gridsvc.maps.review.page import review_page
from gridsvc.maps.review.reading import Review, read_review

__all__ = ["Review", "read_review", "review_page"]
