"""The story that the service exists for, as the demonstration left it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import shapely
from sqlalchemy import Engine, text

from tests.acceptance.conftest import City

Token = Callable[..., dict[str, str]]


@pytest.mark.system(4)
def test_the_demonstration_prints_what_it_made(city: City) -> None:
    printed = city.printed
    assert (printed["districts"], printed["streets"], printed["communities"]) == (16, 349, 7535)
    assert 36_000 < printed["unit_grids"] < 44_000
    assert printed["parts"] >= 160_000
    # Of the border, mixed ones, and those about leaking roofs in two years and the season after.
    assert printed["reports"] == 2 + 2_000 + 1_760 + 200
    story = printed["joint_whistles"][0]
    assert story["areas"] == ["110102020", "110106002"]
    assert (story["state"], story["actions"]) == ("closed", 7)


@pytest.mark.system(4)
def test_both_sides_came_to_the_building_were_scored_and_closed(
    http: httpx.Client, city: City
) -> None:
    whistle = http.get(f"/v1/whistles/{city.printed['joint_whistles'][0]['id']}").json()
    sides = {
        called["body_code"]: called for called in whistle["called"] if called["role"] == "side"
    }
    assert set(sides) == {"110102020", "110106002"}
    for called in whistle["called"]:
        assert called["reported_in_at"] is not None
        assert called["late"] is False
        assert called["far"] is False
        assert called["score"] == 95
    assert sides["110102020"]["scored_by"] == "110106002"
    assert sides["110106002"]["scored_by"] == "110102020"
    assert whistle["ground"] == "refusal"
    assert whistle["facts"]["refused_by"] == ["110102020", "110106002"]


@pytest.mark.system(4)
def test_the_trace_of_the_story_tells_every_step_in_order_and_is_whole(
    http: httpx.Client, city: City, token: Token
) -> None:
    case = http.get(f"/v1/whistles/{city.printed['joint_whistles'][0]['id']}").json()["case_id"]
    reader = token("street", "110106002")
    trace = http.get(f"/v1/cases/{case}/trace", headers=reader).json()["entries"]
    actions = [entry["action"] for entry in trace]
    steps = [
        "report_filed",
        "report_joined",
        "refuse",
        "send_on",
        "refuse",
        "whistle_blown",
        "receiving_meeting",
        "whistle_other_side",
        "bring_departments",
        "agree_plan",
        "agree_plan",
        "joint_action",
        "close",
        "close",
    ]
    remaining = iter(actions)
    assert all(step in remaining for step in steps), actions
    assert actions.count("joint_action") == 7
    verified = http.get(f"/v1/cases/{case}/trace/verify", headers=reader).json()
    assert verified["intact"] is True
    assert verified["entries"] == len(trace)


@pytest.mark.system(4)
def test_the_building_stands_astride_the_real_border_and_its_shares_sum_to_one(
    http: httpx.Client, city: City
) -> None:
    whistle = http.get(f"/v1/whistles/{city.printed['joint_whistles'][0]['id']}").json()
    footprint = whistle["footprint"]
    for level, codes in (
        ("street", {"110102020", "110106002"}),
        ("district", {"110102", "110106"}),
    ):
        answer = http.post("/v1/straddle", json={"geometry": footprint, "level": level}).json()
        assert answer["straddles"] is True
        assert {part["code"] for part in answer["shares"]} == codes
        total = sum(part["share"] for part in answer["shares"]) + answer["unclaimed_share"]
        assert total == pytest.approx(1, abs=1e-12)


def test_a_second_start_keeps_everything_and_plays_nothing_again(
    city: City, city_engine: Engine
) -> None:
    with city_engine.connect() as connection:
        reports = connection.execute(text("select count(*) from report")).scalar_one()
    again = city.run("demo", "--once", "--json")
    assert again.returncode == 0, again.stderr[-2000:]
    second = json.loads(again.stdout.splitlines()[-1])
    expected = city.printed | {"reports": reports, "seconds": second["seconds"]}
    assert second == expected
    assert second["seconds"] < city.printed["seconds"] / 3


def test_no_personal_data_is_in_any_public_answer(http: httpx.Client, city_engine: Engine) -> None:
    with city_engine.connect() as connection:
        receipt = connection.execute(
            text("select receipt from report order by created_at limit 1")
        ).scalar_one()
        sealed = bytes(connection.execute(text("select sealed from reporter limit 1")).scalar_one())
    public = http.get(f"/v1/reports/{receipt}").text
    assert "010-12345" not in public
    assert "resident" not in public
    assert b"010-12345" not in sealed


@pytest.mark.system(1)
def test_every_point_of_a_gridded_district_falls_in_exactly_one_grid(
    http: httpx.Client, city_engine: Engine
) -> None:
    with city_engine.connect() as connection:
        rows = connection.execute(
            text(
                "select u.district_code, sum(u.area_m2), max(a.area_m2) from unit_grid u"
                " join area a on a.code = u.district_code join edition e on e.id = a.edition_id"
                " where e.state = 'active' group by u.district_code"
            )
        ).all()
        points = [
            list(shapely.from_wkb(bytes(row[0])).coords[0])
            for row in connection.execute(
                text(
                    "select st_asbinary((st_dump(st_generatepoints(a.geometry, 2000, 7))).geom)"
                    " from area a join edition e on e.id = a.edition_id where e.state = 'active'"
                    " and a.code in ('110101', '110102', '110106')"
                )
            )
        ]
    for _, grids_m2, district_m2 in rows:
        assert grids_m2 == pytest.approx(district_m2, rel=1e-6)
    assert len(rows) == 3
    results = http.post("/v1/locate/batch", json={"points": points}).json()["results"]
    assert len(results) == 6_000
    assert all(row["grid_code"] is not None for row in results)


def test_the_index_agrees_with_postgis_on_every_part(city_engine: Engine) -> None:
    with city_engine.connect() as connection:
        wrong: Any = connection.execute(
            text(
                "select count(*) from part p left join unit_grid u"
                " on u.district_code = p.district_code and u.code = p.grid_code"
                " where p.grid_code is null or not st_intersects(u.geometry, p.geometry)"
            )
        ).scalar_one()
    assert wrong == 0
