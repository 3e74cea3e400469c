"""One form for the many ways to write one address; two addresses keep two forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.cases.intake.match import normalised, place_key
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
    outside = Placement(
        **{name: getattr(placed(), name) for name in Placement.__dataclass_fields__}
        | {"street": None, "community": None}
    )
    assert place_key("长安里8号", outside, GENERIC) is None


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
