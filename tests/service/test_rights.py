"""The table of rights, every cell of it, asked over HTTP."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import Engine
from starlette.routing import Mount, Route

from gridsvc.api.rights import RIGHTS, Reach
from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.conftest import refusal
from tests.service.rights_world import Asker, World, askers, new_report, reaches
from tests.waiting import wait_until

Recipe = Callable[[World, Asker | None], dict[str, Any]]


def json(body: Any) -> Recipe:
    return lambda world, asker: {"json": body(world, asker) if callable(body) else body}


def query(**asked: str) -> Recipe:
    return lambda world, asker: {"params": asked}


POINT = city.beside_border(-700)
PLACE = query(lon=str(POINT["lon"]), lat=str(POINT["lat"]))
#: From the western street into the eastern one.
ALONG = {
    "line": {
        "type": "LineString",
        "coordinates": [list(city.beside_border(metres).values()) for metres in (-300, 300)],
    }
}
YEAR = query(period="2026", area=city.WEST)
WORDS = query(q="漏雨", area=city.LEAD)
#: Within a year of now, whenever that is.
LATER = (dt.datetime.now(dt.UTC) + dt.timedelta(days=30)).isoformat()

#: What must be sent beside the path, where anything must.
SENT: dict[str, Recipe] = {
    "GET /v1/locate": PLACE,
    "POST /v1/locate/batch": json({"points": [list(POINT.values())]}),
    "POST /v1/straddle": json({"geometry": city.astride(), "level": "street"}),
    "GET /v1/parts": query(near=f"{POINT['lon']},{POINT['lat']}"),
    "GET /v1/editions/{edition}/repairs/preview": lambda world, _: {
        "params": {"proposal": world.proposal}
    },
    "POST /v1/editions/{edition}/repairs": json(
        lambda world, _: {"proposals": [world.proposal], "why": "asked"}
    ),
    "POST /v1/editions/{edition}/repairs/undo": json(
        lambda world, _: {"repairs": [world.repair], "why": "asked"}
    ),
    "POST /v1/parts": json(
        {
            "class": city.COVER,
            "geometry": {"type": "Point", "coordinates": list(POINT.values())},
            "competent_body": f"{city.WEST}-CGJ",
        }
    ),
    "PATCH /v1/parts/{district}/{code}": json({"state": "damaged"}),
    "POST /v1/reports": json(new_report()),
    "POST /v1/reports/similar": json(new_report()),
    "POST /v1/reports/{name}/confirm": json({"street": city.LEAD}),
    "POST /v1/reports/{name}/part": json({"code": city.UNOWNED}),
    "POST /v1/reports/{name}/move": json({"location": POINT, "reason": "seen there"}),
    "POST /v1/reports/{name}/callbacks": json({"contacted": False}),
    "POST /v1/recurring/lists": json(lambda world, _: world.new_roofs()),
    "POST /v1/recurring/lists/{list_id}/end": json({"reason": "they were mended"}),
    "GET /v1/demand": query(district=city.WEST),
    "GET /v1/demand/page.html": query(district=city.WEST),
    "GET /v1/recurring": WORDS,
    "GET /v1/recurring/places.csv": WORDS,
    "GET /v1/recurring/report.html": WORDS,
    "GET /v1/assessments": YEAR,
    "GET /v1/assessments/table.csv": YEAR,
    "GET /v1/assessments/review": YEAR,
    "GET /v1/assessments/yearly": YEAR,
    "GET /v1/assessments/settled": YEAR,
    "GET /v1/assessments/yearly/page.html": YEAR,
    "GET /v1/assessments/rankings": YEAR,
    "GET /v1/assessments/opinions": query(year="2026", area=city.WEST),
    "POST /v1/assessments/opinions": json(
        {"body": f"{city.WEST}-CGJ", "year": 2020, "score": 80, "reason": "came each time"}
    ),
    "GET /v1/heat": query(area=city.WEST),
    "GET /v1/foresight/page.html": query(area=city.WEST),
    "GET /v1/alarms": query(area=city.WEST),
    "GET /v1/alarms/scans": query(area=city.WEST),
    "GET /v1/assessments/cases": query(period="2026", count="received", area=city.LEAD),
    "GET /v1/whistles/rates": YEAR,
    "POST /v1/cases": json(
        lambda _, asker: (
            new_report()
            | {"procedure": "post_48h" if asker and asker.role is Role.CITIZEN else "hazard"}
        )
    ),
    "PUT /v1/lists/{list_name}/views/{name}": json({"asked": {"state": "open"}}),
    "POST /v1/cases/{case_id}/steps": json(
        lambda _, asker: {
            "step": "handle" if asker is None or asker.relation != "called" else "joint_action",
            "body": asker.own_body if asker else city.LEAD,
            "note": "done",
        }
    ),
    "POST /v1/cases/{case_id}/appeals": json(
        lambda _, asker: {"body": asker.own_body if asker else city.LEAD, "reason": "not us"}
    ),
    "POST /v1/cases/{case_id}/appeals/{body}/decision": json({"accepted": True, "note": "so"}),
    "POST /v1/cases/{case_id}/stated-times/{n}/decision": json({"accepted": False, "note": "so"}),
    "POST /v1/cases/{case_id}/grade": json({"grade": "danger", "reason": "It may fall."}),
    "POST /v1/cases/{case_id}/extensions": json({"reason": "The ground is frozen."}),
    "POST /v1/cases/{case_id}/extensions/{n}/decision": json({"granted": False, "note": "no"}),
    "POST /v1/cases/{case_id}/leader-notes": json(
        lambda world, _: {"words": "See to it.", "staff": world.named, "limit_at": LATER}
    ),
    "POST /v1/cases/{case_id}/leader-notes/{n}/answer": json({"text": "I go."}),
    "POST /v1/cases/{case_id}/leader-notes/{n}/done": json({"note": "done"}),
    "POST /v1/cases/{case_id}/leader-notes/{n}/end": json({"accepted": True, "note": "good"}),
    "POST /v1/cases/{case_id}/leader-notes/{n}/hand-on": json(
        lambda world, _: {"staff": world.named, "reason": "ill"}
    ),
    "POST /v1/cases/{case_id}/leader-notes/{n}/withdraw": json({"reason": "moot"}),
    "GET /v1/leader-notes/counts": query(period="2026"),
    "GET /v1/leader-notes/page.html": query(period="2026"),
    "POST /v1/cases/{case_id}/join": json(
        lambda world, asker: {
            "into": world.bureau_target
            if asker and asker.role is Role.DEPARTMENT
            else world.noise_case,
            "reason": "one",
        }
    ),
    "POST /v1/cases/{case_id}/split": json(
        lambda world, _: {"reports": [world.report], "reason": "two"}
    ),
    "POST /v1/cases/{case_id}/evidence": lambda world, asker: {"content": b"no photo"},
    "POST /v1/cases/{case_id}/approvals": json(
        lambda _, asker: {
            "approval": "confirmed_by",
            "bodies": [f"{city.WEST}-CGJ"],
            "demand": "Come.",
            "by": asker.own_body if asker else city.LEAD,
        }
    ),
    "POST /v1/cases/{case_id}/whistles": json(
        lambda _, asker: {
            "bodies": [f"{city.WEST}-CGJ"],
            "demand": "Come.",
            "by": asker.own_body if asker else city.LEAD,
        }
    ),
    "GET /v1/staff/on-duty": PLACE,
    "POST /v1/contact-points": json(
        lambda world, _: {
            "area": city.LEAD,
            "on": "2026-01-01",
            "points": [{"area": f"{city.LEAD}001", "name": "hall", "judge": world.judge}],
        }
    ),
    "GET /v1/trials": query(area=city.WEST),
    "POST /v1/trials": json(lambda world, _: world.new_trial()),
    "POST /v1/trials/{trial_id}/batches/{batch}/begin": json(
        {"starts_on": "2030-01-01", "ends_on": "2030-02-01"}
    ),
    "POST /v1/trials/{trial_id}/batches/{batch}/vote": json({"closes_on": "2030-03-01"}),
    "POST /v1/trials/{trial_id}/batches/{batch}/slips": json({"household": "1", "reason": "lost"}),
    "POST /v1/trials/{trial_id}/votes": json(
        {"code": "none", "choice": "keep", "content": "fairly"}
    ),
    "POST /v1/trials/{trial_id}/end": json({"reason": "nobody came"}),
    "POST /v1/members/services": json(
        lambda world, _: {**world.new_service(), "member": "M1", "on": "2026-01-02"}
    ),
    "GET /v1/campaigns": query(area=city.WEST),
    "POST /v1/campaigns": json(lambda world, _: world.new_campaign()),
    "POST /v1/campaigns/{campaign_id}/last-day": json({"last_day": "2030-12-31", "reason": "x"}),
    "POST /v1/campaigns/{campaign_id}/targets": json(
        {"street": city.LEAD, "target": 10, "reason": "x"}
    ),
    "POST /v1/campaigns/{campaign_id}/posts": json(
        lambda world, _: {
            **{"staff": world.member, "post": "x"},
            **{"first_day": "2026-01-01", "last_day": "2026-01-02"},
        }
    ),
    "POST /v1/campaigns/{campaign_id}/cases": json(
        lambda world, _: {"cases": [world.case], "reason": "x"}
    ),
    "POST /v1/bodies/{body}/groups": json(lambda world, _: world.new_group()),
    "POST /v1/cases/{case_id}/group-orders": json(
        lambda _, asker: {"body": asker.own_body if asker else city.LEAD}
    ),
    "POST /v1/group-links/{link}": lambda world, asker: {"data": {"note": "done"}},
    "GET /v1/members/hours": query(by="team"),
    "POST /v1/help-requests": json(
        lambda _, asker: {
            **{"community": f"{city.LEAD}001", "kind": "other", "what": "a lamp"},
            **({"body": asker.own_body} if asker and asker.role is not Role.CITIZEN else {}),
        }
    ),
    "POST /v1/help-requests/{request_id}/take": json(
        lambda _, asker: {} if asker and asker.role is Role.CITIZEN else {"member": "M1"}
    ),
    "POST /v1/help-requests/{request_id}/give-back": json({"reason": "ill"}),
    "POST /v1/help-requests/{request_id}/done": json({"minutes": 1}),
    "POST /v1/help-requests/{request_id}/rate": json({"score": 5}),
    "POST /v1/help-requests/{request_id}/not-come": json({"note": "nobody"}),
    "POST /v1/help-requests/{request_id}/renew": json({"wanted_by": "2030-01-01T00:00:00Z"}),
    "POST /v1/funds/{district}/{code}/spendings": json({"amount_fen": 1, "what": "a lamp"}),
    "GET /v1/banned-demands": query(district=city.WEST),
    "GET /v1/demands": query(area=city.LEAD),
    "POST /v1/demands": json(
        lambda world, asker: {
            **{"body": asker.own_body if asker else city.LEAD, "community": f"{city.LEAD}001"},
            **{"kind": "form", "title": "x", "content": "x"},
        }
    ),
    "POST /v1/staff": json(lambda world, _: world.new_member()),
    "PATCH /v1/staff/{staff_id}": json({"shifts": "daily 08:00-18:00"}),
    "POST /v1/staff/{staff_id}/end": json({"on": "2030-01-01", "reason": "retired"}),
    "POST /v1/staff/{staff_id}/telephone": json({"reason": "to ask when they come"}),
    "GET /v1/lanes/near": PLACE,
    "POST /v1/lanes/patrols": json(
        lambda world, _: {
            "track": [
                {**POINT, "at": "2026-01-02T01:00:00Z"},
                {**POINT, "at": "2026-01-02T01:00:09Z"},
            ],
            "staff": {"district": city.WEST, "code": world.chief},
        }
    ),
    "POST /v1/lanes/{district}/{code}/keepers": json(
        lambda world, _: {"staff": world.chief, "role": "chief", "valid_from": "2026-01-01"}
    ),
    "POST /v1/lanes/{district}/{code}/keepers/{staff}/end": json(
        {"on": "2030-01-01", "reason": "so"}
    ),
    "GET /v1/postings/roster": query(street=city.LEAD),
    "GET /v1/postings/roster.html": query(street=city.LEAD),
    "GET /v1/postings/judgements": query(month="2026-01"),
    "POST /v1/postings/proposals": json(
        lambda world, _: {
            **{"kind": "reward", "posting": world.posting, "on": "2030-01-01", "words": "so"},
        }
    ),
    "POST /v1/postings/proposals/{proposal_id}/opinion": json({"agrees": False, "words": "so"}),
    "POST /v1/postings/proposals/{proposal_id}/decision": json({"carry": False, "reason": "so"}),
    "POST /v1/postings/proposals/{proposal_id}/withdraw": json({"reason": "so"}),
    "POST /v1/postings/{posting_id}/replacement": json({"reason": "so"}),
    "POST /v1/postings/replacements/{replacement_id}/answer": json({"words": "no"}),
    "POST /v1/postings/{posting_id}/judgements": json({"month": "2026-01", "score": 90}),
    "POST /v1/tasks": json({"kind": "patrol", "area": city.LEAD, "note": "walk round the gate"}),
    "POST /v1/tasks/{task_id}/give-back": json({"reason": "ill"}),
    "POST /v1/tasks/{task_id}/done": json({"note": "walked"}),
    "POST /v1/tasks/{task_id}/withdraw": json({"reason": "not needed"}),
    "POST /v1/whistles/{whistle_id}/bodies/{body}/report-in": json(POINT),
    "POST /v1/whistles/{whistle_id}/bodies/{body}/done": json({"note": "done"}),
    "POST /v1/whistles/{whistle_id}/bodies/{body}/score": json({"score": 90}),
    "POST /v1/whistles/{whistle_id}/bodies/{body}/again": json({"note": "more"}),
    "POST /v1/whistles/{whistle_id}/withdraw": json({"reason": "gone"}),
    "POST /v1/whistles/{whistle_id}/postpone": json(
        {"time": "2030-01-01T09:00:00+08:00", "reason": "rain"}
    ),
    "POST /v1/whistles/{whistle_id}/press": json({"leader": "the deputy head", "note": "late"}),
    "POST /v1/whistles/{whistle_id}/bodies/{body}/decline": json(
        {"clause": "not_listed", "reason": "not ours"}
    ),
    "POST /v1/whistles/{whistle_id}/bodies/{body}/dismiss": json({"reason": "not needed"}),
    "POST /v1/whistles/{whistle_id}/bodies/{body}/sign-in": json({"accepted": True}),
    "POST /v1/disputes/find": json({"edition": "street-2026"}),
    "POST /v1/disputes/{dispute_id}/notes": json({"note": "Ours."}),
    "POST /v1/disputes/{dispute_id}/evidence": lambda world, asker: {
        "params": {"name": "survey.pdf"},
        "content": b"a survey",
    },
    "POST /v1/disputes/{dispute_id}/state": json({"state": "agreed", "why": "asked"}),
    "POST /v1/what-if": json({}),
    "POST /v1/duties/what-if": json(lambda world, _: {"changes": [world.new_duty]}),
    "POST /v1/duties/changes": json(lambda world, _: {"changes": [world.new_duty], "reason": "so"}),
    "PATCH /v1/agreements/{agreement_id}": json({"title": "another", "reason": "so"}),
    "POST /v1/agreements/{agreement_id}/end": json({"reason": "so"}),
    "POST /v1/no-mans-land/disputes": json({}),
    "POST /v1/reports/{name}/additions": json({"text": "there is more"}),
    "POST /v1/reports/{name}/follows": json({"url": "https://93.184.216.34/hook"}),
    "POST /v1/reports/{name}/photos": lambda world, asker: {"content": b"no photo"},
    "POST /v1/reports/{name}/withdraw": json({}),
    "POST /v1/reports/{name}/verdict": json({"solved": True}),
    "POST /v1/reports/{name}/reopen": json({"reason": "not done"}),
    "POST /v1/reports/{name}/object": json({"reason": "another thing"}),
    "POST /v1/reports/{name}/contact": json({"reason": "to call back"}),
    "POST /v1/reports/{name}/own": json({}),
    "POST /v1/reports/{name}/erase": json({"reason": "asked for it"}),
    "GET /v1/log/consistency": query(first="1", second="1"),
    "GET /v1/log/inclusion": query(leaf="0", size="1"),
    "POST /v1/tokens": json({"role": "street", "area": city.LEAD}),
    "POST /v1/lines": json(ALONG),
    "POST /v1/lines/page.html": json(ALONG),
    "POST /v1/lines/teams": json(
        {**ALONG, "class": city.BUILDING, "task": "clear it", "lead": city.LEAD}
    ),
    "POST /v1/relations": json(
        {"relation": "touches", "a": {"layer": "streets"}, "b": {"layer": "districts"}}
    ),
}
#: What {code} is the code of, by a part of the path; else of a part of the register.
CODES = {"/funds": "P1", "/lanes": "L1", "/areas": city.LEAD}
#: What has two sides: whoever lies beside the western street may be on the other one.
BOTH_SIDES = ("/v1/disputes/", "/v1/whistles/")
#: What lists the case of the world to those whose area it lies in.
LISTS = {
    f"GET {path}"
    for path in ("/v1/cases", "/v1/lists/cases", "/v1/lists/cases.csv", "/v1/lists/reports")
}
#: Acts of supervision, by somebody who has handled nothing.
SUPERVISION = {"POST /v1/whistles/{whistle_id}/press"}
#: Reading them gives 404 here, behind the right to read them.
ABSENT = {
    "GET /v1/cases/{case_id}/evidence/{evidence_id}",
    "GET /v1/reports/{name}/photos/{photo_id}",
}


def every_route(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path of all that an application answers."""
    for outer in app.routes:
        included: Any = getattr(outer, "original_router", None)
        for route in [outer] if included is None else included.routes:
            if isinstance(route, Mount):
                yield "GET", f"{route.path}/{{path:path}}"
            elif isinstance(route, APIRoute | Route):
                for method in (route.methods or set()) - {"HEAD"}:
                    yield method, route.path


def test_every_route_is_in_the_table_and_every_row_is_a_route(
    serve: Callable[..., httpx.Client],
) -> None:
    apps: list[FastAPI] = []
    serve(apps.append)
    assert sorted(every_route(apps[0])) == sorted(RIGHTS)


def path_of(world: World, row: str, path: str, asker: Asker | None) -> str:
    """The path of a thing in the western street; for the called, of the joint case."""
    called = asker is not None and asker.relation == "called"
    department = asker is not None and asker.role is Role.DEPARTMENT
    own_body = asker.own_body if asker and asker.relation in ("own", "called") else city.LEAD
    case = world.of(asker)
    if RIGHTS[tuple(row.split())].roles[Role.DEPARTMENT] is Reach.LEAD and department:  # type: ignore[index]
        case = world.bureau_case
    edition = world.mended if path.endswith("/undo") else "street-2026"
    names = {
        "case_id": world.joint if called and path.endswith(("whistles", "approvals")) else case,
        "name": world.receipt,
        "n": "1",
        "evidence_id": world.evidence,
        "photo_id": world.evidence,
        "follow_id": world.evidence,
        "token_id": world.token,
        "duty_id": world.duty,
        "agreement_id": world.agreement,
        "campaign_id": world.campaign,
        "group_id": world.group,
        "link": "of-nobody",
        "staff_id": world.member,
        "posting_id": world.posting,
        "staff": world.chief,
        "proposal_id": world.wish,
        "replacement_id": world.asked,
        "trial_id": world.trial,
        "list_id": world.roofs,
        "alarm_id": world.alarm,
        "batch": "1",
        "task_id": world.task,
        "request_id": world.requests.get(asker.role, world.request) if asker else world.request,
        "area": city.LEAD,
        "body": own_body,
        "whistle_id": world.whistle,
        "dispute_id": world.dispute,
        "edition": edition if "/repairs" in path else "street-2020",
        "before": "street-2020",
        "after": "street-2021",
        "kind": "parts",
        "district": city.WEST,
        "code": next(
            (code for part, code in CODES.items() if part in path),
            city.OWNED,
        ),
        "layer": "districts",
        "list_name": "cases",
        "z": "0",
        "x": "0",
        "y": "0",
        "path:path": "swagger-ui.css",
    }
    if path == "/map/static/{name}":
        names["name"] = "map.css"
    return re.sub(r"\{([\w:]+)\}", lambda found: names[found[1]], path)


def asked(world: World, row: str, asker: Asker | None) -> httpx.Response:
    method, path = row.split()
    sent = SENT.get(row, lambda *_: {})(world, asker)
    if asker is not None and row in SUPERVISION and asker.subject is None:
        asker = replace(asker, subject=f"supervision of {asker.area}")
    headers = {} if asker is None else {"Authorization": f"Bearer {asker.token}"}
    where = path_of(world, row, path, asker)
    with world.client.stream(method, where, headers=headers, **sent) as response:
        if "event-stream" not in response.headers.get("content-type", ""):
            response.read()
        return response


def beside_is_called(asker: Asker, path: str) -> bool:
    """Whether somebody's neighbouring district is the other side of what is asked for."""
    beside = asker.relation == "neighbouring" and asker.area == city.EAST
    return beside and path.startswith(BOTH_SIDES)


def has(world: World, row: str, response: httpx.Response) -> bool | None:
    """Whether an answer gives what was asked for, a list the case; None for a faulty one."""
    if response.status_code in (401, 403):
        refusal(response, response.status_code)
        return False
    if row.startswith("GET ") and response.status_code not in (
        {404} if row in ABSENT else {200, 204}
    ):
        return None
    if response.status_code >= 500:
        return None
    if row in LISTS:
        return world.case in response.text
    return True


@pytest.mark.slow
def test_whoever_asks_is_answered_as_the_table_says(
    serve: Callable[..., httpx.Client], city_engine: Engine
) -> None:
    # The joint case of the world is blown by what a citizen drew.
    client = serve(joint_whistle_roles=",".join(Role), log_every_s=0.1)
    world = World(client, city_engine)
    wait_until(lambda: client.get("/v1/log").json()["checkpoint"])
    wrong = []
    for (method, path), right in RIGHTS.items():
        row = f"{method} {path}"
        answer = asked(world, row, None)
        if (right.nobody is Reach.ALL) != has(world, row, answer):
            wrong.append(f"{row} without a token: {answer.status_code}")
        for asker in askers():
            reach = right.roles[asker.role]
            # Where the area does not matter, those ask who stand nearest.
            anywhere = reach in (Reach.NO, Reach.ALL) and asker.relation != "own"
            if anywhere or beside_is_called(asker, path):
                continue
            may = reaches(reach, asker, both_sides=path.startswith(BOTH_SIDES))
            if row in LISTS:  # they list what lies inside, and nothing else
                may = reach is Reach.LISTED and asker.relation == "own"
            answer = asked(world, row, asker)
            if may != has(world, row, answer):
                said = answer.json().get("detail", "")[:90] if answer.status_code >= 400 else ""
                wrong.append(
                    f"{row} by {asker.role} {asker.relation} ({reach}): {answer.status_code} {said}"
                )
    assert wrong == [], "\n".join(wrong)
