"""Tasks: given to who is on duty, taken by exactly one, done in time or late."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from gridsvc.callers import Role
from gridsvc.cases.systems.tasks.limits import notice_task_limits
from gridsvc.city import City
from gridsvc.db import session_factory
from gridsvc.settings import Settings
from tests.service import joint_city as city
from tests.service.conftest import Person
from tests.service.procedures_world import COMMUNITY, Case, Clock, World, register
from tests.service.test_staff import BESIDE, CELL, HERE, enter, member


@pytest.fixture
def clock(monkeypatch):
    return Clock.held(monkeypatch)


@pytest.fixture
def world(client, city_engine, clock):
    register(city_engine)
    return World(client, clock)


def registered(world: World, code: str, **more: Any) -> Person:
    """An inspector in the register, with a token."""
    enter(world, member(code, subject=f"inspector {code}", **more))
    person = world.person(Role.GRID_WORKER, COMMUNITY, subject=f"inspector {code}")
    world.people[code] = person
    return person


def mine(world: World, name: str, **asked: Any) -> list[Any]:
    found: list[Any] = world[name].get("/v1/tasks/mine", **asked)["tasks"]
    return found


def checked(world: World) -> tuple[Case, Any]:
    """A citizen's report 300 m west of the border, and the check that it waits for."""
    filed = world["citizen"].report(-300, **{"class": city.RUBBISH})
    case = Case(world, filed["case_id"])
    return case, case.seen()["tasks"][-1]


def act(world: World, by: str, task: Any, what: str, **given: Any) -> Any:
    return world[by].post(f"/v1/tasks/{task['id']}/{what}", given)


def refused(world: World, by: str, task: Any, what: str, status: int = 409, **given: Any) -> Any:
    return world[by].refused(f"/v1/tasks/{task['id']}/{what}", given, status=status)


def test_a_check_goes_to_who_is_on_duty_in_the_cell_and_supervision_is_told(world, clock):
    registered(world, "W1", places=[CELL])
    registered(world, "W2", places=[BESIDE])
    registered(world, "W3", places=[CELL], shifts="daily 20:00-22:00")
    case, task = checked(world)
    assert (task["kind"], task["step"], task["unit_grid"]) == ("check_on_the_spot", "file", CELL)
    assert task["offered"] == ["W1"]
    # Two working hours, which is before the step's own four.
    assert task["limit_at"] == "2026-11-23T04:00:00Z"
    assert [len(mine(world, name)) for name in ("W1", "W2", "W3")] == [1, 0, 1]
    act(world, "W1", task, "take")
    assert mine(world, "W3") == []
    clock.forward(minutes=30)
    done = act(world, "W1", task, "done", found="不属实", note="Nothing there.", **HERE)
    assert (done["state"], done["found"], done["late"], done["far"]) == (
        "done",
        "untrue",
        False,
        False,
    )
    assert mine(world, "W1") == []
    (work,) = world["supervision"].get(f"/v1/supervision/{city.WEST}/inbox")["work"]
    assert (work["kind"], work["found"]) == ("file", "untrue")
    told = world["supervision"].get(f"/v1/supervision/{city.WEST}/inbox")["messages"]
    assert [one["topic"] for one in told] == ["task_done"]
    acts = [entry["action"] for entry in case.trace()]
    assert acts[-2:] == ["task_taken", "task_done"]
    assert case.intact()


def test_of_many_who_take_a_task_at_once_exactly_one_has_it(world):
    people = [registered(world, f"W{n}", places=[CELL]) for n in range(8)]
    _, task = checked(world)
    start = threading.Barrier(len(people))
    answers: list[int] = []

    def take(person: Person) -> None:
        start.wait()
        answers.append(person.send("POST", f"/v1/tasks/{task['id']}/take").status_code)

    threads = [threading.Thread(target=take, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [409] * 7
    told = refused(world, "W0", task, "take")["detail"]
    assert told.startswith("The task was taken by W")


def test_a_step_that_is_taken_leaves_no_check_behind(world):
    registered(world, "W1", places=[CELL])
    case, task = checked(world)
    act(world, "W1", task, "take")
    case.take("supervision", "file", pre_filing_check="属实")
    assert mine(world, "W1") == []
    refused(world, "W1", task, "done", found="true", note="There.")
    assert [one["state"] for one in case.seen()["tasks"]] == ["withdrawn"]


def test_what_cannot_be_told_yet_is_a_new_check_in_the_place_of_the_old_one(world):
    case, _ = checked(world)
    case.take("supervision", "file", pre_filing_check="unclear", note="Nobody was in.")
    assert [one["state"] for one in case.seen()["tasks"]] == ["withdrawn", "open"]
    case.take("supervision", "file", pre_filing_check="untrue", reason="Nothing there.")
    assert [one["state"] for one in case.seen()["tasks"]] == ["withdrawn", "withdrawn"]


def test_a_grid_worker_without_an_entry_reads_the_tasks_of_their_area(world):
    _, task = checked(world)
    assert [one["id"] for one in mine(world, "worker")] == [task["id"]]
    taken = act(world, "worker", task, "take")
    assert (taken["state"], taken["staff_code"]) == ("taken", None)
    world.people["stranger"] = world.person(Role.GRID_WORKER, f"{city.LEAD_NORTH}001")
    assert mine(world, "stranger") == []
    refused(world, "stranger", task, "take", 403)
    refused(world, "worker", task, "take")
    back = act(world, "worker", task, "give-back", reason="ill")
    assert (back["state"], back["taken_at"]) == ("open", None)


def test_an_office_gives_a_task_to_somebody_of_the_register(world):
    registered(world, "W1", places=[CELL])
    _, task = checked(world)
    assert refused(world, city.LEAD, task, "take", 422)["field"] == "staff"
    refused(world, city.LEAD, task, "take", 404, staff="W9")
    refused(world, city.OTHER, task, "take", 403, staff="W1")
    refused(world, "worker", task, "take", 403, staff="W1")
    assert act(world, city.LEAD, task, "take", staff="W1")["staff_code"] == "W1"
    assert [one["state"] for one in mine(world, "W1")] == ["taken"]
    refused(world, "worker", task, "done", found="true", note="Not mine.")
    assert act(world, "W1", task, "done", found="true", note="There.")["found"] == "true"


def test_a_verdict_is_one_of_the_step(world):
    _, task = checked(world)
    refused(world, "worker", task, "done", found="true", note="There.")
    act(world, "worker", task, "take")
    for wrong in ({"found": "perhaps"}, {}):
        problem = refused(world, "worker", task, "done", 422, note="There.", **wrong)
        assert problem["field"] == "found"
        assert "untrue (不属实)" in problem["detail"]


def test_a_limit_that_passes_is_an_event_once_and_late_is_late(world, clock, city_engine):
    registered(world, "W1", places=[CELL])
    case, task = checked(world)
    city_of = City.load(Settings())

    def noticed() -> int:
        with session_factory(city_engine).begin() as session:
            return notice_task_limits(session, city_of, now=clock.now)

    assert noticed() == 0
    clock.forward(hours=2)
    assert (noticed(), noticed()) == (1, 0)
    assert case.trace()[-1]["action"] == "task_late"
    inbox = world["supervision"].get(f"/v1/supervision/{city.WEST}/inbox")
    assert inbox["late_tasks"] == 1
    assert [one["topic"] for one in inbox["messages"]] == ["task_late"]
    told = world[COMMUNITY].get(f"/v1/bodies/{COMMUNITY}/inbox")["messages"]
    assert [one["topic"] for one in told] == ["task", "task_late"]
    (late,) = world["supervision"].get("/v1/tasks", overdue=True)["tasks"]
    assert (late["id"], late["overdue"]) == (task["id"], True)
    clock.forward(seconds=1)
    act(world, "W1", task, "take")
    assert act(world, "W1", task, "done", found="true", note="There.")["late"] is True


def test_a_patrol_and_a_revisit_are_sent_taken_and_done(world):
    registered(world, "W1", places=[CELL])
    street = world[city.LEAD]
    patrol = {"kind": "patrol", "area": COMMUNITY, "unit_grid": CELL, "note": "Look at the lamps."}
    made = street.post("/v1/tasks", patrol)
    assert (made["offered"], made["case_id"], made["point"]) == (["W1"], None, None)
    case, _ = checked(world)
    case.take("supervision", "file", pre_filing_check="untrue", reason="Nothing there.")
    look = {"kind": "revisit", "case_id": case.id, "note": "Is it still so?"}
    again = street.post("/v1/tasks", look)
    assert [one["kind"] for one in mine(world, "W1")] == ["patrol", "revisit"]
    for task in (made, again):
        act(world, "W1", task, "take")
        refused(world, "W1", task, "done", 422, found="true", note="Seen.")
        assert act(world, "W1", task, "done", note="Seen.", **HERE)["state"] == "done"
    assert case.trace()[-1]["content"]["note"] == "Seen."
    assert case.intact()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"kind": "patrol"}, "area"),
        ({"kind": "patrol", "area": "110102999"}, "area"),
        ({"kind": "patrol", "area": city.LEAD, "unit_grid": "00000000"}, "unit_grid"),
        ({"kind": "patrol", "area": city.LEAD, "limit_at": "2026-11-23T09:00:00"}, "limit_at"),
        ({"kind": "patrol", "area": city.LEAD, "limit_at": "2026-11-23T02:00:00Z"}, "limit_at"),
        ({"kind": "revisit", "area": city.LEAD}, "case_id"),
    ],
)
def test_a_task_that_names_no_place_or_no_time_is_refused(world, wrong, field):
    refusal = world["supervision"].refused("/v1/tasks", {"note": "Go.", **wrong}, status=422)
    assert refusal["field"] == field


def test_supervision_withdraws_and_the_list_pages_by_key(world):
    made = [
        world["supervision"].post("/v1/tasks", {"kind": "patrol", "area": city.LEAD, "note": "Go."})
        for _ in range(3)
    ]
    refused(world, city.LEAD, made[0], "withdraw", 403, reason="rain")
    act(world, "supervision", made[0], "withdraw", reason="rain")
    refused(world, "supervision", made[0], "withdraw", reason="rain")
    first = world[city.LEAD].get("/v1/tasks", limit=2)
    rest = world[city.LEAD].get("/v1/tasks", limit=2, cursor=first["next"])
    assert [one["id"] for one in first["tasks"] + rest["tasks"]] == [one["id"] for one in made]
    assert len(mine(world, "worker", limit=1)) == 1
    assert world[city.OTHER].get("/v1/tasks")["tasks"] == []
    answer = world[city.OTHER].send("GET", "/v1/tasks", params={"area": city.LEAD})
    assert answer.status_code == 403


def test_tasks_are_listed_narrowed_counted_and_kept_to_the_area_of_a_token(world, clock):
    registered(world, "W1", places=[CELL])
    made = {
        area: world["supervision"].post(
            "/v1/tasks", {"kind": "patrol", "area": area, "note": "=Look"}
        )["id"]
        for area in (city.WEST, city.LEAD, COMMUNITY)
    }
    _, check = checked(world)
    act(world, "W1", check, "take")

    def listed(who: str, **asked: Any) -> set[str]:
        return {row["id"] for row in world[who].get("/v1/lists/tasks", **asked)["rows"]}

    assert listed("supervision") == {*made.values(), check["id"]}
    assert listed(city.LEAD) == {made[city.LEAD], made[COMMUNITY], check["id"]}
    assert listed("worker") == {made[COMMUNITY], check["id"]}
    assert listed(city.OTHER) == set()
    assert listed("supervision", area=COMMUNITY, kind="patrol") == {made[COMMUNITY]}
    assert listed("supervision", state="taken", staff="W1") == {check["id"]}
    assert listed("supervision", **{"class": city.RUBBISH}) == {check["id"]}
    assert listed("supervision", overdue="true") == set()
    clock.forward(hours=10_000)
    assert listed("supervision", overdue="false") == set()
    assert listed("supervision", overdue="true", order="limit") == {*made.values(), check["id"]}
    counted = world["supervision"].get("/v1/lists/tasks/counts", by="street")["groups"]
    assert {one["key"]: one["count"] for one in counted} == {city.WEST: 1, city.LEAD: 3}
    written = world["supervision"].send("GET", "/v1/lists/tasks.csv").text
    assert written.count("'=Look") == 3
    refused_to = world["citizen"].send("GET", "/v1/lists/tasks")
    assert refused_to.status_code == 403
