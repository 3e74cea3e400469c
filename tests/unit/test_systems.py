from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.systems import FIRST

_TESTS = Path(__file__).parents[1]
#: What gives another value in every process, and so another name to a test.
_CHANGING = {"now", "random", "today", "token_bytes", "token_hex", "urandom", "uuid4", "uuid7"}


def test_every_system_that_must_work_first_has_a_test() -> None:
    marked = {
        int(number)
        for module in _TESTS.rglob("test_*.py")
        for number in re.findall(r"mark\.system\((\d+)\)", module.read_text())
    }
    assert set(FIRST) - marked == set()


def test_tests_have_the_same_names_in_every_process() -> None:
    """Processes that share the tests compare what they have found."""
    changing = [
        f"{module.name}:{call.lineno}"
        for module in _TESTS.rglob("test_*.py")
        for given in ast.walk(ast.parse(module.read_text()))
        if isinstance(given, ast.Call) and ast.unparse(given.func).endswith("mark.parametrize")
        for call in ast.walk(given)
        if isinstance(call, ast.Call)
        and ast.unparse(call.func).split(".")[-1] in _CHANGING
        and not any(keyword.arg == "ids" for keyword in given.keywords)
    ]
    assert changing == []
