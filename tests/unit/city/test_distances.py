"""How near two reports are about one thing: by class, from a table that is checked on load."""

from __future__ import annotations

import pytest

from gridsvc.cases.intake.match import distances_of, kin_of, kinds_of
from gridsvc.city.classes import STANDARD, ClassKey
from gridsvc.city.merging import DISTANCES, KIN, read_distances, read_kin
from gridsvc.errors import BadFile
from gridsvc.registry.classes.service import read_class_list
from gridsvc.settings import Settings
from tests.cities import city

SHIPPED = city().table(DISTANCES)
KINDRED = city().table(KIN)
HEAD = "kind,class_prefix,citizen_m,exact_m,reason\n"


def event(code):
    return ClassKey(STANDARD, "event", code)


def reach(code, *, exact=False):
    line = distances_of(event(code), Settings(), SHIPPED)
    return line.exact_m if exact else line.citizen_m


def test_a_class_that_the_table_does_not_list_joins_within_the_setting():
    assert reach("06001") == 55.0
    assert reach("06001", exact=True) == 20.0
    own = distances_of(event("06001"), Settings(merge_within_m=80), SHIPPED)
    assert own.citizen_m == 80.0


def test_covers_stand_closer_than_noise_carries():
    assert reach("01002") == 30.0
    assert reach("06028") == 70.0
    assert reach("01002", exact=True) < reach("01002")


def test_the_narrowest_line_speaks():
    assert (reach("04013"), reach("04001")) == (80.0, 30.0)


def test_people_take_open_rubbish_for_piled_up_rubbish_and_not_for_a_barbecue():
    rubbish = kin_of(event("06010"), KINDRED)
    assert rubbish == kin_of(event("06011"), KINDRED)
    assert {"06010", "06011", "06035"} < set(rubbish)
    assert "06029" not in rubbish
    assert kin_of(event("06013"), KINDRED) == ("06013",)
    assert kin_of(event("01002"), KINDRED) == ("01002", "01003", "01023")


def test_every_kindred_class_is_one_of_the_list_and_has_company():
    listed = {(row["kind"], row["code"]) for row in read_class_list()}
    for line in KINDRED:
        kind = "event" if line.kind == "*" else line.kind
        assert (kind, line.code) in listed, line
        assert len(kin_of(ClassKey(STANDARD, kind, line.code), KINDRED)) > 1, line


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a,thing,06010,why", "line 2: the kind is 'thing'"),
        (",event,06010,why", "line 2: the group is empty"),
        ("a,event,0601,why", "line 2: '0601' is not a class of five digits"),
        ("a,event,06010,why\nb,event,06010,why", "line 3: .* is duplicated: line 2"),
    ],
)
def test_a_fault_among_the_kin_is_told_with_its_line(tmp_path, line, said):
    path = tmp_path / "kin.csv"
    path.write_text(f"group,kind,class,reason\n{line}\n", encoding="utf-8")
    with pytest.raises(BadFile, match=f"kin.csv, {said}"):
        read_kin(path)


def test_an_event_of_a_part_is_the_part_out_of_order_and_nothing_else_is():
    assert kinds_of(event("01002")) == ("event", "part")
    assert kinds_of(event("06001")) == ("event",)
    assert kinds_of(ClassKey("GB/T 30428.2-2013", "event", "01002")) == ("event",)


def test_the_package_has_a_reason_for_every_line():
    assert len(city().table(DISTANCES)) > 15


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("kind,class_prefix,m\n", "line 1: the columns"),
        (HEAD + "*,01,50,15\n", "line 2: the line has 4 fields, the header 5"),
        (HEAD + "thing,01,50,15,why\n", "line 2: the kind is 'thing'"),
        (HEAD + "*,,50,15,why\n", "line 2: '' does not begin a class"),
        (HEAD + "*,0100x,50,15,why\n", "line 2: '0100x' does not begin a class"),
        (HEAD + "*,01,50,15,why\n*,02,nan,15,why\n", "line 3: citizen_m is 'nan'"),
        (HEAD + "*,01,50,0,why\n", "line 2: exact_m is '0'"),
        (HEAD + "*,01,5000,1,why\n", "line 2: citizen_m is '5000'"),
        (HEAD + "*,01,50,15,why\n*,01,60,15,why\n", "line 3: .* is duplicated: line 2"),
    ],
)
def test_a_fault_is_told_with_its_line(tmp_path, lines, said):
    path = tmp_path / "merging.csv"
    path.write_text(lines, encoding="utf-8")
    with pytest.raises(BadFile, match=f"merging.csv, {said}".replace("(", r"\(")):
        read_distances(path)


def test_a_file_that_is_no_utf_8_is_told(tmp_path):
    path = tmp_path / "merging.csv"
    path.write_bytes("种类".encode("gb18030"))
    with pytest.raises(BadFile, match="UTF-8"):
        read_distances(path)


def test_a_city_puts_its_own_table_beside_its_procedures(tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDSVC_PROCEDURES_DIR", str(tmp_path))
    (tmp_path / "merging.csv").write_text(HEAD + "event,06001,80,20,denser here\n")
    own = city().table(DISTANCES)
    lines = [distances_of(event(code), Settings(), own) for code in ("06001", "06028")]
    assert [line.citizen_m for line in lines] == [80.0, 55.0]
