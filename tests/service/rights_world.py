"""A small city in which every route has something to be asked about, and all who may ask.

Everything lies in the western street of the border (``own``); the *called* ones take part in its
joint case from the other side.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gridsvc.api.rights import Reach
from gridsvc.callers import Role
from gridsvc.cases.core.models import Case
from gridsvc.city.classes import STANDARD
from gridsvc.db.base import uuid7
from gridsvc.foresight.alarms.models import Alarm
from gridsvc.registry.areas.service import load_edition
from gridsvc.registry.editions.service import activate_edition
from gridsvc.registry.funds.models import Fund
from gridsvc.registry.lanes.models import LaneSegment
from gridsvc.registry.members.models import Member
from gridsvc.registry.residents.models import ResidentCount
from tests import cities
from tests.service import disputed_city as disputed
from tests.service import joint_city as city
from tests.service.conftest import Person, report, token_of
from tests.service.joint_case import JointCase

#: A district that has nothing to do with any of it.
FAR = "110105"
#: Where the tokens of each role lie: inside, beside, far away, and on the called side.
AREAS: dict[Role, tuple[str, str, str, str]] = {
    Role.CITIZEN: ("", "", "", ""),
    Role.GRID_WORKER: (city.LEAD, city.LEAD_NORTH, f"{FAR}001", city.OTHER),
    Role.STREET: (city.LEAD, city.LEAD_NORTH, f"{FAR}001", city.OTHER),
    **dict.fromkeys(
        (Role.DEPARTMENT, Role.DISTRICT, Role.CITY, Role.ANALYST, Role.ADMIN),
        (city.WEST, city.EAST, FAR, city.EAST),
    ),
}
RELATIONS = ("own", "neighbouring", "foreign", "called")


@dataclass(frozen=True)
class Asker:
    """Somebody with a token, and how its area lies to what is asked about."""

    role: Role
    relation: str
    area: str
    body: str | None
    subject: str | None

    @property
    def token(self) -> str:
        return token_of(self.role, self.area, self.body, subject=self.subject)

    @property
    def own_body(self) -> str:
        """The body for which they would act."""
        if self.role is Role.STREET:
            return self.area
        return self.body or (city.OTHER if self.relation == "called" else city.LEAD)


def askers() -> list[Asker]:
    """Those who may least come first, so that nothing has changed when they are refused."""
    found = []
    for relation in ("foreign", "neighbouring", "called", "own"):
        for role in Role:
            area = AREAS[role][RELATIONS.index(relation)]
            body = f"{area}-CGJ" if role is Role.DEPARTMENT else None
            subject = "a resident" if role is Role.CITIZEN and relation == "own" else None
            found.append(Asker(role, relation, area, body, subject))
    return found


def reaches(reach: Reach, asker: Asker, *, both_sides: bool) -> bool:
    """Whether a right of this reach lets somebody have what lies in the western street.

    ``both_sides``: it lies in the eastern street too.
    """
    match reach:
        case Reach.NO | Reach.SECRET | Reach.TOKEN:
            return False
        case Reach.ALL | Reach.LISTED:
            return True
        case Reach.DISTRICT:
            return asker.area[:6] == city.WEST
        case Reach.PART | Reach.BODY:
            return asker.relation in ("own", "called")
        case Reach.OWN:
            return asker.relation == "own" or (both_sides and asker.relation == "called")
        case Reach.WHOLE:
            return asker.area == ""
        case Reach.LEAD:
            return asker.relation == "own"
        case Reach.MINE:
            return asker.subject is not None


def draw_streets_again(session: Session) -> None:
    """A second edition of the streets that is in force, so that two can be compared."""
    load_edition(
        session,
        id="street-2021",
        level="street",
        title="Made up",
        source="made up for a test",
        licence="CC0",
        accuracy_m=5.0,
        approximate=False,
        effective_from=city.SINCE + dt.timedelta(days=366),
        areas=city.STREETS,
        at=cities.now(),
    )
    activate_edition(session, "street-2021", without_audit="made up for a test", at=cities.now())


def community_things() -> list[Any]:
    """Somebody who lives in the western street, a fund of it, its children."""
    lives = {"district_code": city.WEST, "community_code": f"{city.LEAD}001"}
    day = dt.date(2026, 1, 1)
    resident = {"unit": "a school", "reported_on": day, "subject": "a resident"}
    member = Member(code="M1", name="Li Si", **resident, **lives)
    fund = {"year": 2026, "street_code": city.LEAD, "kind": "环境", "budget_fen": 100}
    children = [
        ResidentCount(
            district_code=city.WEST, grid_code="02000001", year=year, age=age, residents=9
        )
        for year in (2024, 2025)
        for age in range(7)
    ]
    spent = Fund(code="P1", name="lamps", spent_fen=0, **fund, **lives)
    return [member, spent, lane(), *children]


def lane() -> LaneSegment:
    """A segment of a lane in the western street."""
    line = shapely.LineString(
        [(city.BORDER_LON - 0.002, 39.885), (city.BORDER_LON - 0.001, 39.885)]
    )
    return LaneSegment(
        district_code=city.WEST,
        code="L1",
        name="a lane",
        street_code=city.LEAD,
        beside=[city.LEAD],
        length_m=85.5,
        geometry=from_shape(line, srid=4326),
        valid_from=dt.date(2026, 1, 1),
        source="made up for a test",
    )


def add_alarm(session: Session) -> uuid.UUID:
    """An alarm in the western street, and the case that it opened."""
    place = city.beside_border(-900.0)
    point = shapely.Point(place["lon"], place["lat"])
    areas = {"street_code": city.LEAD, "community_code": f"{city.LEAD}001"}
    key = {"standard": STANDARD, "kind": "event", "class_code": city.NOISE}
    where = {"point": from_shape(point, srid=4326), "district_code": city.WEST}
    case_id, alarm_id, day = uuid7(), uuid7(), dt.date(2026, 1, 1)
    session.add(
        Case(
            **{"id": case_id, "procedure": "hot_spot", "procedure_version": 1, "step": "study"},
            **{"progress": {}, "state": "open", "lead_body": city.LEAD, "trace_head": ""},
            **{"trace_entries": 0, "opened_at": city.SINCE, "place_learnt": False},
            **areas,
            **key,
            **where,
        )
    )
    ground = from_shape(shapely.MultiPolygon([point.buffer(0.001)]), srid=4326)
    counts = {"count": 9, "expected": 1.0, "statistic": 20.0, "threshold": 12.0, "alpha": 0.05}
    days = {"first_day": day, "last_day": day, "days": 4, "made_at": city.SINCE}
    found = {"watch": "all", "cells": "unit_grid", "places": ["02000001"], "geometry": ground}
    own = {"id": alarm_id, "case_id": case_id, "again_of": None}
    session.add(Alarm(**own, **areas, **key, **where, **counts, **days, **found))
    return alarm_id


class World:
    """The things of the city, by the names that the recipes use."""

    def __init__(self, client: httpx.Client, engine: Engine) -> None:
        self.client = client
        with Session(engine) as session, session.begin():
            session.add_all(community_things())
            draw_streets_again(session)
            city.agree(session, city.LEAD, "07", east_m=-20.0)
            disputed.draw(session)
            self.alarm = str(add_alarm(session))
            self.dispute = str(disputed.by_kind(session, disputed.find(session))["overlap"].id)
        resident = Person(client, token_of(Role.CITIZEN, subject="a resident"))
        self.admin = Person(client, token_of(Role.ADMIN))
        joint = JointCase(client).agree()
        self.joint, self.whistle = joint.id, joint.whistle.rpartition("/")[2]
        filed = resident.report(-700)
        self.report, self.receipt, self.secret = filed["id"], filed["receipt"], filed["secret"]
        self.case = filed["case_id"]
        led = resident.report(-600, **{"class": city.RUBBISH})
        self.bureau_case = led["case_id"]
        far = resident.report(-1_500, **{"class": city.RUBBISH})
        self.bureau_target = far["case_id"]
        self.noise_case = resident.report(-650, **{"class": city.NOISE})["case_id"]
        note = {"note": "The stone stands here."}
        self.evidence = self.admin.post(f"/v1/disputes/{self.dispute}/notes", note)["id"]
        self.token = self.admin.post("/v1/tokens", {"role": "street", "area": city.LEAD})["id"]
        self.duty = self.admin.get("/v1/duties")["duties"][0]["id"]
        self.new_duty = {
            **{"change": "add", "body": f"{city.WEST}-CGJ", "area": city.LEAD, "clause": "so"},
            **{"kind": "event", "class_prefix": city.NOISE, "role": "lead"},
        }
        self.agreement = self.admin.get("/v1/agreements")["agreements"][0]["id"]
        self.trial = self.admin.post("/v1/trials", self.new_trial())["id"]
        wish = {"community": f"{city.LEAD}001", "kind": "other", "what": "a lamp"}
        self.request = resident.post("/v1/help-requests", wish)["id"]
        self.requests = {
            Role.STREET: self.admin.post("/v1/help-requests", wish | {"body": city.LEAD})["id"],
            Role.DEPARTMENT: self.admin.post(
                "/v1/help-requests", wish | {"body": f"{city.WEST}-CGJ"}
            )["id"],
        }
        self.roofs = self.leaking_roofs()
        self.members = 0
        self.member = self.admin.post("/v1/staff", self.new_member())["id"]
        self.named = self.admin.post("/v1/staff", self.new_member())["code"]
        bureau = self.new_member() | {"office": f"{city.WEST}-CGJ", "district": city.WEST}
        self.write_note(self.bureau_case, self.admin.post("/v1/staff", bureau)["code"])
        for case in (self.case, self.joint):
            self.write_note(case, self.named)
        chief = self.new_member() | {"role": "chief"}
        self.chief = self.admin.post("/v1/staff", chief)["code"]
        keeper = {"staff": self.chief, "role": "chief", "valid_from": "2026-01-01"}
        self.admin.post(f"/v1/lanes/{city.WEST}/L1/keepers", keeper)
        judge = self.new_member() | {"role": "contact_point"}
        self.judge = self.admin.post("/v1/staff", judge)["code"]
        self.posting, self.wish, self.asked = self.roster()
        patrol = {"kind": "patrol", "area": city.LEAD, "note": "look at the gate"}
        self.task = self.admin.post("/v1/tasks", patrol)["id"]
        self.campaign = self.admin.post("/v1/campaigns", self.new_campaign())["id"]
        self.groups = 0
        groups = f"/v1/bodies/{city.LEAD}/groups"
        self.group = self.admin.post(groups, self.new_group())["id"]
        self.proposal, made = self.mend()
        self.mended, self.repair = made["edition"], made["repairs"][0]["id"]

    def roster(self) -> tuple[str, str, str]:
        """A posting, a transfer of it that waits for an opinion, and a replacement asked for."""
        officer = {"office": f"{city.WEST}-CGJ", "role": "posted_officer"}
        code = self.admin.post("/v1/staff", self.new_member() | officer)["code"]
        station = {"lon": city.BORDER_LON, "lat": 39.885}
        wish = {"kind": "posting", "street": city.LEAD, "staff": code, "posting_kind": "posted"}
        path, day = "/v1/postings", {"on": "2026-01-01", "words": "so"}
        made = self.admin.post(f"{path}/proposals", {**wish, **day, "station": station})
        street = Person(self.client, token_of(Role.STREET, city.LEAD))
        street.post(f"{path}/proposals/{made['id']}/opinion", {"agrees": True})
        asked = street.post(f"{path}/{made['id']}/replacement", {"reason": "so"})
        moved = {"kind": "transfer", "posting": made["id"], "on": "2030-01-01", "words": "so"}
        return made["id"], self.admin.post(f"{path}/proposals", moved)["id"], asked["id"]

    def leaking_roofs(self) -> str:
        """A kept list of one place where a roof leaks, in the western street."""
        resident = Person(self.client, token_of(Role.CITIZEN, subject="a resident"))
        resident.report(-800, **{"class": city.NOISE, "description": "屋顶漏雨"})
        return str(self.admin.post("/v1/recurring/lists", self.new_roofs())["id"])

    def new_roofs(self) -> dict[str, Any]:
        """What keeps the places where roofs leak."""
        return {"name": "roofs", "q": "漏雨", "area": city.LEAD, "least": 1}

    def write_note(self, case: str, staff: str) -> None:
        """A leader's note on a case, for somebody."""
        limit = (dt.datetime.now(dt.UTC) + dt.timedelta(days=30)).isoformat()
        given = {"words": "See to it.", "staff": staff, "limit_at": limit}
        self.admin.post(f"/v1/cases/{case}/leader-notes", given)

    def new_trial(self) -> dict[str, Any]:
        """A service that a community may try."""
        batch = {"area": f"{city.LEAD}001", "households": ["1", "2", "3"]}
        more = {"consulted_on": "2026-01-01", "batches": [batch]}
        return {"name": "Property service", "area": city.LEAD, **more}

    def new_campaign(self) -> dict[str, Any]:
        """A campaign in the western district, which has its report."""
        days = {"first_day": "2020-01-01", "last_day": "2020-12-30"}
        target = {"street": city.LEAD, "target": 10}
        more = {"area": city.WEST, "headquarters": f"{city.WEST}-CGJ", "targets": [target]}
        return {"name": "a hundred days", **days, **more}

    def new_group(self) -> dict[str, Any]:
        """A chat group that nobody has entered yet."""
        self.groups += 1
        url = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={self.groups}"
        return {"name": "on duty", "robot": "wecom", "url": url}

    def new_service(self) -> dict[str, Any]:
        """What the member of the western street has not done yet."""
        self.members += 1
        return {"what": f"service {self.members}", "minutes": 1}

    def new_member(self) -> dict[str, Any]:
        """Somebody whom nobody knows yet, who serves in the western street."""
        self.members += 1
        return {
            "code": f"S{self.members}",
            "name": "Zhang San",
            "office": city.LEAD,
            "role": "inspector",
            "telephone": "010-5550101",
            "valid_from": "2026-01-01",
        }

    def mend(self) -> tuple[str, Any]:
        """A repair that changes no area but the west's, and what came of it."""
        west = Person(self.client, token_of(Role.DISTRICT, city.WEST))
        faults = west.get("/v1/editions/street-2026/repairs/proposals")["faults"]
        for proposal in (it["id"] for one in faults for it in one["proposals"]):
            wish = {"proposals": [proposal], "why": "mended"}
            answer = west.send("POST", "/v1/editions/street-2026/repairs", json=wish)
            if answer.is_success:
                return proposal, answer.json()
        raise AssertionError("no fault of the city is mended inside the west")

    def of(self, asker: Asker | None) -> str:
        """The case: the joint one for those who are called into it."""
        return self.joint if asker is not None and asker.relation == "called" else self.case


def new_report() -> dict[str, Any]:
    return report(-700)
