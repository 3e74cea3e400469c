"""The hooks of a commit: valid, fetched from nowhere, and the checks of ``make check``."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from pre_commit.clientlib import load_config

_ROOT = Path(__file__).resolve().parents[2]
_CONFIG = _ROOT / ".pre-commit-config.yaml"


def _entries() -> list[str]:
    config = load_config(str(_CONFIG))
    return [hook["entry"] for repo in config["repos"] for hook in repo["hooks"]]


def test_hooks_are_fetched_from_nowhere() -> None:
    config = load_config(str(_CONFIG))
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    # Newer versions of pre-commit call the language `system` "unsupported".
    assert {hook["language"] for repo in config["repos"] for hook in repo["hooks"]} <= {
        "system",
        "unsupported",
    }
    assert not any(
        hook["additional_dependencies"] for repo in config["repos"] for hook in repo["hooks"]
    )


def test_a_commit_is_checked_by_the_tools_of_make_check() -> None:
    makefile = (_ROOT / "Makefile").read_text()
    recipe = re.search(r"^check:.*?\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert recipe is not None
    checks = re.findall(r"\$\(BIN\)/([\w-]+)(?: (\w+))?", recipe[1])
    hooks = [re.findall(r"^\.venv/bin/([\w-]+)(?: (\w+))?", entry) for entry in _entries()]
    assert [found for hook in hooks for found in hook] == checks


def test_every_tool_of_a_hook_is_installed() -> None:
    for entry in _entries():
        tool = _ROOT / entry.split()[0]
        assert shutil.which(str(tool)), f"{tool} is missing"
