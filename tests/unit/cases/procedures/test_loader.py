"""A procedure's file is checked on load: every fault with file, line and reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gridsvc.cases.procedures.library import procedure
from gridsvc.cases.procedures.loader import load_procedure
from gridsvc.errors import BadFile

SOUND = """\
name = "visit"
version = 1
title = "Visit"
title_zh = "走访"
source = "made up for a test"

[[steps]]
name = "arrive"
title = "Arrive"
title_zh = "到场"
by = "lead"
limit_hours = 1

[[steps]]
name = "leave"
title = "Leave"
title_zh = "离开"
by = "lead"
limit_hours = 1
closes = true

[[returns]]
name = "again"
title = "Again"
title_zh = "再来"
from = "leave"
to = "arrive"
by = "supervision"
"""


def load(folder: Path, text: str):
    path = folder / "visit.toml"
    path.write_text(text, encoding="utf-8")
    return load_procedure(path)


def test_a_sound_file_is_loaded_as_it_says(tmp_path):
    loaded = load(tmp_path, SOUND)
    assert [step.name for step in loaded.steps] == ["arrive", "leave"]
    assert [(back.source, back.target) for back in loaded.returns] == [("leave", "arrive")]


@pytest.mark.parametrize("name", ["joint", "ordinary"])
def test_the_procedures_of_the_package_load(name):
    assert procedure(name).name == name


#: What is changed in the sound file, the line that the error must name, and its reason.
FAULTS = {
    "an unknown role": ('by = "lead"\nlimit_hours = 1\n\n', 'by = "king"\n\n', 8, "'king'"),
    "no role": ('by = "lead"\nlimit_hours = 1\n\n', "limit_hours = 1\n\n", 8, "None"),
    "a missing limit": ('by = "lead"\nlimit_hours = 1\n\n', 'by = "lead"\n\n', 8, "limit_hours"),
    "a limit that is no number": ("limit_hours = 1\n\n", 'limit_hours = "1"\n\n', 8, "limit_hours"),
    "a limit of nothing": ("limit_hours = 1\n\n", "limit_hours = 0\n\n", 8, "limit_hours"),
    "two steps of one name": ('name = "leave"', 'name = "arrive"', 8, "two steps"),
    "a return forward": (
        'from = "leave"\nto = "arrive"',
        'from = "arrive"\nto = "leave"',
        23,
        "does not come before",
    ),
    "a return to nowhere": ('to = "arrive"', 'to = "home"', 23, "'home'"),
    "a return without a name": ('name = "again"\n', "", 1, "name"),
    "a return without a title": ('title = "Again"\n', "", 23, "title"),
    "a return with a wrong key": ('title = "Again"\n', 'title = "Again"\nwhen = 1\n', 23, "when"),
    "a return of a step's name": ('name = "again"', 'name = "leave"', 15, "this name"),
    "a wrong key": ("closes = true", "closes = true\ncolour = 1", 15, "colour"),
    "no end": ("closes = true\n", "", 15, "closes = true"),
    "an early end": (
        "limit_hours = 1\n\n[[s",
        "limit_hours = 1\ncloses = true\n\n[[s",
        8,
        "closes",
    ),
    "an unknown requirement": ("closes = true", 'closes = true\nrequires = ["luck"]', 15, "luck"),
    "a step without a name": ('name = "leave"\n', "", 1, "name"),
    "a step without a Chinese title": ('title_zh = "离开"\n', "", 15, "title_zh"),
    "no version": ("version = 1\n", "", 1, "version"),
    "no steps": (SOUND[SOUND.index("[[steps]]") :], "steps = []\n", 1, "steps"),
    "nobody but the system": ('by = "lead"', 'by = "system"', 1, "system"),
    "an end by the system": (
        'by = "lead"\nlimit_hours = 1\ncloses',
        'by = "system"\ncloses',
        15,
        "system",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_with_file_line_and_reason(tmp_path, fault):
    before, after, line, reason = FAULTS[fault]
    assert before in SOUND
    with pytest.raises(BadFile) as refused:
        load(tmp_path, SOUND.replace(before, after))
    said = refused.value.detail
    assert re.match(rf"visit\.toml, line {line}: ", said), said
    assert reason in said


def test_a_file_that_is_no_toml_is_told_with_its_line(tmp_path):
    with pytest.raises(BadFile, match=r"visit\.toml: .*line 2"):
        load(tmp_path, 'name = "visit"\nversion = \n')


def test_two_steps_that_repeat_are_refused(tmp_path):
    doubled = SOUND.replace("limit_hours = 1", "limit_hours = 1\nrepeats = true")
    with pytest.raises(BadFile, match=r"line 16: leave: .*at most one step that repeats"):
        load(tmp_path, doubled)
