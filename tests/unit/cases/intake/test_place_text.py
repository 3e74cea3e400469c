"""One form for the many ways to write one address; two addresses keep two forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.cases.intake.address import (
    Compared,
    closer,
    compare,
    door_of,
    door_range,
    normalised,
    place_key,
    read_address,
    same_door,
)
from gridsvc.city.merging import GENERIC_PLACES
from gridsvc.registry.placement.model import AreaRef, Placement
from tests.cities import city

GENERIC = city().table(GENERIC_PLACES)
GUANGWAI = ("110102020", "广安门外街道")


def placed(street=GUANGWAI, community="001"):
    return Placement(
        lon=116.3,
        lat=39.9,
        accuracy_m=10.0,
        district=AreaRef("110102", "西城区"),
        street=AreaRef(*street),
        community=AreaRef(street[0] + community, "某社区"),
        unit_grid=None,
        claims=(),
        conflict=None,
        border=None,
        editions=(),
    )


def key(text, **more):
    return place_key(text, placed(**more), GENERIC)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("广安门外大街12号", "广安门外大街１２号"),
        ("广安门外大街12号", "廣安門外大街 12 號"),
        ("广安门外大街12号", "北京市西城区广安门外大街十二号"),
        ("广安门外大街12号", "西城区广安门外街道广安门外大街12号附近"),
        ("广安门外大街12号", "北京市广安门外街道广安门外大街12号"),
        ("广安门外大街12号", "广安门外大街012号，门口"),
        ("广安门外大街12号", "广安门外大街12"),
        ("手帕口南街二十号院", "手帕口南街20号院内"),
        ("望园小区一百零六号楼", "望园小区106栋"),
        ("红莲北里3#楼2单元", "红莲北里三号楼二单元"),
        ("Xinyi Garden B座", "xinyi garden b楼"),
    ],
)
def test_two_ways_to_write_one_place_have_one_key(one, other):
    assert key(one) == key(other) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("广安门外大街12号", "广安门外大街112号"),
        ("广安门外大街12号", "广安门外大街12号对面"),
        ("广安门外大街12号", "广安门内大街12号"),
        ("红莲北里3号楼2单元", "红莲北里32号楼"),
        ("红莲北里3号楼2单元", "红莲北里3号楼12单元"),
        ("红莲北里3号楼", "红莲南里3号楼"),
        ("望京小区12号", "红莲小区12号"),
        ("农贸市场12号", "北京市场12号"),
    ],
)
def test_two_places_have_two_keys(one, other):
    assert key(one) != key(other)


def test_a_name_counts_inside_one_street():
    assert key("长安里8号") == key("长安里8号", community="002")
    assert key("长安里8号") != key("长安里8号", street=("110102021", "牛街街道"))


@pytest.mark.parametrize("bare", ["12号", "12号楼", "小区12号楼3单元", "十二号院", "A座1层"])
def test_a_bare_number_counts_inside_one_community(bare):
    assert key(bare) == key(bare) is not None
    assert key(bare) != key(bare, community="002")


@pytest.mark.parametrize(
    "nothing",
    [None, "", "小区门口", "路边", "楼下", "我家", "胡同口", "!!", "  ", "不详", "地铁站附近"],
)
def test_words_that_name_no_place_give_no_key(nothing):
    assert key(nothing) is None


def test_a_place_without_a_street_has_no_key():
    outside = placed()._replace(street=None, community=None)
    assert place_key("长安里8号", outside, GENERIC) is None


SAME, WIDER, OPEN, OTHER = Compared.SAME, Compared.WIDER, Compared.OPEN, Compared.OTHER


@pytest.mark.parametrize(
    ("one", "other", "compared"),
    [
        ("红莲北里3号楼", "红莲北里3号", SAME),
        ("红莲北里小区3号楼", "红莲北里三栋2单元502", SAME),
        ("红莲北里3-2-502", "红莲北里3号楼2单元502室", SAME),
        ("红莲北里3号楼垃圾桶旁边", "红莲北里3号楼", SAME),
        ("手帕口南街20号院", "手帕口南街20号", SAME),
        ("红莲北里3号楼", "红莲南里3号楼", OTHER),
        ("红莲北里3号楼", "红莲北里5号楼", OTHER),
        ("红莲北里3号楼2单元", "红莲北里3号楼4单元", OTHER),
        ("红莲北里3号楼502", "红莲北里3号楼501", OTHER),
        ("红莲北里南门", "红莲北里北门", OTHER),
        ("广安门外大街12号", "广安门外大街14号", OTHER),
        ("广安门外大街12号", "广安门外大街甲12号", OTHER),
        ("广安门外大街12号", "莲花池东路12号", OTHER),
        ("广安门外大街12号", "广安门外大街12号对面", OTHER),
        ("东四十条5号", "东四十条7号", OTHER),
        ("12号楼", "红莲北里13号楼", OTHER),
        ("红莲北里", "红莲北里3号楼", WIDER),
        ("红莲北里南门", "红莲北里", WIDER),
        ("广安门外大街与马连道路口", "马连道", WIDER),
        ("广安门外大街12号", "广安门外大街12号红莲北里3号楼", WIDER),
        ("广安门外大街12号", "红莲北里3号楼", OPEN),
        ("12号楼", "红莲北里12号楼", OPEN),
    ],
)
def test_two_addresses_compare_either_way_round(one, other, compared):
    assert compare(key(one), key(other)) is compare(key(other), key(one)) is compared


def test_one_name_in_two_streets_is_left_to_the_distance():
    there = key("长安里8号", street=("110102021", "牛街街道"))
    assert compare(key("长安里8号"), there) is WIDER


def test_all_the_keys_at_a_door_sort_together_and_a_name_alone_stands_alone():
    first, end = door_range(key("红莲北里3号楼2单元502"))
    assert first == key("红莲北里3号楼")
    assert first < key("红莲北里3号楼垃圾桶旁边") < end < key("红莲北里5号楼")
    assert not first <= key("红莲北里33号楼") < end
    first, end = door_range(key("红莲北里"))
    assert first == key("红莲北里") < end < key("红莲北里3号楼")


def test_a_case_learns_a_door_where_its_address_names_none():
    assert closer(key("红莲北里3号楼"), None)
    assert closer(key("红莲北里3号楼"), key("红莲北里"))
    assert not closer(key("红莲北里3号楼2单元"), key("红莲北里3号楼"))
    assert not closer(key("红莲南里3号楼"), key("红莲北里"))
    assert not closer(key("广安门外大街12号"), key("红莲北里"))


@given(
    st.sampled_from(["", "广安门外大街", "马连道", "东四十条"]),
    st.sampled_from(["", "红莲北里", "望园小区", "长安里二区"]),
    st.lists(
        st.tuples(st.sampled_from(["号", "号楼", "单元", "层", "室"]), st.integers(1, 60)),
        max_size=4,
        unique_by=lambda pair: pair[0],
    ),
)
def test_the_form_of_an_address_reads_as_the_same_address(road, compound, numbers):
    said = road + compound + "".join(f"{number}{level}" for level, number in numbers)
    form = read_address(normalised(said)).form()
    assert read_address(form).form() == form


@given(st.text(max_size=40))
def test_the_form_of_any_text_is_short_and_has_no_spaces(text):
    plain = normalised(text, district="西城区", street="广安门外街道")
    assert not any(character.isspace() for character in plain)
    assert len(key(text) or "") < 100


@given(st.integers(0, 999))
def test_chinese_and_arabic_numbers_are_one(number):
    digits = "零一二三四五六七八九"
    hundreds, tens, ones = number // 100, number // 10 % 10, number % 10
    written = (digits[hundreds] + "百" if hundreds else "") + (
        digits[tens] + "十" if tens else "零" if hundreds and ones else ""
    )
    written += digits[ones] if ones or not number else ""
    assert normalised(f"长安里{written}号") == normalised(f"长安里{number}号")


@pytest.mark.parametrize(
    ("one", "door"),
    [
        ("红莲北里3号楼2单元502室", "红莲北里3楼"),
        ("手帕口南街20号院5号楼东侧", "手帕口南街20号5楼"),
        ("校场头条5号北房", "校场头条5号"),
        ("红莲北里", None),
    ],
)
def test_a_door_is_told_without_what_is_in_it_or_beside_it(one, door):
    found = door_of(key(one))
    assert found == (None if door is None else f"{GUANGWAI[0]}:{door}")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("红莲北里3号楼", "广安路红莲北里3号楼", True),
        ("马连道路红莲北里3号楼", "广安路红莲北里3号楼", True),
        ("红莲北里3号楼", "红莲北里4号楼", False),
        ("红莲北里3号楼", "红莲南里3号楼", False),
        ("红莲北里3号楼", "3号楼", True),
        ("校场二条5号", "5号", True),
        ("校场二条5号", "校场三条5号", False),
        ("红莲北里3号楼", "红莲北里3号楼对面", False),
    ],
)
def test_two_ways_to_write_an_address_can_be_one_door_or_not(one, other, same):
    doors = [door_of(key(text)) for text in (one, other)]
    assert same_door(*doors) is same
    assert same_door(*reversed(doors)) is same
