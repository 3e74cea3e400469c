"""The web viewer in a real browser: what it draws, what it answers, whom it asks."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from tests import maps_city as city
from tests.browser.conftest import DESK, PHONE, Browser
from tests.waiting import PATIENCE_S

BORDER = f"#map=17/{city.PLACE_LAT}/{city.BORDER_LON}"


def wait_for(browser: Browser, selector: str, words: str) -> str:
    """The text of an element, once these words stand in it."""
    WebDriverWait(browser.driver, PATIENCE_S).until(lambda _: words in browser.find(selector).text)
    return browser.find(selector).text


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_the_map_opens_on_the_whole_city(browser: Browser, size: tuple[int, int]) -> None:
    browser.open_map(size=size)

    assert {area["name"] for area in browser.drawn("districts-fill")} == {"西城区", "丰台区"}
    assert {area["name"] for area in browser.drawn("districts-label")} == {"西城区", "丰台区"}


def test_every_layer_is_drawn_where_it_belongs(browser: Browser) -> None:
    browser.open_map(BORDER)

    for layer in (
        "districts-line",
        "streets-band",
        "streets-line",
        "communities-line",
        "unit_grids-line",
        "parts-icon",
        "parts-trouble",
        "footprints-fill",
    ):
        assert browser.drawn(layer), layer
    # The cases come beside the map's own data, and may come after it.
    alarms = WebDriverWait(browser.driver, PATIENCE_S).until(
        lambda driver: driver.find_elements("css selector", ".alarm")
    )
    assert len(alarms) == 1


def test_digits_and_chinese_names_are_both_written(browser: Browser) -> None:
    browser.open_map(BORDER)

    codes = {grid["code"] for grid in browser.drawn("unit_grids-label")}
    assert codes
    assert all(code.isdecimal() and len(code) == 8 for code in codes)
    browser.open_map(f"#map=14.5/{city.PLACE_LAT}/{city.BORDER_LON}")
    assert "太平桥街道" in {area["name"] for area in browser.drawn("streets-label")}
    assert "太平桥社区" in {area["name"] for area in browser.drawn("communities-label")}


def test_a_click_says_whose_place_it_is_and_how_close_the_border_is(browser: Browser) -> None:
    browser.open_map(BORDER)
    browser.click(760, 500)

    said = wait_for(browser, "#place", "Nearest border")
    for words in ("太平桥街道", "110106002", "丰台区", "Near the border", "广安门外街道"):
        assert words in said
    assert "Approximate borders" in said
    assert "400 m" in said


def test_the_keyboard_asks_about_the_centre(browser: Browser) -> None:
    browser.open_map(f"#map=15/39.885/{city.BORDER_LON - 0.005}")
    browser.find(".maplibregl-canvas").send_keys(Keys.ENTER)

    assert "110102020" in wait_for(browser, "#place", "广安门外街道")


def test_a_click_on_a_part_names_it(browser: Browser) -> None:
    browser.open_map(f"#map=19/39.8855/{city.BORDER_LON + 0.0005}")
    browser.click(720, 450)

    said = wait_for(browser, "#place", "路灯")
    assert "01037" in said


def test_a_click_outside_the_city_says_so(browser: Browser) -> None:
    browser.open_map("#map=12/39.7/116.32")
    browser.click(900, 450)

    assert wait_for(browser, "#place", "Outside the city")


def test_the_language_can_be_switched_and_is_kept(browser: Browser) -> None:
    browser.open_map()
    assert browser.find("h1").text == "Whose place is this?"
    browser.find("#language").click()
    assert browser.find("h1").text == "万米单元网格"
    browser.open_map()
    assert browser.find("#tab-layers").text == "图层"
    assert browser.run("return document.documentElement.lang") == "zh-CN"
    browser.find("#language").click()
    assert browser.find("#tab-layers").text == "Layers"


def test_a_search_by_name_or_code_flies_there(browser: Browser) -> None:
    browser.open_map()
    for asked, found, center in (
        ("太平桥街", "太平桥街道", 116.33),
        ("110102020", "广安门外街道", 116.31),
        ("02000001", "02000001", 116.3105),
    ):
        box = browser.find("#search")
        box.clear()
        box.send_keys(asked)
        wait_for(browser, "#found", found)
        box.send_keys(Keys.ENTER)
        WebDriverWait(browser.driver, PATIENCE_S).until(
            lambda _, lon=center: (
                abs(
                    browser.run(
                        "const b = window.gridsvcMap.querySourceFeatures('chosen')[0];"
                        "return b ? b.geometry.coordinates.flat(9)[0] : 0"
                    )
                    - lon
                )
                < 0.011
            )
        )
        browser.settle()


def test_a_search_without_an_answer_says_so(browser: Browser) -> None:
    browser.open_map()
    browser.find("#search").send_keys("Atlantis")

    assert wait_for(browser, "#found", "Nothing found")


def test_a_joint_case_is_listed_and_lights_up_both_sides(browser: Browser) -> None:
    browser.open_map()
    browser.find("#tab-cases").click()
    assert "closed" in wait_for(browser, "#cases", "广安门外街道 × 太平桥街道")
    browser.find(".case").click()
    said = wait_for(browser, "#cases", "Called bodies")
    assert "西城区城管执法局" in said
    browser.settle()
    lit = {street["code"] for street in browser.drawn("sides-fill")}
    assert lit == {"110102020", "110106002"}


def test_a_layer_can_be_switched_off(browser: Browser) -> None:
    browser.open_map(BORDER)
    browser.find("#tab-layers").click()
    browser.find("[data-layer=parts]").click()
    browser.find("[data-layer=whistles]").click()
    browser.settle()

    assert browser.drawn("parts-icon") == []
    assert browser.drawn("unit_grids-line")
    assert not browser.find(".alarm").is_displayed()


def test_disputed_ground_is_drawn_with_its_state_and_leads_to_its_dossier(browser: Browser) -> None:
    lon, lat = city.DISPUTED
    browser.open_map(f"#map=18/{lat}/{lon}")
    assert [it["state"] for it in browser.drawn("disputes-fill")] == ["under_negotiation"]

    middle = browser.run("return [innerWidth / 2, innerHeight / 2]")
    browser.click(*map(int, middle))

    said = wait_for(browser, "#place", "Open the dossier")
    assert "under negotiation" in said
    assert "110102020 × 110106002" in said
    link = browser.find(".dispute a").get_attribute("href")
    assert link is not None
    assert link.endswith(f"/v1/disputes/{city.DISPUTE_ID}/dossier.html")


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_a_chosen_case_is_not_hidden_by_the_panel(browser: Browser, size: tuple[int, int]) -> None:
    browser.open_map(size=size)
    browser.find("#tab-cases").click()
    wait_for(browser, "#cases", "广安门外街道 × 太平桥街道")
    browser.find(".case").click()
    wait_for(browser, "#cases", "Called bodies")
    browser.settle()

    pin, panel = browser.find(".alarm").rect, browser.find("#finder").rect
    beside = pin["x"] > panel["x"] + panel["width"]
    above = pin["y"] + pin["height"] < panel["y"]
    assert beside or above


def test_a_place_that_the_panel_would_cover_comes_into_sight(browser: Browser) -> None:
    browser.open_map(BORDER, PHONE)
    browser.click(195, 560)
    wait_for(browser, "#place", "Nearest border")
    browser.settle()

    pin = browser.find(".pin").rect
    assert pin["y"] + pin["height"] < browser.find("#finder").rect["y"]


def test_on_a_phone_the_map_keeps_room_and_nothing_runs_over_the_edge(browser: Browser) -> None:
    browser.open_map(BORDER, PHONE)
    browser.click(195, 200)
    wait_for(browser, "#place", "Nearest border")

    assert browser.run("return document.documentElement.scrollWidth") <= PHONE[0]
    assert browser.find("#finder").rect["y"] >= 0.4 * PHONE[1]
    for button in browser.driver.find_elements("css selector", ".tabs button"):
        assert button.size["height"] >= 40
