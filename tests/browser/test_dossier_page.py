"""The dossier of a dispute in a real browser: on the screen, on a phone, and on paper."""

from __future__ import annotations

import base64

import pytest

from tests import maps_city as city
from tests.browser.conftest import DESK, PHONE, Browser

_PATH = f"/v1/disputes/{city.DISPUTE_ID}/dossier.html"


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_the_dossier_draws_its_map_and_fits_the_screen(
    browser: Browser, size: tuple[int, int]
) -> None:
    browser.open(_PATH, size)

    # The ground of the side that reaches here, and the disputed ground itself.
    assert browser.run("return document.querySelectorAll('.map path[d*=L]').length") == 2
    names = {name.text for name in browser.driver.find_elements("css selector", ".map .name")}
    assert names == {"广安门外街道"}, "the other side lies outside the view"
    assert browser.run("return document.documentElement.scrollWidth") <= size[0]


def test_the_dossier_prints_on_few_pages_of_a4(browser: Browser) -> None:
    browser.open(_PATH, DESK)
    pdf = browser.driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    content = base64.b64decode(pdf["data"])

    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page\n") + content.count(b"/Type /Page ") <= 2
    assert b"[0 0 594.95996 841.91998]" in content, "A4"
