"""Procedures of whistles: a fault is told with file, line and reason, no level is skipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridsvc.cases.core.engine import take
from gridsvc.cases.core.progress import begin
from gridsvc.city.procedures.library import load_library
from gridsvc.city.procedures.loader import load_procedure
from gridsvc.errors import BadFile, StepRefused
from tests.cities import SYSTEM_FOLDERS, city

FOLDER = next(folder for folder in SYSTEM_FOLDERS if folder.name == "whistles")


def changed(folder: Path, name: str, *changes: tuple[str, str], version: int = 3) -> Path:
    """A shipped whistle with some words replaced, as a new version."""
    text = (FOLDER / f"{name}_v2.toml").read_text(encoding="utf-8")
    for old, new in (("version = 2", f"version = {version}"), *changes):
        assert old in text
        text = text.replace(old, new)
    path = folder / f"{name}_v{version}.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.system(7)
@pytest.mark.parametrize(
    ("name", "to", "reason"),
    [
        ("whistle_1", "whistle_3", "raised to level 2, but 'whistle_3' is of level 3"),
        ("whistle_1", "city", "raised to level 2, but 'city' is of level 4"),
        ("whistle_2", "whistle_2", "raised to level 3, but 'whistle_2' is of level 2"),
        ("whistle_2", "nothing", "no such procedure"),
    ],
)
def test_a_procedure_that_skips_a_level_is_refused_at_the_start(tmp_path, name, to, reason):
    above = "whistle_2" if name == "whistle_1" else "whistle_3"
    changed(tmp_path, name, (f'to = "{above}"', f'to = "{to}"'))
    with pytest.raises(BadFile, match=reason):
        load_library([*SYSTEM_FOLDERS], own=tmp_path)


@pytest.mark.parametrize(
    ("change", "line", "reason"),
    [
        (("level = 1", "level = 5"), 10, "1 to 4"),
        (("level = 1\n", ""), 3, "no other has any"),
        (("blows = true\n", ""), 30, "no earlier step blows one"),
        (('calls = [{ who = "community" }]\n', ""), 28, "no earlier step calls"),
        (('"all_done", "all_scored"]', '"all_done"]'), 42, "must require all_scored"),
        (('by = "reporter"', 'by = "called"'), 41, "only the caller closes"),
        (("after_the_fact_hours = 72", "after_the_fact_hours = -1"), 11, "0 for not at all"),
    ],
)
def test_a_fault_in_a_whistle_is_told_with_its_line(tmp_path, change, line, reason):
    path = changed(tmp_path, "whistle_1", change)
    with pytest.raises(BadFile, match=rf"whistle_1_v3\.toml, line {line}: .*{reason}"):
        load_procedure(path)


def test_a_whistle_with_a_letter_is_not_recorded_afterwards(tmp_path):
    path = changed(tmp_path, "whistle_3", ("level = 3", "level = 3\nafter_the_fact_hours = 72"))
    with pytest.raises(BadFile, match=r"line 12: .*not recorded after the fact"):
        load_procedure(path)


@pytest.mark.system(5)
def test_a_case_of_any_procedure_with_an_open_whistle_waits_for_its_bodies():
    ordinary = city().procedures.of("ordinary")
    progress = begin(ordinary, lead="110102020").at("assess")
    given = {"party": "supervision", "evidence": {"score": 90}}
    with pytest.raises(StepRefused, match="report in first"):
        take(ordinary, progress, "assess", whistled=True, **given)
    assert take(ordinary, progress, "assess", **given).closed
