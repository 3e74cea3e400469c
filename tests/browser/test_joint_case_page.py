"""The page of a joint case in a real browser, from the service and from a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridsvc.db import create_engine, session_factory
from gridsvc.maps.joint_case import joint_case_page, read_joint_case
from tests import cities
from tests import maps_city as city
from tests.browser.conftest import DESK, PHONE, Browser

_SHAPES = "return document.querySelectorAll('.map path.leaflet-interactive, .map path').length"


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_the_page_draws_its_map_and_its_seven_actions(
    browser: Browser, size: tuple[int, int]
) -> None:
    browser.open(f"/map/whistles/{city.WHISTLE_ID}", size)

    assert browser.run(_SHAPES) > 20
    assert len(browser.driver.find_elements("css selector", ".mark.action")) == 7
    names = {name.text for name in browser.driver.find_elements("css selector", ".name.side")}
    assert names == {"西城区\n广安门外街道", "丰台区\n太平桥街道"}
    assert browser.run("return document.documentElement.scrollWidth") <= size[0]


def test_the_same_page_works_as_a_file(
    browser: Browser, city_database: str, tmp_path: Path
) -> None:
    engine = create_engine(city_database)
    with session_factory(engine)() as session:
        page = joint_case_page(
            read_joint_case(session, cities.city(), city.WHISTLE_ID), cities.city()
        )
    engine.dispose()
    file = tmp_path / "case.html"
    file.write_text(page, encoding="utf-8")
    browser.driver.get(file.as_uri())

    assert browser.run(_SHAPES) > 20
    assert browser.hosts() == set()
