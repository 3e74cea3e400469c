"""The monthly review in a real browser: on the screen, on a telephone, and on paper."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from gridsvc.maps.review import review_page
from tests.browser.conftest import DESK, PHONE, Browser
from tests.reviews import line, review


@pytest.fixture
def page(tmp_path: Path) -> str:
    months = tuple(
        line(f"2026-{n:02}", valid=10, contacted=10, solved=n - 2, satisfied=5, counted=9, closed=8)
        for n in range(6, 12)
    )
    file = tmp_path / "review.html"
    file.write_text(review_page(review(streets=16, months=months)), encoding="utf-8")
    return file.as_uri()


def _look(browser: Browser, page: str, size: tuple[int, int]) -> None:
    """Open a page that is a file: it asks nothing of any service."""
    screen = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.driver.get(page)


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_the_review_fits_the_screen(browser: Browser, page: str, size: tuple[int, int]) -> None:
    _look(browser, page, size)
    assert browser.run("return document.documentElement.scrollWidth") <= size[0]
    assert browser.run("return document.querySelectorAll('.bars svg').length") == 16
    assert browser.run("return document.querySelectorAll('.chart polyline').length") == 4


def test_the_review_prints_on_few_pages_of_a4(browser: Browser, page: str) -> None:
    _look(browser, page, DESK)
    pdf = browser.driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    content = base64.b64decode(pdf["data"])
    assert content.count(b"/Type /Page\n") + content.count(b"/Type /Page ") <= 3
    assert b"[0 0 594.95996 841.91998]" in content, "A4"
