"""Which columns hold codes, names and parents is told by what they hold, then by their names."""

from __future__ import annotations

import pytest

from gridsvc.codes import Level
from gridsvc.errors import BadFile
from gridsvc.registry.areas.columns import ColumnGuess, guess_columns
from gridsvc.registry.districts import Division

LISTED = [
    Division("110102", "西城区", "district", None),
    Division("110106", "丰台区", "district", None),
    Division("110102020", "广安门外街道", "street", "110102"),
    Division("110102007", "月坛街道", "street", "110102"),
    Division("110106002", "太平桥街道", "street", "110106"),
    Division("110102020001", "三义里社区居委会", "community", "110102020"),
]


def guessed(table: dict[str, list[str | None]], level: Level) -> dict[str, str]:
    return {it.role: it.column for it in guess_columns(table, level, LISTED)}


def test_codes_names_and_parents_are_found_whatever_the_columns_are_called() -> None:
    table = {
        "F1": ["1", "2", "3"],
        "F2": ["西城区", "西城区", "丰台区"],
        "F3": ["110102", "110102", "110106"],
        "F4": ["110102020000", "110102007000", "110106002000"],
        "F5": ["广安门外街道办事处", "月坛街道", None],
    }
    assert guessed(table, Level.STREET) == {"code": "F4", "name": "F5", "parent": "F3"}
    assert guessed(table, Level.DISTRICT) == {"code": "F3", "name": "F2"}


def test_the_column_whose_codes_are_listed_is_taken_before_one_that_only_looks_like_it() -> None:
    table: dict[str, list[str | None]] = {
        "phone": ["860102020", "860102021", "860102022"],
        "street_code": ["110102020", "110102007", None],
    }
    (code,) = guess_columns(table, Level.STREET, LISTED)
    assert code == ColumnGuess(
        "code",
        "street_code",
        "2 of 2 cells are codes of a street, 2 of them in the list of divisions",
        ("110102020", "110102007"),
    )


def test_two_columns_that_hold_the_same_codes_are_both_told() -> None:
    codes: list[str | None] = ["110102020", "110102007"]
    for table in ({"JDDM": codes, "x": codes}, {"x": codes, "JDDM": codes}):
        (code,) = guess_columns(table, Level.STREET, LISTED)
        assert (code.column, code.others) == ("JDDM", ("x",))


def test_the_name_that_belongs_to_the_code_is_taken_before_another_rows() -> None:
    table: dict[str, list[str | None]] = {
        "dm": ["110102020", "110102007", "110106002"],
        "neighbour": ["月坛街道", "广安门外街道", "月坛街道"],
        "own": ["广安门外街道", "月坛街道", "太平桥街道"],
    }
    assert guessed(table, Level.STREET)["name"] == "own"


def test_unlisted_codes_and_names_are_told_by_digits_and_by_what_columns_are_called() -> None:
    table: dict[str, list[str | None]] = {
        "SQDM": ["120101001001", "120101001002"],
        "MC": ["甲", "乙"],
        "note": ["丙", "丁"],
        "SSJD": ["120101001", "120101001"],
    }
    assert guessed(table, Level.COMMUNITY) == {"code": "SQDM", "name": "MC", "parent": "SSJD"}


VILLAGES: list[str | None] = ["建设社区", "水南村", "三义里社区", "沙石居委会"]


@pytest.mark.parametrize(
    "called",
    ["名称", "社区名称", "村名", "居委会名称", "SQMC", "community_name", "Name_1", "F2", "小区"],
)
def test_names_of_another_city_are_found_though_some_are_also_in_the_list(called: str) -> None:
    table: dict[str, list[str | None]] = {
        "街道名称": ["解放街道", "解放街道", "赣江街道", "赣江街道"],
        "区县": ["章贡区"] * 4,
        "编码": ["360702001001", "360702001002", "360702002001", "360702002002"],
        "联系人姓名": ["张三", "李四", "王五", "赵六"],
        called: VILLAGES,
    }
    assert guessed(table, Level.COMMUNITY) == {"code": "编码", "name": called}
    streets = {name: cells for name, cells in table.items() if name != called}
    assert guessed(streets, Level.COMMUNITY) == {"code": "编码"}


def test_a_column_of_the_names_of_what_lies_above_is_not_the_name() -> None:
    table: dict[str, list[str | None]] = {
        "dm": ["360702001", "360702002", "360702003"],
        "名称": ["章贡区"] * 3,
        "B": ["解放街道", "水西镇", "沙河镇"],
    }
    assert guessed(table, Level.STREET) == {"code": "dm", "name": "B"}


def test_a_file_without_codes_is_refused_with_what_its_columns_hold() -> None:
    table: dict[str, list[str | None]] = {"NAME": ["广安门外街道", None], "n": ["1", "2"]}
    with pytest.raises(
        BadFile, match=r"No column holds codes of 9 digits.*NAME: 广安门外街道; n: 1, 2"
    ):
        guess_columns(table, Level.STREET, LISTED)
    with pytest.raises(BadFile, match="The columns hold nothing"):
        guess_columns({}, Level.STREET, LISTED)
