"""The monthly review (月度点评会): one page to print."""

from gridsvc.maps.review.reading import Review, read_review, review_page

__all__ = ["Review", "read_review", "review_page"]
