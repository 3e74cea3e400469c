from __future__ import annotations

import re
from pathlib import Path

from tests.systems import FIRST

_TESTS = Path(__file__).parents[1]


def test_every_system_that_must_work_first_has_a_test() -> None:
    marked = {
        int(number)
        for module in _TESTS.rglob("test_*.py")
        for number in re.findall(r"mark\.system\((\d+)\)", module.read_text())
    }
    assert set(FIRST) - marked == set()
