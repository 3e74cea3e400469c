"""The second story of the texts: 214 homes unfinished for 18 years, 140 callers, one case.

The order of 12345, the district whistles city units, they meet, the district arranges the money,
the enterprise carries it out (domain, section 4). The steps and the numbers are the texts'; the
estate's name and place, and what the callers say, are made up.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text

from tests.acceptance.conftest import City
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.system(12)

CALLERS, HOMES, YEARS = 140, 214, 18
#: A place in the middle of Dongcheng, far from every border of a district.
LON, LAT = 116.4170, 39.9290
DISTRICT = "110101"
UNITS = ("BJ-WATER", "BJ-POWER", "BJ-GAS")
ENTERPRISE = "110101-BUILDER"
#: Building without papers: complex, 15 days.
CLASS = "08016"
#: The ways in which people write one place.
ESTATE = ("幸福家园3号楼", "北京市东城区幸福家园３號樓", "幸福家园三号楼附近", "幸福家园 3栋")
HEADER = ["reference", "received_at", "class", "lon", "lat", "place_text", "description", "phone"]
ZONE = dt.timezone(dt.timedelta(hours=8))


class Person:
    """Somebody with a token of the command line, who speaks to the running service."""

    def __init__(self, http: httpx.Client, city: City, role: str, area: str, *more: str) -> None:
        made = city.run("token", "create", "--role", role, "--area", area, *more)
        assert made.returncode == 0, made.stderr
        self._http = http
        self._headers = {"Authorization": f"Bearer {made.stdout.strip()}"}

    def get(self, path: str, **query: Any) -> Any:
        return self._good(self._http.get(path, params=query, headers=self._headers))

    def post(self, path: str, body: Any) -> Any:
        return self._good(self._http.post(path, json=body, headers=self._headers))

    def refused(self, path: str, body: Any, status: int = 409) -> Any:
        response = self._http.post(path, json=body, headers=self._headers)
        assert response.status_code == status, response.text
        return response.json()

    @staticmethod
    def _good(response: httpx.Response) -> Any:
        assert response.is_success, response.text
        return response.json()


class Story:
    """Everybody in the story, and what has happened so far."""

    def __init__(self, http: httpx.Client, city: City) -> None:
        district = ("district", DISTRICT)
        self.command = Person(http, city, *district, "--subject", "the district's command")
        self.supervision = Person(http, city, *district, "--subject", "the district's supervision")
        self.citizen = Person(http, city, "citizen", "")
        self.bodies = {
            code: Person(
                http, city, "department", code[:6] if code[0] == "1" else "1101", "--body", code
            )
            for code in (*UNITS, ENTERPRISE)
        }
        self.case = ""
        self.asked: dict[str, Any] = {}
        self.last: dict[str, Any] = {}

    @property
    def path(self) -> str:
        return f"/v1/cases/{self.case}"

    def step(self, who: Person, step: str, note: str | None = None, **evidence: Any) -> Any:
        return who.post(f"{self.path}/steps", {"step": step, "note": note, "evidence": evidence})

    def body(self, code: str, act: str) -> str:
        """Where a called body of the whistle acts."""
        whistle = self.command.get(self.path)["whistles"][-1]["id"]
        return f"/v1/whistles/{whistle}/bodies/{code}/{act}"

    def callers(self) -> list[dict[str, Any]]:
        """Every report of the case, page by page."""
        rows: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.command.get(f"{self.path}/reports", limit=50, count="true", **cursor)
            assert page["count"] == CALLERS
            rows += page["reports"]
            if page["next"] is None:
                return rows
            cursor = {"cursor": page["next"]}


@pytest.fixture(scope="module")
def story(city: City, server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The story, played once to its end."""
    folder = tmp_path_factory.mktemp("eighteen-years")
    with httpx.Client(base_url=server, timeout=PATIENCE_S) as http:
        _register_enterprise(city, folder)
        recorded = _record_calls(city, folder)
        assert recorded == {"rows": 139, "recorded": 139, "known": 0, "refused": []}
        told = Story(http, city)
        _play(told)
        yield told


def _register_enterprise(city: City, folder: Path) -> None:
    path = folder / "bodies.csv"
    path.write_text(f"code,name,kind,area_code\n{ENTERPRISE},某房地产公司,company,{DISTRICT}\n")
    done = city.run("import", "bodies", str(path))
    assert done.returncode == 0, done.stderr


def _record_calls(city: City, folder: Path) -> Any:
    """The order book of 18 years: 139 calls, from phones that were up to 60 m off."""
    path = folder / "calls.csv"
    begun = dt.datetime.now(ZONE).replace(microsecond=0) - dt.timedelta(days=YEARS * 366)
    apart = dt.timedelta(days=YEARS * 365 / CALLERS)
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(
            [
                "reference",
                "received_at",
                "class",
                "lon",
                "lat",
                "place_text",
                "description",
                "phone",
            ]
        )
        for n in range(CALLERS - 1):
            east, north = (n % 7 - 3) * 0.00015, (n % 5 - 2) * 0.00015
            writer.writerow(
                [
                    f"12345-{n + 1:03}",
                    (begun + n * apart).isoformat(),
                    CLASS,
                    LON + east,
                    LAT + north,
                    ESTATE[n % len(ESTATE)],
                    f"My home has not been finished (call {n + 1}).",
                    f"010-5550{n:03}",
                ]
            )
    again = []
    for _ in range(2):
        done = city.run("import", "reports", str(path), "--json")
        assert done.returncode == 0, done.stderr
        again.append(json.loads(done.stdout))
    assert again[1] == {"rows": 139, "recorded": 0, "known": 139, "refused": []}
    return again[0]


def _play(story: Story) -> None:
    """The last caller by app, and the five steps with their closing."""
    report = {
        "channel": "app",
        "class": CLASS,
        "description": "Eighteen years, and still no roof.",
        "location": {"lon": LON, "lat": LAT + 0.004, "accuracy_m": 30},
        "place_text": ESTATE[1],
    }
    story.asked = story.citizen.post("/v1/reports/similar", report)
    story.last = story.citizen.post("/v1/reports", report)
    story.case = story.last["case_id"]
    story.step(story.command, "raise", "The district cannot solve it alone.")
    steps = f"{story.path}/steps"
    early = story.command.refused(
        steps, {"step": "arrange_money", "evidence": {"money": "paid", "enterprise": ENTERPRISE}}
    )
    assert [due["step"] for due in early["due"]] == ["whistle_city"]
    demand = f"Finish {HOMES} homes: water, power and gas, before the winter."
    letter = {"demand": demand, "bodies": list(UNITS)}
    approval = {"approval": "approved_by", **letter}
    story.supervision.post(f"{story.path}/approvals", approval)
    story.step(story.command, "whistle_city", **letter)
    for code in UNITS:
        story.bodies[code].post(story.body(code, "accept"), {})
        story.bodies[code].post(story.body(code, "report-in"), {"lon": LON, "lat": LAT})
    story.step(story.bodies[UNITS[0]], "joint_meeting", minutes="All will be there by May.")
    story.step(
        story.command, "arrange_money", money="The district pays ahead.", enterprise=ENTERPRISE
    )
    for homes in (60, 80, 74):
        story.step(story.bodies[ENTERPRISE], "carry_out", f"{homes} homes are finished.")
    for code in UNITS:
        story.bodies[code].post(story.body(code, "done"), {"note": "Connected."})
        story.supervision.post(story.body(code, "score"), {"score": 95})
    story.step(story.supervision, "close", f"All {HOMES} homes are handed over.")


def test_the_last_caller_was_shown_the_case_of_the_others_before_he_filed(story: Story) -> None:
    asked = story.asked
    assert asked["would_join"] == story.case
    (candidate,) = asked["candidates"]
    assert (candidate["why"], candidate["joins"]) == (["place_text"], True)
    assert candidate["reports"] == CALLERS - 1
    assert candidate["distance_m"] > 250
    assert (story.last["joined"], story.last["joined_across_border"]) == (True, False)


def test_a_hundred_and_forty_callers_are_one_case_whose_history_is_all_there(
    story: Story,
) -> None:
    rows = story.callers()
    assert len({row["receipt"] for row in rows}) == CALLERS
    times = [dt.datetime.fromisoformat(row["created_at"]) for row in rows]
    assert times == sorted(times)
    assert times[-1] - times[0] > dt.timedelta(days=YEARS * 365)
    assert [row["channel"] for row in rows] == ["12345"] * 139 + ["app"]
    assert [row["recorded_at"] is None for row in rows] == [False] * 139 + [True]
    assert {row["place_text"] for row in rows} == set(ESTATE)
    case = story.command.get(story.path)
    assert case["report_count"] == CALLERS
    assert dt.datetime.fromisoformat(case["first_reported_at"]) == times[0]


def test_the_trace_tells_the_five_steps_and_all_the_calls_and_is_whole(story: Story) -> None:
    entries = story.command.get(f"{story.path}/trace")["entries"]
    actions = [entry["action"] for entry in entries]
    calls = [entry for entry in entries if entry["action"] in ("report_filed", "report_joined")]
    assert len(calls) == CALLERS
    later = [entry for entry in calls if entry["content"].get("recorded_later")]
    assert len(later) == CALLERS - 1
    assert all(entry["at"] < entry["written_at"] for entry in later)
    steps = [
        "raise",
        "whistle_city",
        "joint_meeting",
        "arrange_money",
        *["carry_out"] * 3,
        "close",
    ]
    assert [action for action in actions if action in steps] == steps
    homes = [e["content"]["note"] for e in entries if e["action"] == "carry_out"]
    assert sum(int(note.split()[0]) for note in homes) == HOMES
    verified = story.command.get(f"{story.path}/trace/verify")
    assert (verified["intact"], verified["entries"]) == (True, len(entries))


def test_every_city_unit_was_called_met_and_has_its_score(story: Story) -> None:
    case = story.command.get(story.path)
    assert (case["state"], case["procedure"]["name"]) == ("closed", "city")
    whistle = story.command.get(f"/v1/whistles/{case['whistles'][-1]['id']}")
    assert {one["body_code"]: one["score"] for one in whistle["called"]} == dict.fromkeys(UNITS, 95)
    assert all(one["reported_in_at"] for one in whistle["called"])
    assert not any(one["overdue"] for one in case["hand_ins"])
    for code in UNITS:
        inbox = story.bodies[code].get(f"/v1/bodies/{code}/inbox")["messages"]
        assert any(message["case_id"] == story.case for message in inbox)


def test_each_of_the_callers_is_told_at_the_end_and_says_what_he_thinks(
    story: Story, http: httpx.Client
) -> None:
    said = {"contacted": True, "unit_contacted": True, "solved": True, "satisfied": "satisfied"}
    for row in story.callers():
        seen = http.get(f"/v1/reports/{row['receipt']}").json()
        assert (seen["case_id"], seen["case"]["state"]) == (story.case, "closed")
        assert "010-5550" not in str(seen)
        assert story.supervision.post(f"/v1/reports/{row['id']}/callbacks", said)["n"] == 1
    entries = story.command.get(f"{story.path}/trace")["entries"]
    called_back = {e["content"]["report_id"] for e in entries if e["action"] == "callback"}
    assert len(called_back) == CALLERS


def test_who_calls_after_the_closing_is_shown_the_earlier_case(
    story: Story, city_engine: Engine
) -> None:
    with city_engine.connect() as connection:
        before = connection.execute(text("select count(*) from report")).scalar_one()
    report = {
        "class": CLASS,
        "location": {"lon": LON, "lat": LAT, "accuracy_m": 30},
        "place_text": ESTATE[0],
    }
    similar = story.citizen.post("/v1/reports/similar", report)
    assert similar["would_join"] is None
    (earlier,) = similar["earlier"]
    assert (earlier["case_id"], earlier["reports"]) == (story.case, CALLERS)
    assert set(earlier["why"]) == {"place_text", "distance"}
    with city_engine.connect() as connection:
        after = connection.execute(text("select count(*) from report")).scalar_one()
    assert after == before
