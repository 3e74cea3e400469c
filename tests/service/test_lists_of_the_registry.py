"""Bodies, duties, agreements, classes, procedures, kinds and tokens are listed for whoever asks."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.conftest import Person, refusal


def listed(client: httpx.Client, path: str, **query: Any) -> list[dict[str, Any]]:
    """All of a list, asked for without a token, two at a time."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = client.get(path, params={"limit": 2, **query, **cursor})
        assert answer.is_success, answer.text
        *_, name = [key for key in answer.json() if key != "next"]
        found += answer.json()[name]
        if answer.json()["next"] is None:
            return found
        cursor = {"cursor": answer.json()["next"]}


def codes(found: list[dict[str, Any]], name: str = "code") -> list[str]:
    return [one[name] for one in found]


def test_bodies_are_listed_by_area_kind_and_name(client: httpx.Client) -> None:
    every = codes(listed(client, "/v1/bodies"))
    assert every == sorted(every)
    assert {city.LEAD, f"{city.WEST}-CGJ", city.WATER} <= set(every)
    of_west = codes(listed(client, "/v1/bodies", area=city.WEST))
    assert city.LEAD in of_west
    assert city.OTHER not in of_west
    assert city.WATER in of_west  # it works in the whole city, and so in the west
    assert set(codes(listed(client, "/v1/bodies", kind="street"))) == {
        street.code for street in city.STREETS
    }
    assert codes(listed(client, "/v1/bodies", name="椿树")) == [city.LEAD_NORTH]
    one = client.get(f"/v1/bodies/{city.LEAD}").json()
    assert (one["kind"], one["area_code"]) == ("street", city.LEAD)
    refusal(client.get("/v1/bodies/nobody"), 404)
    refusal(client.get("/v1/bodies", params={"area": "west"}), 422)


def test_duties_are_listed_by_what_they_speak_about(client: httpx.Client) -> None:
    every = listed(client, "/v1/duties")
    of_rubbish = listed(client, "/v1/duties", **{"class": city.RUBBISH}, area=city.LEAD)
    assert {(one["body"], one["class_prefix"]) for one in of_rubbish} == {
        (f"{city.WEST}-CGJ", "0601")
    }
    assert of_rubbish[0]["name"]
    majors = listed(client, "/v1/duties", **{"class": "06"})
    assert len(majors) == len(every)
    assert listed(client, "/v1/duties", **{"class": "07"}) == []
    assert set(codes(listed(client, "/v1/duties", body=city.LEAD), "body")) == {city.LEAD}
    assert {one["role"] for one in listed(client, "/v1/duties", role="assist")} == {"assist"}
    one = client.get(f"/v1/duties/{every[0]['id']}").json()
    assert one == {"duty": every[0], "history": [every[0]]}
    refusal(client.get(f"/v1/duties/{uuid.uuid4()}"), 404)


def test_a_list_has_what_holds_on_a_day_and_all_where_that_is_asked_for(
    client: httpx.Client, city_engine: Engine
) -> None:
    every = listed(client, "/v1/duties")
    assert listed(client, "/v1/duties", day="2019-12-31") == []
    assert listed(client, "/v1/duties", day="2019-12-31", ended=True) == every
    with Session(city_engine) as session, session.begin():
        city.agree(session, city.LEAD, "07")
    assert listed(client, "/v1/agreements", day="2019-12-31") == []
    (agreement,) = listed(client, "/v1/agreements", day="2020-01-01")
    assert agreement["valid_from"] == city.SINCE.date().isoformat()


def test_agreements_are_listed_by_body_and_box_and_one_has_its_zone(
    client: httpx.Client, city_engine: Engine
) -> None:
    with Session(city_engine) as session, session.begin():
        city.agree(session, city.LEAD, "07", assist=city.OTHER)
        city.agree(session, city.OTHER, "08")
        city.agree(session, city.OTHER, "09")
    every = listed(client, "/v1/agreements")
    assert len(every) == 3
    (mine,) = listed(client, "/v1/agreements", body=city.LEAD)
    assert [(one["body"], one["class"], one["role"]) for one in mine["duties"]] == [
        (city.LEAD, "07", "lead"),
        (city.OTHER, "07", "assist"),
    ]
    assert len(listed(client, "/v1/agreements", bbox="116.31,39.88,116.33,39.90")) == 3
    assert listed(client, "/v1/agreements", bbox="116.30,39.88,116.31,39.90") == []
    whole = client.get(f"/v1/agreements/{mine['id']}").json()
    assert whole["agreement"] == mine
    assert whole["history"] == [mine]
    assert whole["zone"]["type"] == "MultiPolygon"
    refusal(client.get(f"/v1/agreements/{uuid.uuid4()}"), 404)


@pytest.mark.parametrize(
    "words",
    ["06010", "0601", "暴露垃圾", "垃圾", "baolulaji", "bao lu la ji", "BaoLuLaJ", "laji", "bllj"],
)
def test_a_class_is_found_by_code_name_pinyin_and_initials(
    client: httpx.Client, words: str
) -> None:
    found = listed(client, "/v1/classes", q=words, kind="event")
    assert city.RUBBISH in codes(found)
    assert len(found) < 40


def test_classes_are_listed_in_order_and_what_is_not_meant_is_not_found(
    client: httpx.Client,
) -> None:
    every = listed(client, "/v1/classes")
    assert len(every) == 403
    keys = [(one["kind"], one["code"]) for one in every]
    assert keys == sorted(keys)
    assert listed(client, "/v1/classes", q="olulaj") == []
    assert listed(client, "/v1/classes", q="'") == []
    assert listed(client, "/v1/classes", standard="another") == []
    green = {one["name"] for one in listed(client, "/v1/classes", q="lvdi")}
    assert green == {one["name"] for one in listed(client, "/v1/classes", q="lüdi")} != set()
    refusal(client.get("/v1/classes", params={"cursor": "all.01001"}), 422)


def test_procedures_are_listed_by_name_role_and_level_and_in_earlier_versions(
    client: httpx.Client,
) -> None:
    every = listed(client, "/v1/procedures")
    names = codes(every, "name")
    assert names == sorted(set(names))
    second = {one["name"] for one in listed(client, "/v1/procedures", level=2)}
    assert second == {"village", "whistle_2"}
    by_citizens = listed(client, "/v1/procedures", opened_by="citizen")
    assert "post_48h" in codes(by_citizens, "name")
    assert all("citizen" in one["opened_by"] for one in by_citizens)
    versions = listed(client, "/v1/procedures", name="ordinary", versions=True)
    assert codes(versions, "version") == list(range(1, len(versions) + 1))
    assert len(versions) > 1
    refusal(client.get("/v1/procedures", params={"cursor": "none.1"}), 422)


def test_kinds_of_whistles_tell_their_limits(client: httpx.Client) -> None:
    kinds = {one["kind"]: one for one in client.get("/v1/whistles/kinds").json()["kinds"]}
    assert kinds.keys() == {"everyday", "tough", "emergency"}
    assert kinds["everyday"]["accept"] == {"hours": 0.5, "clock": "working"}
    assert kinds["everyday"]["report_in_minutes"] == 30
    assert kinds["tough"]["approvals"] == ["confirmed_by", "approved_by"]


def test_tokens_are_listed_by_role_area_and_body_and_read_by_their_holder(
    client: httpx.Client, as_: Any
) -> None:
    admin: Person = as_(Role.ADMIN)
    made = {
        area: admin.post("/v1/tokens", {"role": "street", "area": area})
        for area in (city.LEAD, city.OTHER)
    }
    bureau = {"role": "department", "area": city.WEST, "body": f"{city.WEST}-CGJ"}
    of_bureau = admin.post("/v1/tokens", bureau)["id"]

    def ids(**query: Any) -> set[str]:
        return {one["id"] for one in admin.get("/v1/tokens", **query)["tokens"]}

    assert ids(role="street") == {one["id"] for one in made.values()}
    assert ids(area=city.WEST) == {made[city.LEAD]["id"], of_bureau}
    assert ids(body=f"{city.WEST}-CGJ") == {of_bureau}
    assert ids(live=True) >= {of_bureau}
    assert admin.send("DELETE", f"/v1/tokens/{of_bureau}").status_code == 204
    assert of_bureau not in ids(live=True)
    holder = Person(client, made[city.LEAD]["token"])
    own = holder.get(f"/v1/tokens/{made[city.LEAD]['id']}")
    assert (own["role"], own["area"], own["revoked_at"]) == ("street", city.LEAD, None)
    assert dt.datetime.fromisoformat(own["expires_at"]) > dt.datetime.now(dt.UTC)
    refusal(holder.send("GET", f"/v1/tokens/{made[city.OTHER]['id']}"), 403)
    refusal(admin.send("GET", f"/v1/tokens/{uuid.uuid4()}"), 404)
