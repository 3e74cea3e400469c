"""A refused command says why in the language of the terminal."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("locale", "says"),
    [
        ({"LC_ALL": "zh_CN.UTF-8"}, "输入无法使用: 请指定要审查的版本，或用 --file 指定文件。"),
        ({"LANG": "zh_CN.UTF-8"}, "输入无法使用"),
        ({"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"}, "Name an edition to audit"),
        ({}, "Name an edition to audit"),
    ],
)
def test_a_refusal_is_told_in_the_language_of_the_terminal(
    locale: dict[str, str], says: str
) -> None:
    silent = {name: value for name, value in os.environ.items() if name not in ("LANG", "LC_ALL")}
    command = [sys.executable, "-c", "from gridsvc.cli import main; main()", "edition", "audit"]
    done = subprocess.run(
        command, env=silent | {"PYTHONUTF8": "1"} | locale, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert says in done.stderr
