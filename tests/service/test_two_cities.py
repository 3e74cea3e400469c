"""Two cities in one process: another zone, other working days, tables and procedures of its own.

Both are asked at the same moments, turn by turn and at once; each answers by its own tables.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from gridsvc.api.app import create_app
from gridsvc.db import PrivateCluster, create_engine
from gridsvc.settings import Settings
from tests.scratch import copy_of
from tests.service import joint_city as city
from tests.service.conftest import REPORTER_KEY, TOKEN_KEY, refusal, served
from tests.service.procedures_world import CGJ, Clock, World
from tests.service.whistles_world import published, register_departments

#: The tables of the second city. Its Monday is a holiday, its general cases have 12 working hours.
TABLES = {
    "working_days.csv": "date,kind,name\n2026-11-23,holiday,of the city\n",
    "grades.csv": (
        "grade,hours,clock,title,title_zh\n"
        "danger,2,emergency,Danger,危险\n"
        "general,12,working,General,一般\n"
    ),
    "rules.csv": "channel,kind,class_prefix,procedure,grade\n*,*,,ordinary,general\n",
    "merging.csv": "kind,class_prefix,citizen_m,exact_m,reason\nevent,06,20,20,narrow streets\n",
    "kinds.csv": (
        "kind,title,title_zh,accept_hours,report_in_minutes,done_hours,clock,approvals\n"
        "everyday,Call,日常呼叫,0.5,45,96,calendar,confirmed_by\n"
        "tough,Hard call,攻坚呼叫,2,,720,calendar,confirmed_by approved_by\n"
        "emergency,Alarm,应急呼叫,0.25,,24,emergency,\n"
    ),
    "facts.csv": "by,match,unless,bodies,fact,fact_zh\nword,ponds,,市城市管理委员会,pond,池塘\n",
    "weights.csv": (
        "scheme,valid_from,response,solved,satisfied,fairly,source\n"
        "own,2020-01-01,0.2,0.2,0.6,0.5,the council\n"
    ),
    "yearly.csv": (
        "scheme,valid_from,citizens,on_time,reported_in,scored,source\n"
        "yearly,2020-01-01,0.1,0.2,0.3,0.4,the council\n"
    ),
    "survey_v1.toml": """name = "survey"
version = 1
title = "Survey"
title_zh = "普查"
source = "the council"
opened_by = ["district"]

[[steps]]
name = "handle"
title = "Handle"
title_zh = "办理"
by = "lead"
needs = ["note"]
limit_hours = 24
closes = true
""",
}
BEIJING, ANGELES = "Asia/Shanghai", "America/Los_Angeles"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock.held(monkeypatch)


@pytest.fixture
def cities(
    cluster: PrivateCluster,
    city_template: str,
    index_folder: Path,
    tmp_path: Path,
    clock: Clock,
) -> Iterator[dict[str, World]]:
    """Two services of this process, each with a database and tables of its own."""
    for name, content in TABLES.items():
        (tmp_path / name).write_text(content, "utf-8")
    own: dict[str, dict[str, Any]] = {
        BEIJING: {},
        ANGELES: {
            "procedures_dir": tmp_path,
            "weights_dir": tmp_path,
            "weights_scheme": "own",
            "working_days": tmp_path / "working_days.csv",
        },
    }
    with ExitStack() as opened:
        worlds = {}
        for zone, settings in own.items():
            url = opened.enter_context(copy_of(cluster, city_template))
            engine = create_engine(url)
            register_departments(engine)
            engine.dispose()
            app = create_app(
                Settings(
                    DATABASE_URL=url,
                    var_dir=index_folder,
                    token_key=TOKEN_KEY,
                    reporter_key=REPORTER_KEY,
                    zone=zone,
                    **settings,
                )
            )
            worlds[zone] = World(opened.enter_context(served(app)), clock)
        yield worlds


def filed(world: World, metres_east: float = -300, class_code: str = city.RUBBISH) -> Any:
    """A report of the city's hotline, with its case as the supervision sees it."""
    answer = world["city"].report(metres_east, **{"class": class_code})
    return answer | {"case": world["supervision"].get(f"/v1/cases/{answer['case_id']}")}


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC)


def test_limits_run_by_the_hours_days_and_grades_of_each_city(cities):
    # Monday 10:00 in Beijing: a week of any hours. Sunday 18:00 and then a holiday in the west:
    # twelve working hours, eight on Tuesday and four on Wednesday until noon.
    due = {BEIJING: "2026-11-30T02:00+00:00", ANGELES: "2026-11-25T12:00-08:00"}
    for zone in (BEIJING, ANGELES, BEIJING, ANGELES):
        assert utc(filed(cities[zone])["case"]["limit_at"]) == utc(due[zone])


def test_each_city_joins_reports_by_its_own_distances(cities):
    joined = {zone: [] for zone in cities}
    for metres in (-300, -340):
        for zone, world in cities.items():
            joined[zone].append(filed(world, metres)["joined"])
    assert joined == {BEIJING: [False, True], ANGELES: [False, False]}


def test_whistles_are_of_the_kinds_of_each_city(cities, clock):
    minutes, kinds = {}, {}
    for zone, world in cities.items():
        whistle = published(world)
        by = utc(whistle.called()[CGJ]["report_in_by"])
        minutes[zone] = (by - clock.now) / dt.timedelta(minutes=1)
        letter = world.client.get(f"{whistle.address}/letter").text
        kinds[zone] = [words for words in ("日常哨", "日常呼叫") if words in letter]
        assert f"时间为 {zone} (UTC" in letter
    assert minutes == {BEIJING: 30, ANGELES: 45}
    assert kinds == {BEIJING: ["日常哨"], ANGELES: ["日常呼叫"]}


def test_each_city_has_its_own_procedures(cities):
    def named(world: World) -> set[str]:
        found = world["command"].get("/v1/procedures")["procedures"]
        return {procedure["name"] for procedure in found}

    assert named(cities[ANGELES]) - named(cities[BEIJING]) == {"survey"}
    given = {
        "procedure": "survey",
        "class": city.RUBBISH,
        "location": {**city.beside_border(-300), "accuracy_m": 5},
    }
    assert (
        cities[ANGELES]["command"].post("/v1/cases", given)["case"]["procedure"]["name"] == "survey"
    )
    cities[BEIJING]["command"].refused("/v1/cases", given, status=422)


def test_each_city_is_assessed_by_its_own_days_and_weights(cities, clock):
    # Six in the morning of 1 December in Beijing is still November in the west.
    clock.now = dt.datetime(2026, 11, 30, 22, tzinfo=dt.UTC)
    months, weights = {}, {}
    for zone, world in cities.items():
        filed(world)
        found = world["city"].get("/v1/assessments", period="2026", by="month")
        received = {line["key"]: line["counts"].get("reported") for line in found["lines"]}
        months[zone] = {month for month, count in received.items() if count}
        weights[zone] = (found["weights"]["scheme"], found["weights"]["satisfied"])
    assert months == {BEIJING: {"2026-12"}, ANGELES: {"2026-11"}}
    assert weights == {BEIJING: ("10-50-40", 0.4), ANGELES: ("own", 0.6)}
    for zone, world in cities.items():
        page = world["city"].send("GET", "/v1/assessments/review", params={"period": "2026-11"})
        assert f"时间为 {zone} (UTC" in page.text


def test_a_day_ends_when_it_ends_in_the_city(cities):
    # The boundaries begin with 2020 in UTC: eight in the morning in Beijing, still 2019 out west.
    place = {**city.beside_border(-300), "as_of": "2019-12-31"}
    refusal(cities[BEIJING].client.get("/v1/locate", params=place), 404)
    found = cities[ANGELES].client.get("/v1/locate", params=place)
    assert found.json()["street"]["code"] == city.LEAD


def test_both_are_right_when_both_are_asked_at_once(cities):
    limits: dict[str, set[dt.datetime]] = {zone: set() for zone in cities}
    for world in cities.values():
        # FastAPI makes its routes at the first request, which two threads must not do at once.
        filed(world)
    ready = threading.Barrier(len(cities))

    def file(zone: str) -> None:
        ready.wait()
        for n in range(8):
            case = filed(cities[zone], -100 - 25 * n, city.NOISE)["case"]
            limits[zone].add(utc(case["limit_at"]))

    threads = [threading.Thread(target=file, args=(zone,)) for zone in cities]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert limits == {
        BEIJING: {utc("2026-11-30T02:00+00:00")},
        ANGELES: {utc("2026-11-25T12:00-08:00")},
    }
