"""Judges' contact points: lists that are covers, held against a count by hand, and their cases."""

from __future__ import annotations

import datetime as dt
import json
import random
import threading
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from typer.testing import CliRunner

from gridsvc.callers import Role
from gridsvc.cli.app import app
from gridsvc.db import session_factory
from gridsvc.db.base import uuid7
from gridsvc.registry.areas.service import NewArea, load_edition
from gridsvc.registry.editions.service import activate_edition
from gridsvc.registry.staff.models import StaffMember
from gridsvc.settings import get_settings
from tests import cities
from tests.service import joint_city as city
from tests.service.procedures_world import Clock, World, register

COURT = f"{city.WEST}-COURT"
VILLAGES, JUDGES = 69, 61
#: The community of the cases, beside those of the other villages of its street.
HOME = f"{city.LEAD}001"
ON = "2026-11-01"
AREAS = [f"{city.LEAD}{n:03d}" for n in range(1, VILLAGES + 1)]


@pytest.fixture
def clock(monkeypatch):
    return Clock.held(monkeypatch)


@pytest.fixture
def villages(city_engine):
    """69 villages in one street, and 61 judges of one court in the register."""
    register(city_engine)
    cut = [
        NewArea(
            code,
            f"村{n}",
            city.box(
                116.30 + n * 0.02 / VILLAGES, 39.88, 116.30 + (n + 1) * 0.02 / VILLAGES, 39.89
            ),
        )
        for n, code in enumerate(AREAS)
    ]
    others = [one for one in city.COMMUNITIES if not one.code.startswith(city.LEAD)]
    with session_factory(city_engine).begin() as session:
        load_edition(
            session,
            id="villages",
            level="community",
            title="Made up",
            source="made up for a test",
            licence="CC0",
            accuracy_m=5.0,
            approximate=False,
            effective_from=dt.datetime(2026, 10, 1, tzinfo=dt.UTC),
            areas=cut + others,
            at=cities.now(),
        )
        activate_edition(
            session, "villages", without_audit="made up", why="surveyed", at=cities.now()
        )
        session.add(city.body(COURT, "区人民法院", "department", city.WEST))
        session.flush()
        session.add_all(judge(n) for n in range(JUDGES))


def judge(n: int, **more: Any) -> StaffMember:
    given: dict[str, Any] = {
        "district_code": city.WEST,
        "id": uuid7(),
        "code": f"J{n:02d}",
        "name": f"法官{n}",
        "body_code": COURT,
        "role": "contact_point",
        "shifts": "",
        "sealed": None,
        "subject": f"judge {n}",
        "valid_from": dt.date(2026, 1, 1),
        "valid_to": None,
        "source": "made up",
    }
    return StaffMember(**given | more)


@pytest.fixture
def world(client, villages, clock):
    world = World(client, clock)
    for n in range(2):
        world.people[f"judge {n}"] = world.person(
            Role.DEPARTMENT, city.WEST, COURT, subject=f"judge {n}"
        )
    return world


def rows() -> list[tuple[str, str, str]]:
    """A point for every village, judge 0 at the first one; eight judges have two."""
    return [(code, f"联系点{n}", f"J{n % JUDGES:02d}") for n, code in enumerate(AREAS)]


def sent(given: list[tuple[str, str, str]], on: str = ON, area: str = city.LEAD) -> dict[str, Any]:
    names = ("area", "name", "judge")
    return {"area": area, "on": on, "points": [dict(zip(names, one, strict=True)) for one in given]}


@pytest.fixture
def load(city_database, villages, tmp_path, monkeypatch):
    """The import against the city; gives its exit code and its JSON."""
    monkeypatch.setenv("DATABASE_URL", city_database)
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(tmp_path))
    get_settings.cache_clear()

    def call(given: list[tuple[str, str, str]], *words: str) -> tuple[int, Any]:
        path = tmp_path / "points.csv"
        lines = ["area,name,judge", *(",".join(one) for one in given)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        given_words = ["--area", city.LEAD, "--on", ON, "--json", *words]
        result = CliRunner().invoke(app, ["import", "contact-points", str(path), *given_words])
        return result.exit_code, json.loads(result.stdout) if result.stdout else result.exception

    yield call
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.mark.system(24)
def test_61_judges_cover_69_villages_with_exactly_one_each(load, world):
    code, told = load(rows(), "--points", "69", "--judges", "61")
    assert (code, told["points"], told["judges"]) == (0, VILLAGES, JUDGES)
    found = world["citizen"].get("/v1/contact-points", area=city.LEAD, limit=500)
    assert Counter(one["area_code"] for one in found["contact_points"]) == Counter(AREAS)
    cover = world["supervision"].get("/v1/contact-points/cover", area=city.LEAD)
    assert (cover["whole"], cover["areas"], cover["points"], cover["judges"]) == (True, 69, 69, 61)
    north = world["supervision"].get("/v1/contact-points/cover")
    assert [one["code"] for one in north["missing"]] == [f"{city.LEAD_NORTH}001"]


@pytest.mark.system(24)
def test_any_list_that_misses_or_repeats_a_village_is_kept_out_as_counted_by_hand(
    load, city_session
):
    chance = random.Random(24)
    for _ in range(40):
        given = rows()
        for _ in range(chance.randint(1, 5)):
            given.pop(chance.randrange(len(given)))
        given += [(area, "again", "J07") for area, *_ in chance.sample(given, chance.randint(0, 4))]
        chance.shuffle(given)
        named = Counter(area for area, *_ in given)
        code, told = load(given)
        assert code == 1
        assert [one["code"] for one in told["missing"]] == [one for one in AREAS if not named[one]]
        assert len(told["refused"]) == sum(count - 1 for count in named.values())
    assert city_session.scalar(text("select count(*) from contact_point")) == 0


@pytest.mark.system(24)
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ((f"{city.OTHER}001", "elsewhere", "J01"), "no village or community"),
        (("110102020999", "nowhere", "J01"), "no village or community"),
        ((AREAS[3], "again", "J01"), "in line 5 already"),
    ],
)
def test_a_row_too_many_is_told_with_its_line(load, wrong, told):
    code, answer = load([*rows(), wrong])
    (fault,) = answer["refused"]
    assert (code, fault["line"], answer["missing"]) == (1, VILLAGES + 2, [])
    assert told in fault["reason"]


@pytest.mark.system(24)
def test_nobody_but_a_contact_point_of_the_register_is_a_judge(load, city_engine):
    with session_factory(city_engine).begin() as session:
        session.add(judge(70, role="chief"))
        session.add(judge(71, valid_to=dt.date(2026, 11, 1)))
    for code in ("J70", "J71", "J99"):
        exit_code, answer = load([(AREAS[0], "hall", code), *rows()[1:]])
        assert (exit_code, answer["refused"][0]["line"]) == (1, 2)
    assert load(rows(), "--points", "68")[0] == 1
    assert load(rows(), "--dry-run")[0] == 0


@pytest.mark.system(24)
def test_a_later_list_takes_over_on_its_day_and_the_earlier_one_is_still_known(world):
    supervision, path = world["supervision"], "/v1/contact-points"
    assert supervision.post(path, sent(rows()))["whole"]
    turned = [(area, name, f"J{60 - n % JUDGES:02d}") for n, (area, name, _) in enumerate(rows())]
    assert supervision.post(path, sent(turned, on="2026-12-01"))["whole"]
    for day, judge_of_home in (("2026-11-30", "J00"), ("2026-12-01", "J60")):
        (one,) = world["citizen"].get(path, area=HOME, on=day)["contact_points"]
        assert one["judge_code"] == judge_of_home
    supervision.refused(path, sent(rows(), on="2026-11-15"), status=409)
    assert world["citizen"].get(path, area=HOME, on="2026-10-31")["contact_points"] == []
    short = supervision.refused(path, sent(rows()[:-1], on="2026-12-01"), status=422)
    assert [one["code"] for one in short["missing"]] == [AREAS[-1]]
    (one,) = world["citizen"].get(path, area=HOME, on="2026-12-01")["contact_points"]
    assert one["judge_code"] == "J60"
    world[city.LEAD].refused(path, sent(rows(), on="2026-12-01"), status=403)


@pytest.mark.system(24)
def test_a_judge_who_leaves_and_villages_that_are_merged_break_the_cover(world, city_engine):
    world["supervision"].post("/v1/contact-points", sent(rows()))
    with session_factory(city_engine).begin() as session:
        session.execute(text("update staff set valid_to = '2026-12-01' where code = 'J03'"))

    def cover(day: str) -> Any:
        return world["supervision"].get("/v1/contact-points/cover", area=city.LEAD, on=day)

    assert cover("2026-11-30")["whole"]
    after = cover("2026-12-01")
    assert (after["whole"], after["missing"]) == (False, [])
    assert [one["area_code"] for one in after["without_judge"]] == [AREAS[3], AREAS[3 + JUDGES]]
    before = cover("2026-09-30")
    assert [one["code"] for one in before["missing"]] == [HOME]


@pytest.mark.system(24)
def test_lists_at_the_same_moment_leave_one_judge_for_each_village(world, city_session):
    start, answers = threading.Barrier(6), []

    def keep(n: int) -> None:
        given = [
            (area, name, f"J{(int(code[1:]) + n) % JUDGES:02d}") for area, name, code in rows()
        ]
        start.wait()
        answers.append(world["supervision"].send("POST", "/v1/contact-points", json=sent(given)))

    threads = [threading.Thread(target=keep, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.status_code for one in answers] == [201] * 6
    assert city_session.scalar(text("select count(*) from contact_point")) == VILLAGES


def test_the_database_itself_refuses_a_second_judge_on_a_day(world, city_session):
    world["supervision"].post("/v1/contact-points", sent(rows()))
    with pytest.raises(IntegrityError, match="ex_contact_point_one_on_a_day"):
        city_session.execute(
            text(
                "insert into contact_point select district_code, area_code, '2026-12-24', valid_to,"
                " name, judge_code, source from contact_point where area_code = :home"
            ),
            {"home": HOME},
        )


def told(world: World) -> Any:
    """A matter that a resident of the first village tells."""
    place = city.beside_border(0)
    place["lon"] = 116.3001
    return world.open("citizen", "judge_point", location={**place, "accuracy_m": 5})


@pytest.mark.system(24)
def test_advice_ends_the_case_with_the_judge_who_gave_it(world):
    world["supervision"].post("/v1/contact-points", sent(rows()))
    case = told(world)
    assert case.seen()["lead_body"] == COURT
    case.refused("judge 0", "weigh", matter="advice")
    case.refused("judge 1", "weigh", 403, matter="advice", advice="Write it down.")
    seen = case.take("judge 0", "weigh", matter="advice", advice="Write it down.")
    assert (seen["state"], seen["outcome"]) == ("closed", None)
    assert seen["answered_at"] is not None
    assert case.intact()
    case.refused("judge 0", "visit", note="too late")


@pytest.mark.system(24)
@pytest.mark.parametrize(
    ("outcome", "proof"), [("settled", "agreement"), ("litigated", "court_case")]
)
def test_a_dispute_is_visited_and_ends_settled_or_at_court(world, outcome, proof):
    world["supervision"].post("/v1/contact-points", sent(rows()))
    case = told(world)
    case.take("judge 0", "weigh", matter="dispute")
    for early in ("plan", "conclude"):
        case.refused("judge 0", early, plan="x", outcome=outcome, **{proof: "x"})
    case.take("judge 0", "visit", note="Both were heard.")
    case.take("judge 0", "plan", plan="Move the fence by a metre.")
    case.take("judge 0", "visit_again", note="One side does not agree.")
    case.take("judge 0", "visit", note="Heard again.")
    case.take("judge 0", "plan", plan="Half a metre.")
    assert case.refused("judge 0", "conclude", outcome=outcome)["missing"] == [proof]
    assert (
        case.take("judge 0", "conclude", outcome=outcome, **{proof: "no. 7"})["state"] == "closed"
    )
    assert case.trace()[-1]["content"]["outcome"] == outcome


@pytest.mark.system(24)
def test_the_next_judge_goes_on_when_the_list_changes(world):
    world["supervision"].post("/v1/contact-points", sent(rows()))
    case = told(world)
    case.take("judge 0", "weigh", matter="dispute")
    next_list = [(HOME, "联系点0", "J01"), *rows()[1:]]
    world["supervision"].post("/v1/contact-points", sent(next_list, on="2026-11-23"))
    case.refused("judge 0", "visit", 403, note="Heard.")
    assert case.take("judge 1", "visit", note="Heard.")["step"] == "plan"


@pytest.mark.system(24)
def test_where_no_judge_is_met_no_matter_begins(world):
    given = {
        "procedure": "judge_point",
        "class": city.RUBBISH,
        "location": {**city.beside_border(-300), "accuracy_m": 5},
    }
    refused = world["citizen"].refused("/v1/cases", given, status=422)
    assert "has no judge's contact point on 2026-11-23" in refused["detail"]
