"""Powers and delegations: imported with a report, and looked up by street and day."""

from __future__ import annotations

import datetime as dt
import json
import random

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from gridsvc.cli.app import app
from gridsvc.registry.powers.model import who_may
from gridsvc.registry.powers.repository import PowerFilter, powers_page
from gridsvc.settings import get_settings
from tests.service import joint_city as city
from tests.service import powers_world as lists
from tests.service.powers_world import delegation, enter_delegations, enter_powers, power
from tests.service.procedures_world import CGJ, GZ


@pytest.fixture
def enter(city_session, tmp_path):
    """Import powers, then delegations, and keep them."""

    def call(powers, delegations=()):
        told = [enter_powers(city_session, tmp_path, *powers)]
        if delegations:
            told.append(enter_delegations(city_session, tmp_path, *delegations))
        city_session.commit()
        return told

    return call


def asked(client, **query):
    answer = client.get("/v1/powers", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def actors(client, **query):
    return {
        one["code"]: [who["code"] for who in one["who_may"]]
        for one in asked(client, **query)["powers"]
    }


@pytest.mark.system(10)
def test_a_list_of_the_real_size_answers_as_a_look_at_every_line_does(
    client, city_session, tmp_path
):
    lists.register_pinggu(city_session)
    real = lists.real_size()
    first = enter_powers(city_session, tmp_path, *real.powers)
    second = enter_delegations(city_session, tmp_path, *real.delegations)
    city_session.commit()
    assert (first.rows, first.loaded, first.powers, len(first.by_holder)) == (4763, 4763, 4763, 42)
    assert (second.loaded, second.powers, len(second.by_holder)) == (len(real.delegations), 380, 18)
    counted = dt.date(2022, 1, 1)
    at = {one: len(real.delegated(one, counted)) for one in (*lists.TOWNS, *lists.STREETS)}
    assert sorted(at.values()) == [62] * 2 + [75] * 12 + [80] * 4
    dice = random.Random(11)
    first_day, last_day = lists.DAYS
    for number in range(1000):
        day = first_day + dt.timedelta(days=dice.randrange((last_day - first_day).days))
        street = dice.choice([*lists.TOWNS, *lists.STREETS])
        # Every other one is one that is delegated to somebody.
        code = dice.choice((real.delegations, real.powers)[number % 2])
        code = code.get("power") or code["code"]
        found = powers_page(city_session, PowerFilter(day, street, q=code), after=None, limit=5)
        right = real.who_may(code, street, day)
        told = [[actor.code for actor in who_may(one)] for one in found]
        assert told == ([] if right is None else [right]), (day, street, code)
        if number % 50 == 0:
            over_http = actors(client, street=street, day=str(day), q=code)
            assert over_http == ({} if right is None else {code: right})
        if number % 10 == 0:
            wanted = PowerFilter(day, street, delegated=True)
            own = powers_page(city_session, wanted, after=None, limit=500)
            listed = {
                one.code: [(d.document, d.conditions) for d in one.delegations] for one in own
            }
            assert listed == {
                code: [(line["document"], line["conditions"])]
                for code, line in real.delegated(street, day).items()
            }, (day, street)


def test_all_powers_of_a_day_come_page_by_page_and_each_once(client, enter):
    enter([power(f"C{number:03d}") for number in range(7)], [delegation("C003")])
    seen, cursor = [], {}
    while True:
        page = asked(client, street=city.LEAD, limit=3, **cursor)
        seen += [one["code"] for one in page["powers"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == [f"C{number:03d}" for number in range(7)]
    refused = client.get("/v1/powers", params={"cursor": "nowhere"})
    assert (refused.status_code, refused.json()["field"]) == (422, "cursor")


@pytest.mark.system(10)
def test_the_first_day_counts_and_the_last_does_not(client, enter):
    enter([power("C1")], [delegation("C1", valid_from="2021-07-01", valid_to="2023-07-01")])
    on = {
        day: actors(client, street=city.LEAD, day=day)["C1"]
        for day in ("2021-06-30", "2021-07-01", "2023-06-30", "2023-07-01")
    }
    assert list(on.values()) == [[CGJ], [city.LEAD], [city.LEAD], [CGJ]]
    assert actors(client, street=city.LEAD_NORTH, day="2022-01-01") == {"C1": [CGJ]}


def test_under_conditions_the_street_acts_and_the_holder_keeps_the_rest(client, enter):
    enter([power("C1", valid_to="2027-01-01")], [delegation("C1", conditions="面积不足一百平方米")])
    (one,) = asked(client, street=city.LEAD, day="2022-01-01")["powers"]
    assert [(who["code"], who["delegated"], who["conditions"]) for who in one["who_may"]] == [
        (city.LEAD, True, "面积不足一百平方米"),
        (CGJ, False, ""),
    ]
    assert one["delegations"][0]["document"] == "赋权决定〔2021〕1号第C1项"
    assert asked(client, street=city.LEAD, day="2027-01-01")["powers"] == []
    assert asked(client, day="2022-01-01")["powers"][0]["who_may"] is None


def test_powers_are_found_by_code_name_basis_holder_kind_and_delegation(client, enter):
    enter(
        [
            power("C1", name="对露天焚烧的行政处罚"),
            power("C2", GZ, basis="城乡规划法第六十四条"),
            power("D1", kind="公共服务", name="公厕指引"),
        ],
        [delegation("C2")],
    )

    def found(**query):
        return [one["code"] for one in asked(client, **query)["powers"]]

    assert found(q="C") == ["C1", "C2"]
    assert found(q="焚烧") == ["C1"]
    assert found(q="六十四条") == ["C2"]
    assert found(q="100%") == []
    assert found(body=GZ) == ["C2"]
    assert found(kind="service") == ["D1"]
    assert found(delegated=True) == ["C2"]
    assert found(street=city.LEAD_NORTH, delegated=True) == []
    assert found(street=city.LEAD, delegated=False) == ["C1", "D1"]
    assert found(street=city.OTHER) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"code": "C 1"}, "code is 'C 1'"),
        ({"kind": "行政检查"}, "kind is '行政检查'"),
        ({"basis": ""}, "basis is ''"),
        ({"body": "nobody"}, "no body has the code 'nobody'"),
        ({"body": city.LEAD}, "is not a body of a district"),
        ({"classes": "event:99"}, "has no event class that begins with '99'"),
        ({"classes": "0601"}, "classes is '0601'"),
        ({"valid_to": "2020-01-01"}, "valid_to is '2020-01-01', which is not after valid_from"),
        ({"code": "C0", "body": GZ}, "line 2 has the code for another body"),
    ],
)
def test_one_bad_power_keeps_the_whole_list_out_and_is_named_by_its_line(enter, change, told):
    (report,) = enter([power("C0"), power("C1") | change])
    assert [one.line for one in report.refused] == [3]
    assert told in report.refused[0].reason
    assert (report.rows, report.loaded) == (2, 0)
    (again,) = enter([power("C0")])
    assert (again.loaded, again.known) == (1, 0)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"power": "C9"}, "has the power 'C9'"),
        ({"street": city.OTHER}, f"no list for {city.OTHER}"),
        ({"street": "110102999"}, "no office of the street 110102999"),
        ({"document": ""}, "document is ''"),
        ({"valid_from": "2019-12-31"}, "begins on 2020-01-01, after the delegation"),
        ({"power": "C2"}, "ended on 2021-01-01, before the delegation"),
        ({"valid_from": "2022-01-01"}, "line 2 delegates it already"),
        ({"valid_from": "2020-06-01"}, "line 2 delegates it already"),
        ({"body": GZ}, "no list for"),
    ],
)
def test_one_bad_delegation_keeps_the_whole_list_out(enter, change, told):
    powers = [power("C1"), power("C2", valid_to="2021-01-01")]
    _, report = enter(powers, [delegation("C1"), delegation("C1") | change])
    assert [one.line for one in report.refused] == [3]
    assert told in report.refused[0].reason
    assert report.loaded == 0


def test_what_the_register_delegates_already_is_refused_unless_it_ends_before(enter):
    enter([power("C1")], [delegation("C1")])
    later = delegation("C1", valid_from="2024-01-01")
    _, refused = enter([power("C1")], [later])
    assert refused.refused[0].reason == "the register from 2021-07-01 on delegates it already"
    _, taken = enter([power("C1")], [delegation("C1", valid_to="2024-01-01"), later])
    assert (taken.loaded, taken.known, taken.refused) == (1, 1, ())


def test_a_code_of_two_lists_needs_its_holder_and_a_list_tells_what_it_leaves_out(enter):
    water = power("C1", city.WATER, name="全市")
    enter([power("C1"), water, power("C2")])
    _, unclear = enter([power("C1")], [delegation("C1")])
    assert "2 lists have the power 'C1'" in unclear.refused[0].reason
    first, given = enter([power("C1")], [delegation("C1", body=CGJ)])
    assert (given.loaded, first.left_out) == (1, (f"{CGJ} C2",))
    _, other = enter([power("C2")], [delegation("C2")])
    assert other.left_out == (f"{city.LEAD} C1",)


def test_the_commands_report_and_a_dry_run_keeps_nothing(
    city_database, city_session, tmp_path, monkeypatch
):
    monkeypatch.setenv("DATABASE_URL", city_database)
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(tmp_path))
    get_settings.cache_clear()

    def run(what, *lines, words=()):
        path = lists.written(tmp_path / f"{what}.csv", lines)
        return CliRunner().invoke(app, ["import", what, str(path), *words])

    try:
        tried = run("powers", power("C1"), words=["--dry-run"])
        assert (tried.exit_code, "1 powers, 1 bodies" in tried.stdout) == (0, True)
        assert city_session.scalar(text("select count(*) from power")) == 0
        run("powers", power("C1"), power("C2", classes="event:0601"))
        told = json.loads(run("delegations", delegation("C1"), words=["--json"]).stdout)
        assert (told["loaded"], told["by_holder"]) == (1, {city.LEAD: 1})
        again = run("delegations", delegation("C2"))
        assert f"Not in the file, and without an end: {city.LEAD} C1" in again.stdout
        assert run("delegations", delegation("C9")).exit_code == 1
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()
