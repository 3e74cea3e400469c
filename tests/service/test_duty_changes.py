"""Duty lists and agreements are changed with days and reasons, and asked about beforehand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from gridsvc.callers import Role
from gridsvc.city.classes import STANDARD, ClassKey
from gridsvc.registry.access.models import AuditEntry
from gridsvc.registry.bodies.changes_repository import agreed_lines, lines_on
from gridsvc.registry.bodies.models import Agreement
from gridsvc.registry.bodies.rule import AssetOwner, Lists, Site
from gridsvc.registry.bodies.service import find_responsible
from gridsvc.registry.placement.service import place
from gridsvc.registry.placement.store import AtlasStore
from tests import cities
from tests.service import disputed_city as disputed
from tests.service import joint_city as city
from tests.service.conftest import Person

CGJ = f"{city.WEST}-CGJ"
BUREAU = f"{city.WEST}-GZ"
FUTURE = "2099-01-01"
CLASSES = [city.BUILDING, city.RUBBISH, city.NOISE, "07001"]
WHY = "the third revision of the list"


@pytest.fixture
def west(as_: Callable[..., Person]) -> Person:
    return as_(Role.DISTRICT, city.WEST, subject="west.command")


def rubbish(person: Person) -> dict[str, Any]:
    """The line by which the bureau of the west leads for rubbish."""
    found = person.get("/v1/duties", body=CGJ, area=city.WEST, role="lead", **{"class": "06010"})
    (line,) = found["duties"]
    return dict(line)


def to_the_bureau(person: Person) -> list[dict[str, Any]]:
    return [{"change": "change", "id": rubbish(person)["id"], "body": BUREAU, "clause": "line 7"}]


def changed(person: Person, changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    sent = {"changes": changes, "reason": WHY}
    return list(person.post("/v1/duties/changes", sent)["duties"])


@pytest.mark.parametrize("day", [dt.date(2019, 12, 31), dt.date(2026, 11, 1)])
def test_many_places_are_answered_as_each_alone(
    city_engine: Engine, index_folder: Path, day: dt.date
) -> None:
    with Session(city_engine) as session, session.begin():
        city.agree(session, city.LEAD, "06", assist=city.OTHER)
        city.agree(session, city.OTHER, "06")
        city.agree(session, city.OTHER, "0601", assist=CGJ)
    draw = np.random.default_rng(7)
    assets = (
        None,
        AssetOwner("02010001", city.WATER, CGJ, BUREAU),
        AssetOwner("02010002", None, CGJ, BUREAU),
    )
    with Session(city_engine) as session:
        atlas = AtlasStore(city_engine, cities.city(var_dir=index_folder), cities.now).get()
        zones = session.scalars(select(Agreement)).all()
        agreements = frozenset(one.id for one in zones if day >= one.valid_from)
        every = lines_on(session, [city.WEST, city.EAST, *(s.code for s in city.STREETS)], day)
        lists = Lists(every, agreed_lines(session, agreements))
        grounds = set()
        for _ in range(150):
            lon, lat = draw.uniform(116.301, 116.339), draw.uniform(39.881, 39.899)
            key = ClassKey(
                STANDARD, "event", str(draw.choice(["06001", "06010", "06028", "07001"]))
            )
            asset = assets[draw.integers(3)]
            here = place(atlas, lon, lat, 0.0)
            near = abs(lon - city.BORDER_LON) * city.LON_M < 200 and lat < city.MIDDLE_LAT
            site = Site(
                here.district and here.district.code,
                here.street and here.street.code,
                here.community and here.community.code,
                agreements if near else frozenset(),
                asset,
            )
            found = lists.choice(site, key)
            alone = find_responsible(session, here, key=key, asset=asset, day=day)
            assert (found.lead, found.ground, found.clause, found.assist) == (
                alone.lead.code,
                alone.ground,
                alone.clause,
                tuple(body.code for body in alone.assist),
            )
            grounds.add(found.ground.value)
    assert {"asset_owner", "territory"} <= grounds
    assert (day.year == 2019) or {"agreement", "duty"} <= grounds


def test_a_changed_list_says_which_reports_would_go_elsewhere_and_writes_nothing(
    citizen: Person, west: Person, city_session: Session
) -> None:
    first = citizen.report(-1_500, **{"class": city.RUBBISH})
    second = citizen.report(-900, **{"class": city.RUBBISH})
    citizen.report(-700)
    citizen.report(900, **{"class": city.RUBBISH})
    before = city.counts(city_session), rubbish(west)
    asked = {"changes": to_the_bureau(west)}
    found = west.post("/v1/duties/what-if", asked)
    assert (found["area"], found["reports"], found["reports_moved"]) == (city.WEST, 3, 2)
    (move,) = found["moves"]["listed"]
    assert (move["from"]["code"], move["to"]["code"]) == (CGJ, BUREAU)
    assert move["class"]["code"] == city.RUBBISH
    assert move["class"]["name"]
    assert move["street"] == {"code": city.LEAD, "name": "广安门外街道"}
    cases = {first["case_id"], second["case_id"]}
    assert set(move["cases"]["listed"]) == cases
    assert (move["reports"], found["cases_moved"]) == (2, len(cases))
    csv = f"change,id,body\nchange,{rubbish(west)['id']},{BUREAU}\n"
    assert west.post("/v1/duties/what-if", {"csv": csv}) | {"until": "", "since": ""} == (
        found | {"until": "", "since": ""}
    )
    assert west.post("/v1/duties/what-if", {"csv": csv, "day": "2020-01-01"})["reports_moved"] == 0
    assert (city.counts(city_session), rubbish(west)) == before
    refused = west.refused("/v1/duties/what-if", {**asked, "area": city.EAST}, status=403)
    assert refused["field"] == "area"


def test_a_class_in_an_agreement_and_a_part_with_an_owner_stay_where_they_are(
    citizen: Person, west: Person, city_engine: Engine
) -> None:
    with Session(city_engine) as session, session.begin():
        city.agree(session, city.LEAD, "06010")
    citizen.report(-100, **{"class": city.RUBBISH})
    citizen.report(part={"district": city.WEST, "code": city.OWNED}, **{"class": city.COVER})
    citizen.report(-900, **{"class": city.RUBBISH})
    (line,) = to_the_bureau(west)
    covers = {"area": city.WEST, "kind": "part", "class_prefix": city.COVER, "role": "lead"}
    covers |= {"change": "add", "body": BUREAU, "clause": "covers"}
    found = west.post("/v1/duties/what-if", {"changes": [line, covers]})
    assert (found["reports"], found["reports_moved"]) == (3, 1)


def test_a_change_ends_a_line_and_begins_one_with_its_reason_and_who_did_it_is_in_the_log(
    west: Person, citizen: Person, city_session: Session
) -> None:
    old = rubbish(west)
    ended, begun = changed(west, to_the_bureau(west))
    today = begun["valid_from"]
    assert (ended["id"], ended["valid_to"], ended["end_reason"]) == (old["id"], today, WHY)
    assert (begun["body"], begun["clause"], begun["area"]) == (BUREAU, "line 7", city.WEST)
    assert (begun["replaces"], begun["reason"]) == (old["id"], WHY)
    for line in (ended, begun):
        assert west.get(f"/v1/duties/{line['id']}")["history"] == [ended, begun]
    entry = city_session.scalars(select(AuditEntry).order_by(AuditEntry.n.desc())).first()
    assert entry is not None
    assert (entry.who, entry.role, entry.act) == ("west.command", "district", "change duty")
    assert entry.reason == WHY
    assert begun["id"] in entry.subject
    filed = citizen.report(-900, **{"class": city.RUBBISH})
    assert filed["responsibility"]["lead"]["code"] == BUREAU
    assert west.get("/v1/duties", day="2020-01-01", body=CGJ, **{"class": "06010"})["duties"] == [
        ended
    ]


def test_a_line_ends_on_a_day_to_come_and_another_is_added_from_then_on(west: Person) -> None:
    old = rubbish(west)
    said = {name: old[name] for name in ("body", "area", "kind", "class_prefix", "role")}
    end = {"change": "end", **said, "valid_to": FUTURE}
    add = {**said, "change": "add", "body": BUREAU, "valid_from": FUTURE, "clause": "c"}
    ended, begun = changed(west, [end, add])
    assert (ended["id"], ended["valid_to"]) == (old["id"], FUTURE)
    assert (begun["valid_from"], begun["replaces"]) == (FUTURE, None)
    assert rubbish(west)["id"] == old["id"]


def test_every_row_that_cannot_be_taken_is_told_and_nothing_is_changed(west: Person) -> None:
    old = rubbish(west)
    good = {"change": "change", "id": old["id"], "body": BUREAU}
    add = {name: old[name] for name in ("area", "kind", "class_prefix", "role")}
    add |= {"change": "add", "body": BUREAU}
    rows = [
        ({"change": "end", "id": "7"}, "no duty list has the line '7'"),
        ({"change": "end", "body": CGJ}, "lines say so"),
        ({"change": "end", "id": old["id"], "valid_to": "2020-02-01"}, "which is over"),
        ({"change": "end", "id": old["id"], "valid_to": "soon"}, "write a day"),
        ({"change": "change", "id": old["id"]}, "nothing in it is changed"),
        ({**add, "body": "nobody"}, "import the bodies first"),
        ({**add, "area": "360702"}, "import the areas first"),
        ({**add, "class_prefix": "99999"}, "begins with '99999'"),
        ({**add, "valid_from": "2020-01-01"}, "which is over"),
        (add, f"'{CGJ}' leads for it"),
        ({**add, "body": CGJ}, "is listed for it already"),
    ]
    for row, reason in rows:
        told = west.refused("/v1/duties/changes", {"changes": [row], "reason": WHY}, status=422)
        assert reason in told["detail"], told
    both = {"changes": [good, rows[0][0], {"change": "end", "id": old["id"]}], "reason": WHY}
    told = west.refused("/v1/duties/changes", both, status=422)
    assert [one["row"] for one in told["refused"]] == [2, 3]
    assert rubbish(west) == old


def test_only_who_covers_the_area_changes_its_list_and_says_why(
    west: Person, as_: Callable[..., Person]
) -> None:
    sent = {"changes": to_the_bureau(west), "reason": WHY}
    east = as_(Role.DISTRICT, city.EAST)
    east.refused("/v1/duties/changes", sent, status=403, type="not-allowed")
    street = as_(Role.STREET, city.LEAD)
    street.refused("/v1/duties/changes", sent, status=403, type="not-allowed")
    west.refused("/v1/duties/changes", {**sent, "reason": ""}, status=422)
    west.refused("/v1/duties/changes", {"reason": WHY}, status=422)
    assert west.post("/v1/duties/changes", sent)["duties"]


def test_an_agreement_is_changed_by_one_in_its_place_and_ended(
    as_: Callable[..., Person], west: Person, city_engine: Engine, city_session: Session
) -> None:
    with Session(city_engine) as session, session.begin():
        city.agree(session, city.LEAD, "06010")
    command = as_(Role.CITY, subject="city.command")
    (old,) = command.get("/v1/agreements")["agreements"]
    path = f"/v1/agreements/{old['id']}"
    lines = [{"body": city.OTHER, "kind": "event", "class": "06010", "role": "lead"}]
    sent = {"duties": lines, "reason": WHY}
    assert west.send("PATCH", path, json=sent).status_code == 403
    assert west.send("POST", f"{path}/end", json={"reason": WHY}).status_code == 403
    assert command.send("PATCH", path, json={"reason": WHY}).status_code == 422
    whole = command.send("PATCH", path, json=sent).json()
    was, new = whole["history"]
    assert whole["agreement"] == new
    assert (was["id"], was["valid_to"], was["end_reason"]) == (old["id"], new["valid_from"], WHY)
    assert (new["replaces"], new["reason"], new["title"]) == (old["id"], WHY, old["title"])
    assert [line["body"] for line in new["duties"]] == [city.OTHER]
    assert whole["zone"] == command.get(path)["zone"]
    filed = command.report(-100, **{"class": city.RUBBISH})
    assert filed["responsibility"]["lead"]["code"] == city.OTHER
    ended = command.post(f"/v1/agreements/{new['id']}/end", {"reason": "both agree"})
    assert ended["agreement"]["end_reason"] == "both agree"
    assert command.get("/v1/agreements")["agreements"] == []
    again = command.send("POST", f"/v1/agreements/{new['id']}/end", json={"reason": WHY})
    assert again.status_code == 409
    acts = city_session.execute(
        select(AuditEntry.act, AuditEntry.who, AuditEntry.reason)
        .where(AuditEntry.act.in_(["change agreement", "end agreement"]))
        .order_by(AuditEntry.n)
    ).all()
    assert [tuple(act) for act in acts] == [
        ("change agreement", "city.command", WHY),
        ("end agreement", "city.command", "both agree"),
    ]


def test_a_dispute_stays_settled_by_the_agreement_that_took_the_place_of_its_own(
    as_: Callable[..., Person], city_engine: Engine
) -> None:
    with Session(city_engine) as session, session.begin():
        disputed.draw(session)
        dispute = disputed.by_kind(session, disputed.find(session))["overlap"]
        city.agree(session, city.LEAD, "06010")
        agreement = session.scalars(select(Agreement)).one()
        dispute.state, dispute.agreement_id = "settled", agreement.id
        known, old = dispute.id, str(agreement.id)
    command = as_(Role.CITY)
    sent = {"title": "再次共治", "reason": WHY}
    whole = command.send("PATCH", f"/v1/agreements/{old}", json=sent).json()
    shown = command.get(f"/v1/disputes/{known}")
    assert shown["agreement"]["id"] == whole["agreement"]["id"] != old
    assert (shown["state"], shown["history"][-1]["action"]) == ("settled", "changed")
    assert shown["history"][-1]["why"] == WHY
