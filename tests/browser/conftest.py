"""A browser without a window, and a served city for it to look at."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from sqlalchemy import text

from gridsvc.db import PrivateCluster, create_engine, session_factory
from tests import maps_city
from tests.waiting import PATIENCE_S

DESK, PHONE = (1440, 900), (390, 844)

# Software rendering: a machine for tests has no graphics card.
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
)

_QUIET = """
const done = arguments[0];
const wait = setInterval(() => {
  const map = window.gridsvcMap;
  if (!document.body.dataset.ready || !map.loaded() || map.isMoving()) return;
  if (!map.areTilesLoaded()) return;
  clearInterval(wait);
  map.once("idle", () => done(true));
  map.triggerRepaint();
}, 50);
"""


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser, what it asked for and what it complained about."""

    driver: webdriver.Chrome
    address: str

    def open(self, path: str, size: tuple[int, int] = DESK) -> None:
        """Open a page of the service in a window of this size (CSS pixels)."""
        width, height = size
        screen = {"width": width, "height": height, "deviceScaleFactor": 1}
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {**screen, "mobile": width < 600}
        )
        self.driver.get("about:blank")
        self.driver.get(self.address + path)

    def open_map(self, where: str = "", size: tuple[int, int] = DESK) -> None:
        """Open the map and wait until it has drawn everything."""
        self.open(f"/map{where}", size)
        self.settle()

    def settle(self) -> None:
        """Wait until the map rests."""
        self.driver.execute_async_script(_QUIET)

    def run(self, script: str) -> Any:
        return self.driver.execute_script(script)

    def find(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def drawn(self, layer: str) -> list[dict[str, Any]]:
        """The properties of what a layer of the map shows now."""
        return self.run(
            "return window.gridsvcMap.queryRenderedFeatures("
            f"{{layers: [{json.dumps(layer)}]}}).map((feature) => feature.properties)"
        )

    def click(self, x: int, y: int) -> None:
        """Press and release the mouse at a point of the window."""
        for kind in ("mousePressed", "mouseReleased"):
            where = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
            self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", where)

    def complaints(self) -> list[str]:
        """What the console has shown since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def hosts(self) -> set[str]:
        """The hosts that were asked for anything since the last call."""
        asked: set[str] = set()
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = urlsplit(message["params"]["request"]["url"])
            elif message["method"] == "Network.webSocketCreated":
                url = urlsplit(message["params"]["url"])
            else:
                continue
            if url.scheme in ("http", "https", "ws", "wss"):
                asked.add(url.netloc)
        return asked


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    binary, control = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or control is None:
        pytest.skip("There is no chromium with its chromedriver: 'make test' installs both.")
    options = Options()
    options.binary_location = binary
    for flag in (*_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(flag)
    options.add_argument("--accept-lang=en")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(control))
    driver.set_script_timeout(PATIENCE_S)
    driver.set_page_load_timeout(PATIENCE_S)
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def city_database(cluster: PrivateCluster, template_database: str) -> str:
    """The URL of a database with the made-up city; these tests only read."""
    name = "looked_at"
    server = create_engine(cluster.url("postgres"))
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"create database {name} template {template_database}"))
    server.dispose()
    engine = create_engine(cluster.url(name))
    with session_factory(engine)() as session:
        maps_city.make_city(session)
    engine.dispose()
    return cluster.url(name)


@pytest.fixture(scope="session")
def city_address(city_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the service with the made-up city."""
    with maps_city.served(city_database, tmp_path_factory.mktemp("var")) as address:
        yield address


@pytest.fixture
def browser(driver: webdriver.Chrome, city_address: str) -> Iterator[Browser]:
    """A browser before a served city; nothing that it complains about goes unseen."""
    looking = Browser(driver, city_address)
    looking.complaints(), looking.hosts()
    yield looking
    assert looking.complaints() == []
    assert looking.hosts() <= {urlsplit(city_address).netloc}
