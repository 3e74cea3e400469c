"""Pictures for the README, taken from a running service with a joint case in it.

    .venv/bin/python scripts/screenshots.py http://127.0.0.1:8000

writes docs/images/map.png and docs/images/joint_case.png. Needs chromium and chromedriver.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

_FOLDER = Path(__file__).resolve().parent.parent / "docs" / "images"
_MAP_SIZE, _PAGE_SIZE = (1440, 900), (1200, 1180)
_SHARPNESS = 1.5

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--accept-lang=zh-CN",
)

_RESTS = """
const done = arguments[0];
const wait = setInterval(() => {
  const map = window.gridsvcMap;
  if (!document.body.dataset.ready || !map.loaded() || map.isMoving()) return;
  if (!map.areTilesLoaded() || !document.querySelector(".case, .action")) return;
  clearInterval(wait);
  map.once("idle", () => setTimeout(done, 500));
  map.triggerRepaint();
}, 100);
"""

# Both sides are lit and the case stands in the panel, but the view is wider than the building.
_STEP_BACK = """
const { gridsvcMap: map } = window;
map.stop();
map.jumpTo({ center: arguments[0], zoom: 14.4 });
"""


def main(address: str) -> None:
    """Take both pictures."""
    answer = httpx.get(f"{address}/v1/whistles", params={"joint": "true"}, timeout=600).json()
    if not answer["whistles"]:
        sys.exit(f"{address} has no joint case; play the demo first.")
    whistle = max(answer["whistles"], key=lambda one: one["actions"])
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        driver = _open(profile)
        try:
            _picture_of_map(driver, address, whistle)
            _picture_of_case(driver, address, whistle)
        finally:
            driver.quit()


def _open(profile: str) -> webdriver.Chrome:
    options = Options()
    options.binary_location = shutil.which("chromium") or "chromium"
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(
        options=options, service=Service(shutil.which("chromedriver") or "chromedriver")
    )
    driver.set_script_timeout(600)
    return driver


def _picture_of_map(driver: webdriver.Chrome, address: str, whistle: dict[str, Any]) -> None:
    _resize(driver, _MAP_SIZE)
    driver.get(f"{address}/map")
    driver.find_element("css selector", "#tab-cases").click()
    driver.execute_async_script(_RESTS)
    driver.find_element("css selector", f".case[data-id='{whistle['id']}']").click()
    lon, lat = whistle["point"]["coordinates"]
    driver.execute_script(_STEP_BACK, [lon - 0.006, lat])  # the panel covers the left
    driver.execute_async_script(_RESTS)
    driver.save_screenshot(str(_FOLDER / "map.png"))


def _picture_of_case(driver: webdriver.Chrome, address: str, whistle: dict[str, Any]) -> None:
    _resize(driver, _PAGE_SIZE)
    driver.get(f"{address}/map/whistles/{whistle['id']}")
    driver.execute_async_script("setTimeout(arguments[0], 1500)")
    driver.save_screenshot(str(_FOLDER / "joint_case.png"))


def _resize(driver: webdriver.Chrome, size: tuple[int, int]) -> None:
    screen = {"width": size[0], "height": size[1], "deviceScaleFactor": _SHARPNESS}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**screen, "mobile": False})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Say where the service runs: scripts/screenshots.py http://127.0.0.1:8000")
    main(sys.argv[1].rstrip("/"))
