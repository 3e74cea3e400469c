"""The page of the interface, in a browser that obeys its policy."""

from __future__ import annotations

from selenium.webdriver.support.wait import WebDriverWait

from tests.browser.conftest import Browser
from tests.waiting import PATIENCE_S


def test_the_interface_is_listed_without_another_host(browser: Browser) -> None:
    browser.open("/docs")
    WebDriverWait(browser.driver, PATIENCE_S).until(
        lambda _: browser.run("return document.querySelectorAll('.opblock').length") > 80
    )
    assert browser.complaints() == []
    assert browser.hosts() <= {browser.run("return location.host")}
