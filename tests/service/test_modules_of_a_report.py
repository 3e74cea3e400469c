"""How many modules one report passes: in which of them a function runs while it is filed.

The second report of its process, so that nothing is counted that is only made ready once, and
without the thread that watches for new editions meanwhile. Modules are the unit of reading: whoever
follows a report through the code opens so many files.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import pytest

import gridsvc
from gridsvc.api.app import create_app
from gridsvc.callers import Role
from gridsvc.settings import Settings
from tests.service import joint_city as city
from tests.service.conftest import REPORTER_KEY, TOKEN_KEY, report, token_of

ROOT = Path(gridsvc.__file__).parent


@pytest.fixture
def modules_of(city_database, index_folder):
    """The modules that a report passes, by their paths in the package."""
    passed: set[str] = set()
    counting = [False]

    def profile(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        watching = threading.current_thread().name == "atlas"
        if counting[0] and event == "call" and code.co_name != "<module>" and not watching:
            path = Path(code.co_filename)
            if path.is_relative_to(ROOT):
                passed.add(str(path.relative_to(ROOT)))

    threading.setprofile(profile)
    sys.setprofile(profile)
    settings = Settings(
        DATABASE_URL=city_database,
        var_dir=index_folder,
        token_key=TOKEN_KEY,
        reporter_key=REPORTER_KEY,
    )
    app = create_app(settings)
    headers = {"Authorization": f"Bearer {token_of(Role.CITIZEN)}"}

    def file(body: dict[str, Any]) -> set[str]:
        async def send() -> None:
            app.state.service.atlases.watch()
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://city") as client:
                for counted, given in ((False, report(-900.0)), (True, body)):
                    counting[0] = counted
                    answer = await client.post("/v1/reports", json=given, headers=headers)
                    counting[0] = False
                    assert answer.status_code == 201, answer.text

        asyncio.run(send())
        return passed

    yield file
    sys.setprofile(None)
    threading.setprofile(None)  # type: ignore[arg-type] # the documented way to end it
    app.state.service.atlases.close()
    app.state.service.engine.dispose()


def test_a_plain_report_passes_few_modules(modules_of):
    passed = modules_of(report(-300.0))
    assert "cases/intake/service.py" in passed
    assert len(passed) <= 49, sorted(passed)


def test_a_report_that_whistles_passes_few_more(modules_of):
    body = report(
        -3.0,
        footprint=city.astride(),
        place_text="12",
        reporter={"name": "a neighbour"},
        **{"class": city.BUILDING},
    )
    passed = modules_of(body)
    assert "cases/systems/joint/blowing.py" in passed
    assert len(passed) <= 57, sorted(passed)
