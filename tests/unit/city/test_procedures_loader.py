"""A procedure's file is checked on load: every fault with file, line and reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gridsvc.city.classes import STANDARD, ClassKey
from gridsvc.city.procedures.library import load_library
from gridsvc.city.procedures.loader import load_procedure
from gridsvc.errors import BadFile, BadInput, Unavailable
from tests.cities import city

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

[acts.extend]
by = "command"
at = ["arrive"]
times = 2
"""


def load(folder: Path, text: str):
    path = folder / "visit_v1.toml"
    path.write_text(text, encoding="utf-8")
    return load_procedure(path)


def test_a_sound_file_is_loaded_as_it_says(tmp_path):
    loaded = load(tmp_path, SOUND)
    assert [step.name for step in loaded.steps] == ["arrive", "leave"]
    assert [(back.source, back.target) for back in loaded.returns] == [("leave", "arrive")]
    assert loaded.acts["extend"].times == 2


@pytest.mark.parametrize("name", sorted({name for name, _ in city().procedures.procedures}))
def test_the_procedures_of_the_package_load(name):
    assert city().procedures.of(name).name == name


def test_the_procedures_that_were_asked_for_are_there():
    assert {name for name, _ in city().procedures.procedures} >= {
        *("ordinary", "whistle_1", "whistle_2", "whistle_3", "joint", "city"),
        *("dual", "post_48h", "hazard"),
    }
    ordinary = city().procedures.of("ordinary")
    assert [step.name for step in ordinary.steps] == [
        *("collect", "file", "dispatch", "rule", "handle", "feed_back", "verify", "assess")
    ]
    assert len(city().procedures.of("joint").steps) == 6 + 1  # and its closing
    assert len(city().procedures.of("city").steps) == 5 + 1
    nine = [step.name for step in city().procedures.get("whistle_3", 1).steps]
    assert len(nine) == 9
    # In the newest version every called body accepts and reports in at its own pace.
    assert [step.name for step in city().procedures.of("whistle_3").steps] == [
        name for name in nine if name not in ("accept", "report_in")
    ]
    assert [city().procedures.of(f"whistle_{level}").level for level in (1, 2, 3)] == [1, 2, 3]


ARRIVE = 'name = "arrive"\ntitle = "Arrive"\ntitle_zh = "到场"\nby = "lead"\nlimit_hours = 1\n'
LEAVE = 'name = "leave"\ntitle = "Leave"\ntitle_zh = "离开"\nby = "lead"\nlimit_hours = 1\n'


def arrive(more: str, *, by: str = '"lead"', limit: str = "limit_hours = 1\n") -> tuple[str, str]:
    return ARRIVE, f"{ARRIVE[: ARRIVE.index('by = ')]}by = {by}\n{limit}{more}"


def leave(more: str) -> tuple[str, str]:
    return LEAVE, LEAVE + more


#: What is changed in the sound file, the line that the error must name, and its reason.
FAULTS = {
    "an unknown role": (*arrive("", by='"king"'), 11, "'king'"),
    "no role": (ARRIVE, ARRIVE.replace('by = "lead"\n', ""), 8, "None"),
    "a missing limit": (*arrive("", limit=""), 8, "limit_hours"),
    "a limit that is no number": (*arrive("", limit='limit_hours = "1"\n'), 12, "above 0"),
    "a limit of nothing": (*arrive("", limit="limit_hours = 0\n"), 12, "above 0"),
    "a limit without end": (*arrive("", limit="limit_hours = inf\n"), 12, "above 0"),
    "a limit that is no number at all": (*arrive("", limit="limit_hours = nan\n"), 12, "above 0"),
    "an unknown clock": (*arrive('clock = "sand"\n'), 13, "'sand'"),
    "a clock without a limit": (*arrive('clock = "working"\n', limit=""), 12, "needs limit_hours"),
    "two steps of one name": ('name = "leave"', 'name = "arrive"', 15, "two steps"),
    "a return forward": (
        'from = "leave"\nto = "arrive"',
        'from = "arrive"\nto = "leave"',
        27,
        "does not come before",
    ),
    "a return to itself": ('to = "arrive"', 'to = "leave"', 27, "does not come before"),
    "a return to nowhere": ('to = "arrive"', 'to = "home"', 27, "'home'"),
    "a return without a name": ('name = "again"\n', "", 22, "name"),
    "a return without a title": ('title = "Again"\n', "", 23, "title"),
    "a return with a wrong key": ('title = "Again"\n', 'title = "Again"\nwhen = 1\n', 25, "when"),
    "a return of a step's name": ('name = "again"', 'name = "leave"', 23, "this name"),
    "a refusal without a reason": (
        'by = "supervision"',
        'by = "lead"\nrefuses = true',
        23,
        "responsible_now",
    ),
    "a refusal to one who handles": (
        'by = "supervision"',
        'by = "lead"\nneeds = ["note", "responsible_now"]\nrefuses = true',
        27,
        "may only send it on or return it",
    ),
    "a wrong key": ("closes = true", "closes = true\ncolour = 1", 21, "colour"),
    "a wrong key of the head": ("version = 1", "version = 1\ncolour = 1", 1, "colour"),
    "no end": ("closes = true\n", "", 15, "closes = true"),
    "a step behind the end": (*arrive("closes = true\n"), 13, "'leave' is never reached"),
    "an unknown requirement": (*leave('requires = ["luck"]\n'), 20, "luck"),
    "a requirement without two sides": (*leave('requires = ["all_done"]\n'), 20, "two_sides"),
    "a step without a name": ('name = "leave"\n', "", 14, "name"),
    "a step without a Chinese title": ('title_zh = "离开"\n', "", 15, "title_zh"),
    "no version": ("version = 1\n", "", 1, "version"),
    "a version of nothing": ("version = 1\n", "version = 0\n", 2, "from 1"),
    "no steps": (SOUND[SOUND.index("[[steps]]") :], "steps = []\n", 1, "steps"),
    "nobody but the system": ('by = "lead"', 'by = "system"', 1, "system"),
    "an end by the system": (LEAVE, LEAVE.replace("lead", "system"), 15, "system"),
    "another side of nothing": (*arrive("", by='"other"'), 11, "two_sides"),
    "a seat that nobody has": (*arrive("", by='"enterprise"'), 11, "nobody is the enterprise"),
    "a called body that nobody called": (*arrive("", by='"each_called"'), 11, "calls anybody"),
    "scores of nobody": (*leave('scores = "called"\n'), 20, "calls anybody"),
    "a call of nobody's": (*arrive('calls = [{ who = "army" }]\n'), 13, "'army'"),
    "a call of an empty seat": (*arrive('calls = [{ who = "territory" }]\n'), 13, "no seat"),
    "an optional end": (*leave("optional = true\n"), 15, "left out"),
    "a flag that is none": (*leave('optional = "yes"\n'), 20, "true or false"),
    "evidence that is no list": (*leave('needs = "note"\n'), 20, "list of texts"),
    "an act at no step": ('at = ["arrive"]', 'at = ["home"]', 32, "'home'"),
    "an act that is none": ("[acts.extend]", "[acts.shorten]", 30, "shorten"),
    "three extensions": ("times = 2", "times = 3", 33, "1 to 2"),
    "an extension without end": ("times = 2\n", "", 30, "times"),
    "a suspension of years": (
        '[acts.extend]\nby = "command"\nat = ["arrive"]\ntimes = 2',
        '[acts.suspend]\nby = "command"\nat = ["arrive"]\nwithin_days = 400',
        33,
        "within_days",
    ),
    "a role of tokens that is none": (
        "version = 1",
        'version = 1\nopened_by = ["king"]',
        3,
        "king",
    ),
    "seats without a lead": (
        "[acts.extend]",
        '[seats]\ncaller = "community"\n\n[acts.extend]',
        30,
        "lead",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_with_file_line_and_reason(tmp_path, fault):
    before, after, line, reason = FAULTS[fault]
    assert before in SOUND
    with pytest.raises(BadFile) as refused:
        load(tmp_path, SOUND.replace(before, after))
    said = refused.value.detail
    assert re.match(rf"visit_v1\.toml, line {line}: ", said), said
    assert reason in said


def test_a_file_that_is_no_toml_is_told_with_its_line(tmp_path):
    with pytest.raises(BadFile, match=r"visit_v1\.toml: .*line 2"):
        load(tmp_path, 'name = "visit"\nversion = \n')


def test_a_file_that_is_no_text_is_told(tmp_path):
    path = tmp_path / "visit_v1.toml"
    path.write_bytes(SOUND.encode("gbk"))
    with pytest.raises(BadFile, match="UTF-8"):
        load_procedure(path)


def test_two_steps_that_repeat_are_refused(tmp_path):
    third = LEAVE.replace("leave", "stay") + "repeats = true\n"
    two = SOUND.replace(ARRIVE, f"{ARRIVE}repeats = true\n\n[[steps]]\n{third}")
    with pytest.raises(BadFile, match=r"line 21: stay: .*at most one step that repeats"):
        load(tmp_path, two)


RULES = "channel,kind,class_prefix,procedure,grade\n*,*,,visit,general\n"
GRADES = "grade,hours,clock,title,title_zh\ngeneral,168,calendar,General,一般\n"


@pytest.fixture
def folder(tmp_path):
    for name, text in (
        ("visit_v1.toml", SOUND),
        ("rules.csv", RULES),
        ("grades.csv", GRADES),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_old_versions_stay_and_the_newest_begins(folder):
    (folder / "visit_v2.toml").write_text(SOUND.replace("version = 1", "version = 2"))
    loaded = load_library([], own=folder)
    assert loaded.newest("visit").version == 2
    assert loaded.get("visit", 1).version == 1
    with pytest.raises(Unavailable, match=r"visit_v3\.toml"):
        loaded.get("visit", 3)
    with pytest.raises(BadInput, match="no procedure 'stay'; there are visit"):
        loaded.newest("stay")


def test_a_file_is_named_for_its_procedure_and_version(folder):
    (folder / "visit.toml").write_text(SOUND)
    with pytest.raises(BadFile, match=r"visit\.toml, line 1: .*visit_v1\.toml"):
        load_library([], own=folder)


def test_a_citys_folder_never_changes_a_version_that_cases_run_by(folder, tmp_path_factory):
    own = tmp_path_factory.mktemp("own")
    (own / "visit_v1.toml").write_text(SOUND)
    with pytest.raises(BadFile, match="already exists"):
        load_library([folder], own=own)
    with pytest.raises(BadFile, match="GRIDSVC_PROCEDURES_DIR"):
        load_library([folder], own=own / "nowhere")


def test_a_case_is_raised_to_a_procedure_that_exists(folder):
    raised = SOUND.replace("[acts.extend]", "[acts.raise]").replace("times = 2", 'to = "heaven"')
    (folder / "visit_v1.toml").write_text(raised)
    with pytest.raises(BadFile, match="'heaven'"):
        load_library([], own=folder)


@pytest.mark.parametrize(
    ("name", "line", "says"),
    [
        ("rules.csv", "*,event,,stay,general", "line 3: there is no procedure 'stay'"),
        ("rules.csv", "*,event,,visit,soon", "line 3: there is no grade 'soon'"),
        ("rules.csv", "*,act,,visit,general", "line 3: the kind"),
        ("rules.csv", "*,event,06x,visit,general", "line 3: '06x'"),
        ("rules.csv", "*,*,,visit,general", "line 3: .* is duplicated: line"),
        ("rules.csv", "*,event", "line 3: the line has 2 fields, the header 5"),
        ("grades.csv", "soon,2,sand,Soon,快", "line 3: .*'sand'"),
        ("grades.csv", "soon,two,working,Soon,快", "line 3: .*two"),
        ("grades.csv", "soon,-2,working,Soon,快", "line 3: -2 hours"),
        ("grades.csv", "general,2,working,Soon,快", "line 3: .*duplicated"),
    ],
)
def test_a_fault_in_the_rules_is_told_with_its_line(folder, name, line, says):
    with (folder / name).open("a", encoding="utf-8") as lines:
        lines.write(f"{line}\n")
    with pytest.raises(BadFile, match=rf"{name}, {says}"):
        load_library([], own=folder)


def test_rules_without_one_for_all_the_others_are_refused(folder):
    (folder / "rules.csv").write_text(RULES.replace("*,*,,", "*,event,,"), encoding="utf-8")
    with pytest.raises(BadFile, match=r"'\*,\*,' for everything else is missing"):
        load_library([], own=folder)


@pytest.mark.parametrize(
    ("channel", "kind", "code", "expected"),
    [
        ("12345", "event", "06010", ("ordinary", "general")),
        ("app", "event", "10002", ("ordinary", "danger")),
        ("app", "part", "10002", ("ordinary", "general")),
        ("post", "event", "10002", ("post_48h", "general")),
        ("hazard", "part", "01002", ("hazard", "general")),
        ("hazard", "event", "10002", ("hazard", "danger")),
        ("app", "event", "01011", ("ordinary", "utility")),
        ("app", "event", "06001", ("ordinary", "complex")),
    ],
)
def test_the_channel_rules_before_the_class_and_the_narrowest_class_first(
    channel, kind, code, expected
):
    key, library = ClassKey(STANDARD, kind, code), city().procedures
    assert (library.rule_for(channel, key).procedure, library.grade_for(channel, key)) == expected
