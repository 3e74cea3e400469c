"""The page of a joint case, read as text; how it looks in a browser is tested elsewhere."""

from __future__ import annotations

import re
import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from gridsvc.errors import NotFound
from gridsvc.maps.joint_case import joint_case_page, read_joint_case
from tests import cities
from tests import maps_city as city


@pytest.fixture
def page(session: Session) -> str:
    city.make_city(session)
    return joint_case_page(read_joint_case(session, cities.city(), city.WHISTLE_ID), cities.city())


def test_the_page_asks_nothing_of_any_host(page: str) -> None:
    loads = re.findall(r"""<(?:script|link|img|iframe)[^>]*(?:src|href)=["']([^"']*)""", page)
    loads += re.findall(r"""url\(["']?([^"')]*)""", page)

    assert [it for it in loads if not it.startswith(("data:", "#default"))] == []
    assert "cdn" not in page


def test_the_page_tells_the_whole_story(page: str) -> None:
    for words in ("广安门外街道", "太平桥街道", "已结案", "占地跨越边界", *city.ACTIONS):
        assert words in page
    assert re.findall(r'<span class="mark action">(\d)</span>', page) == list("1234567")


def test_each_called_body_stands_with_its_distance_and_its_score(page: str) -> None:
    rows = re.findall(r"<tr>\s*<td>.*?</tr>", page, flags=re.S)
    told = [re.sub(r"<[^>]+>|\s+", " ", row).split() for row in rows]

    assert [row[0] for row in told] == [
        "广安门外街道办事处",
        "太平桥街道办事处",
        "西城区城管执法局",
    ]
    assert [row[row.index("m") - 1] for row in told] == ["22", "32", "42"]
    assert [row[-1] for row in told] == ["90", "91", "92"]
    assert ["late" in row for row in told] == [False, False, True]


def test_nothing_that_the_reporter_wrote_is_on_the_page(page: str) -> None:
    assert "secret words" not in page


def test_no_point_of_a_report_is_on_the_page(session: Session) -> None:
    city.make_city(session)
    session.execute(
        text("update report set point = st_setsrid(st_point(116.3123456, 39.87), 4326)")
    )
    page = joint_case_page(read_joint_case(session, cities.city(), city.WHISTLE_ID), cities.city())
    assert "116.3123456" not in page


@pytest.mark.parametrize(
    "statement",
    [
        "update area set name = :evil where code = '110102020'",
        "update body set name = :evil",
    ],
)
def test_words_from_outside_bring_no_markup_onto_the_page(session: Session, statement: str) -> None:
    city.make_city(session)
    evil = "<b>`${1}`</script>"
    session.execute(text(statement), {"evil": evil})

    page = joint_case_page(read_joint_case(session, cities.city(), city.WHISTLE_ID), cities.city())

    assert "<b>`" not in page
    assert "`${1}`" not in page[page.rindex("<script>") :]
    assert "&lt;b&gt;" in page


def test_an_unknown_whistle_has_no_page(session: Session) -> None:
    with pytest.raises(NotFound, match="no joint whistle"):
        read_joint_case(session, cities.city(), uuid.uuid4())
