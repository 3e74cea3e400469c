"""The national class list is read whole, and a bad line is named."""

from __future__ import annotations

from collections import Counter

import pytest

from gridsvc.errors import BadFile
from gridsvc.registry.classes.service import read_class_list

HEADER = "kind,code,name,major\n"


def test_the_list_of_2026_has_153_part_and_250_event_classes():
    classes = read_class_list()
    assert Counter(row["kind"] for row in classes) == {"part": 153, "event": 250}
    names = {(row["kind"], row["code"]): row["name"] for row in classes}
    assert names["part", "01001"] == "供水井盖"
    assert names["event", "01001"] == "供水井盖异常"
    assert names["event", "06001"] == "私搭乱建"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("thing,01002,a,b", "kind 'thing' is neither part nor event"),
        ("part,1002,a,b", "code '1002' does not have 5 digits"),
        ("part,01002,,b", "name or major is empty"),
        ("part,01002,a", "the line has 3 fields, the header 4"),
        ("part,01002,a,b,c", "the line has 5 fields, the header 4"),
        ("part,01001,a,b", "kind .part., code .01001. is duplicated: line 2 has it too"),
    ],
)
def test_a_bad_line_of_a_class_list_is_named(tmp_path, line, words):
    path = tmp_path / "classes.csv"
    path.write_text(f"{HEADER}part,01001,供水井盖,市政\n{line}\n", encoding="utf-8")
    with pytest.raises(BadFile, match=rf"classes\.csv, line 3: {words}"):
        read_class_list(path)


def test_a_class_list_with_other_columns_is_refused(tmp_path):
    path = tmp_path / "classes.csv"
    path.write_text("code,name\n01001,x\n", encoding="utf-8")
    with pytest.raises(BadFile, match="line 1: the columns are"):
        read_class_list(path)
