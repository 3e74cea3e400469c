"""The page of a case's history: years, every report, what was done; nothing from another host."""

from __future__ import annotations

import re
import uuid

import pytest
from sqlalchemy import text

from gridsvc.callers import Role
from gridsvc.errors import NotFound
from gridsvc.maps.case_history import case_history_page, read_case_history
from tests import cities
from tests.service import joint_city as city

pytestmark = pytest.mark.system(12)


@pytest.fixture
def history(lead, citizen, as_, city_session):
    """Twelve reports of eleven years, of which the last came by itself; two acts."""
    for n in range(11):
        filed = lead.report(
            -300 - 5 * n,
            channel="12345",
            received_at=f"{2008 + n}-05-01T10:00:00+08:00",
            place_text="幸福家园3号楼",
            reporter={"phone": "010-5550199"},
        )
    citizen.report(-310, channel="app", place_text="幸福家园3号楼<b>`${1}`</script>")
    steps = f"/v1/cases/{filed['case_id']}/steps"
    command = as_(Role.DISTRICT, city.WEST)
    command.post(steps, {"step": "extend", "note": "It needs more time."})
    lead.post(steps, {"step": "handle", "note": "The roof is on."})
    city_session.rollback()
    return read_case_history(city_session, cities.city(), uuid.UUID(filed["case_id"]))


def test_the_page_shows_every_report_by_year_and_what_was_done(history, tmp_path):
    page = case_history_page(history, cities.city())
    (tmp_path / "history.html").write_text(page, encoding="utf-8")
    rows = re.findall(r'<tr><td class="number">(\d+)</td><td><time>([^<]+)', page)
    assert [int(number) for number, _ in rows] == list(range(1, 13))
    assert rows[0][1] == "2008-05-01 10:00"
    times = [when for _, when in rows]
    assert times == sorted(times)
    chart = page[page.index('<svg class="chart"') :].partition("</svg>")[0]
    assert {str(year) for year in range(2008, 2027)} <= set(re.findall(r">(\d{4})<", chart))
    assert "It needs more time." in page
    assert "The roof is on." in page
    assert "事后补录 recorded later (11)" in page
    streets = [name for name, _ in history.streets]
    assert streets == ["椿树街道", "广安门外街道", "右安门街道", "太平桥街道"]
    assert len(history.grids) == 6


def test_nothing_personal_and_no_markup_of_others_is_on_the_page(history):
    page = case_history_page(history, cities.city())
    assert "5550199" not in page
    assert "Two storeys" not in page
    assert "<b>`" not in page
    assert "`${1}`" not in page[page.rindex("<script>") :]
    assert not re.findall(r'<(?:img|script|iframe)[^>]* src=|<link [^>]*href="(?!data:)', page)


def test_a_joined_case_leads_to_the_other_one(lead, citizen, city_session):
    first, second = citizen.report(-300), citizen.report(-600)
    path = f"/v1/cases/{first['case_id']}/join"
    lead.post(path, {"into": second["case_id"], "reason": "one building"})
    city_session.rollback()
    page = case_history_page(
        read_case_history(city_session, cities.city(), uuid.UUID(first["case_id"])), cities.city()
    )
    assert second["case_id"] in page
    assert "已并案" in page
    assert "并入他案" in page


def test_a_case_that_is_not_there_has_no_history(city_session):
    assert city_session.scalar(text("select count(*) from case_file")) == 0
    with pytest.raises(NotFound, match="There is no case"):
        read_case_history(city_session, cities.city(), uuid.uuid4())
