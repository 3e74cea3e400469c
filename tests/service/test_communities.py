"""Members where they live, funds that are never overdrawn, demands that the list bans."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter, defaultdict
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from typer.testing import CliRunner

from gridsvc.cli.app import app
from gridsvc.settings import get_settings
from tests.service import joint_city as city
from tests.service.procedures_world import CGJ, COMMUNITY, GZ, Clock, World, register

COMMUNITIES = [one.code for one in city.COMMUNITIES]
KINDS = ["环境整治", "停车管理", "文体设施", "养老助残", "便民服务", "平安建设"]
PROJECTS, ITEMS, MEMBERS = 63, 150, 4_000
EMERGENCY = 3_000_000


@pytest.fixture
def clock(monkeypatch):
    return Clock.held(monkeypatch)


@pytest.fixture
def world(client, city_engine, clock):
    register(city_engine)
    return World(client, clock)


@pytest.fixture
def load(city_database, tmp_path, monkeypatch):
    """An import against the city; gives its exit code and its JSON."""
    monkeypatch.setenv("DATABASE_URL", city_database)
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(tmp_path))
    get_settings.cache_clear()

    def call(what: str, header: str, rows: list[str], *words: str) -> tuple[int, Any]:
        path = tmp_path / f"{what}.csv"
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        result = CliRunner().invoke(app, ["import", what, str(path), "--json", *words])
        return result.exit_code, json.loads(result.stdout) if result.stdout else result.exception

    yield call
    monkeypatch.undo()
    get_settings.cache_clear()


def load_members(load: Any, rows: list[str]) -> tuple[int, Any]:
    found: tuple[int, Any] = load("members", "code,name,unit,community,reported_on", rows)
    return found


def load_funds(load: Any, rows: list[str]) -> tuple[int, Any]:
    found: tuple[int, Any] = load("funds", "code,year,area,kind,name,budget_yuan", rows)
    return found


def load_items(load: Any, rows: list[str]) -> tuple[int, Any]:
    words = ("--district", city.WEST)
    found: tuple[int, Any] = load("banned-demands", "number,item,words", rows, *words)
    return found


@pytest.mark.system(33)
def test_members_and_services_of_each_community_are_as_counted_by_hand(load, world, city_session):
    chance = random.Random(33)
    lives = {f"M{n}": chance.choice(COMMUNITIES) for n in range(MEMBERS)}
    rows = [f"{code},Li,a school,{home},2026-01-01" for code, home in lives.items()]
    code, told = load_members(load, rows)
    assert (code, told["loaded"], told["known"]) == (0, MEMBERS, 0)
    done: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for n in range(60):
        member, minutes = f"M{chance.randrange(25)}", chance.randint(10, 90)
        day = f"2026-11-{chance.randint(1, 20):02d}"
        given = {"member": member, "on": day, "what": f"service {n}", "minutes": minutes}
        done[lives[member]].append((member, minutes))
        world["city"].post("/v1/members/services", given)
    found = world["city"].get("/v1/members/services")
    home_of = Counter(lives.values())
    assert {
        one["community_code"]: (one["members"], one["serving"], one["services"], one["minutes"])
        for one in found["communities"]
    } == {
        home: (
            home_of[home],
            len({member for member, _ in done[home]}),
            len(done[home]),
            sum(minutes for _, minutes in done[home]),
        )
        for home in COMMUNITIES
    }
    assert (found["members"], found["services"]) == (MEMBERS, 60)
    own = world[city.LEAD].get("/v1/members/services")
    assert [one["community_code"] for one in own["communities"]] == [COMMUNITY]
    listed = world[city.LEAD].get("/v1/members", limit=500)["members"]
    assert {one["code"] for one in listed} <= {one for one in lives if lives[one] == COMMUNITY}
    outside = world[city.LEAD].send("GET", "/v1/members", params={"area": city.OTHER})
    assert outside.status_code == 403


@pytest.mark.system(33)
def test_a_member_has_one_community_and_what_was_done_stays_where_it_was(load, world):
    row = f"M1,Li,a school,{COMMUNITY},2026-01-01"
    assert load_members(load, [row])[0] == 0
    code, told = load_members(load, [row, row.replace(COMMUNITY, COMMUNITIES[2])])
    assert (code, told["refused"]) == (
        1,
        [{"line": 3, "reason": "line 2 already has the code M1"}],
    )
    service = {"member": "M1", "on": "2026-11-02", "what": "shovels snow", "minutes": 60}
    world[city.LEAD].post("/v1/members/services", service)
    assert load_members(load, [row.replace(COMMUNITY, COMMUNITIES[2])])[1]["known"] == 1
    other = service | {"what": "reads to children"}
    world[city.LEAD].refused("/v1/members/services", other, status=403)
    world[city.OTHER].post("/v1/members/services", other)
    found = world["city"].get("/v1/members/services")["communities"]
    assert [(one["community_code"], one["members"], one["services"]) for one in found] == [
        (COMMUNITY, 0, 1),
        (COMMUNITIES[2], 1, 1),
    ]


@pytest.mark.system(33)
@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"on": "2025-12-31"}, 422),
        ({"on": "2026-11-24"}, 422),
        ({"what": "shovels snow"}, 409),
        ({"minutes": 1_381}, 409),
        ({"member": "M2"}, 404),
    ],
)
def test_a_service_that_cannot_have_been_is_refused(load, world, changed, status):
    load_members(load, [f"M1,Li,a school,{COMMUNITY},2026-01-01"])
    service = {"member": "M1", "on": "2026-11-02", "what": "shovels snow", "minutes": 60}
    world[city.LEAD].post("/v1/members/services", service)
    again = service | {"what": "reads"} | changed
    world[city.LEAD].refused("/v1/members/services", again, status=status)


def projects(chance: random.Random) -> dict[str, int]:
    """63 projects of one street and their budgets in yuan."""
    return {f"P{n}": chance.randint(100, 900) * 100 for n in range(PROJECTS)}


def rows_of(budgets: dict[str, int]) -> list[str]:
    return [
        f"{code},2026,{city.LEAD},{KINDS[n % 6]},project {n},{yuan}"
        for n, (code, yuan) in enumerate(budgets.items())
    ]


@pytest.mark.system(33)
def test_63_projects_in_6_kinds_and_30_000_yuan_for_each_community_add_up(load, world):
    budgets = projects(random.Random(63))
    emergencies = [f"E{n},2026,{code},emergency,e,30000" for n, code in enumerate(COMMUNITIES[:2])]
    assert load_funds(load, rows_of(budgets) + emergencies)[1]["loaded"] == PROJECTS + 2
    found = world["city"].get("/v1/funds/sums")
    by_hand = {
        kind: (11 if n < 3 else 10, 100 * sum(list(budgets.values())[n::6]), 0)
        for n, kind in enumerate(KINDS)
    } | {"emergency": (2, 2 * EMERGENCY, 0)}
    assert {
        one["kind"]: (one["funds"], one["budget_fen"], one["spent_fen"]) for one in found["kinds"]
    } == by_hand
    lacking = [one["code"] for one in found["without_emergency_fund"]]
    assert lacking == sorted(COMMUNITIES[2:])
    first = world[city.LEAD].get("/v1/funds", limit=40)
    rest = world[city.LEAD].get("/v1/funds", limit=40, cursor=first["next"])
    assert {one["code"] for one in first["funds"] + rest["funds"]} == {*budgets, "E0"}


@pytest.mark.system(33)
def test_40_who_spend_at_once_never_overdraw_a_fund(load, world, city_session):
    load_funds(load, [f"P1,2026,{city.LEAD},环境整治,lamps,1000"])
    chance = random.Random(1)
    amounts = [chance.randint(3_000, 20_000) for _ in range(40)]
    assert sum(amounts) > 2 * 100_000
    address = f"/v1/funds/{city.WEST}/P1/spendings"
    start, answers = threading.Barrier(8), list[tuple[int, int]]()

    def spend(mine: list[int]) -> None:
        start.wait()
        for fen in mine:
            sent = world[city.LEAD].send(
                "POST", address, json={"amount_fen": fen, "what": "a lamp"}
            )
            answers.append((fen, sent.status_code))

    threads = [threading.Thread(target=spend, args=(amounts[n::8],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for _, status in answers} == {201, 409}
    taken = sum(fen for fen, status in answers if status == 201)
    ledger = city_session.scalar(text("select sum(amount_fen) from spending"))
    spent = city_session.scalar(text("select spent_fen from fund"))
    assert spent == taken == ledger
    assert spent <= 100_000
    # Whatever was refused could not have been paid from what is left at the end.
    refused = [fen for fen, status in answers if status == 409]
    assert len(refused) + sum(status == 201 for _, status in answers) == 40
    assert 100_000 - spent < max(refused)


@pytest.mark.system(33)
def test_a_balance_stays_between_zero_and_the_budget(load, world, city_session):
    load_funds(load, [f"E1,2026,{COMMUNITY},emergency,e,30000"])
    address = f"/v1/funds/{city.WEST}/E1/spendings"

    def entered(fen: int) -> dict[str, Any]:
        return {"amount_fen": fen, "what": "pumps"}

    assert world[city.LEAD].post(address, entered(EMERGENCY))["balance_fen"] == 0
    refused = world[city.LEAD].refused(address, entered(1), status=409)
    assert refused["balance_fen"] == 0
    assert world[city.LEAD].post(address, entered(-500))["balance_fen"] == 500
    world[city.LEAD].refused(address, entered(-EMERGENCY), status=409)
    world[city.LEAD].refused(address, entered(0), status=422)
    world[city.OTHER].refused(address, entered(1), status=403)
    told = world[city.LEAD].get(address)["spendings"]
    assert [one["amount_fen"] for one in told] == [EMERGENCY, -500]
    with pytest.raises(IntegrityError, match="ck_fund_never_overdrawn"):
        city_session.execute(text("update fund set spent_fen = budget_fen + 1"))


@pytest.mark.system(33)
@pytest.mark.parametrize(
    ("row", "told"),
    [
        (f"E2,2026,{COMMUNITY},emergency,e,30000", "has its emergency fund of 2026"),
        (f"E3,2026,{COMMUNITIES[1]},emergency,e,29999", "30,000.00 yuan"),
        (f"E4,2026,{city.LEAD},emergency,e,30000", "30,000.00 yuan"),
        (f"P1,2026,{city.LEAD},环境整治,lamps,99.99", "100.00 yuan of P1 are spent"),
        (f"P1,2027,{city.LEAD},环境整治,lamps,500", "another year"),
        (f"P2,2026,{city.LEAD},环境整治,lamps,-5", "budget_yuan is '-5'"),
        ("P3,2026,110102999,环境整治,lamps,5", "is in force"),
    ],
)
def test_a_fund_that_cannot_be_keeps_all_out(load, world, city_session, row, told):
    kept = [
        f"E1,2026,{COMMUNITY},emergency,e,30000",
        f"P1,2026,{city.LEAD},环境整治,lamps,1000",
    ]
    assert load_funds(load, kept)[0] == 0
    given = {"amount_fen": 10_000, "what": "a lamp"}
    world[city.LEAD].post(f"/v1/funds/{city.WEST}/P1/spendings", given)
    code, answer = load_funds(load, [f"P9,2026,{city.LEAD},平安建设,gate,5", row])
    (fault,) = answer["refused"]
    assert (code, fault["line"]) == (1, 3)
    assert told in fault["reason"]
    assert city_session.scalar(text("select count(*) from fund")) == 2


def items() -> list[str]:
    """150 items, each of two words of its own; some also by a second pair."""
    return [
        f"{n},开具第{n}号证明,甲{n}乙 丙{n}丁" + (f";戊{n}己 庚{n}辛" if n % 3 == 0 else "")
        for n in range(1, ITEMS + 1)
    ]


def disguised(chance: random.Random, words: list[str]) -> str:
    """The words among others, spaced, marked and wide as people write them."""
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    written = [chance.choice(["", " ", "·", "《"]).join(word.translate(wide)) for word in words]
    chance.shuffle(written)
    return "请各社区填报：" + "，以及".join(written) + "。"


@pytest.mark.system(33)
def test_each_of_150_banned_items_is_refused_and_nothing_else_is(load, world, city_session):
    assert load_items(load, items())[1]["loaded"] == ITEMS
    chance = random.Random(150)
    missed, wrongly = list[int](), list[int]()
    for n in range(1, ITEMS + 1):
        pair = [f"甲{n}乙", f"丙{n}丁"]
        sent = demand(world, disguised(chance, pair))
        found = [one["number"] for one in sent.json().get("items", [])]
        missed += [n] * ((sent.status_code, found) != (409, [n]))
        # Half of one item and half of another ban nothing.
        harmless = demand(world, disguised(chance, [f"甲{n}乙", f"丙{n % ITEMS + 1}丁"]))
        wrongly += [n] * (harmless.status_code != 201)
    assert (missed, wrongly) == ([], [])
    assert city_session.scalar(text("select count(*) from demand")) == ITEMS
    listed = world[city.LEAD].get("/v1/demands", area=COMMUNITY, limit=500)["demands"]
    assert len(listed) == ITEMS


def demand(world: World, content: str, by: str = CGJ, **more: Any) -> Any:
    given = {
        **{"body": by, "community": COMMUNITY, "kind": "form", "title": "通知"},
        **{"content": content, **more},
    }
    return world[by].send("POST", "/v1/demands", json=given)


@pytest.mark.system(33)
def test_the_refusal_names_the_item_and_the_list_is_asked_beforehand(load, world):
    load_items(load, ["7,婚姻状况证明,婚姻 证明;单身证明", "8,健康证明,"])
    refused = demand(world, "请出具单 身 证 明", kind="survey")
    assert refused.status_code == 409
    assert "item 7, 婚姻状况证明" in refused.json()["detail"]
    assert demand(world, "无", title="健康证明").json()["items"][0]["number"] == 8
    asked = {"district": city.WEST, "text": "婚姻登记的证明"}
    found = world["citizen"].get("/v1/banned-demands", **asked)
    assert [one["number"] for one in found["items"]] == [7]
    assert demand(world, "请报送垃圾桶数量").status_code == 201


@pytest.mark.system(33)
def test_nobody_sends_in_anothers_name_or_area(world):
    assert demand(world, "x", body=GZ).status_code == 403
    assert demand(world, "x", community=COMMUNITIES[2]).status_code == 403
    assert demand(world, "x", community=f"{city.LEAD}999").status_code == 422


@pytest.mark.system(33)
def test_a_list_with_a_number_twice_is_kept_out_whole(load, city_session):
    code, told = load_items(load, ["1,a b,", "1,c d,", "0,e,", "3,·,"])
    assert (code, [one["line"] for one in told["refused"]]) == (1, [3, 4, 5])
    assert city_session.scalar(text("select count(*) from banned_demand")) == 0
