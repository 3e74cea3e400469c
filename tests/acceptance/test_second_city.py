"""A second city, begun from the template: its tables, a whistle of level 2, a joint case."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely
from typer.testing import CliRunner

from gridsvc.api.app import create_app
from gridsvc.cli.app import app
from gridsvc.db import PrivateCluster
from gridsvc.settings import get_settings
from tests.scratch import copy_of
from tests.service.conftest import Person, served

WEST, EAST = "360702", "360703"
LEAD, OTHER = f"{WEST}001", f"{EAST}001"
COMMUNITY = f"{LEAD}001"
CGJ, GZ = f"{EAST}-CGJ", f"{EAST}-GZ"
#: The border of the two districts, and one degree of longitude here in metres.
BORDER, LAT, LON_M = 114.94, 25.822, 100_250.0
NAMES = {f"{LEAD}001": "建设社区", f"{LEAD}002": "水南村", f"{OTHER}001": "文明社区"}

TABLES = {
    "divisions.csv": f"{WEST},章贡区,district,\n{EAST},南康区,district,\n"
    f"{LEAD},解放街道,street,{WEST}\n{OTHER},东山街道,street,{EAST}\n",
    "classes.csv": "event,06001,私搭乱建,市容环境类\nevent,06010,暴露垃圾,市容环境类\n",
    "working_days.csv": "2027-01-01,holiday,元旦\n",
    "bodies.csv": f"{LEAD},解放街道办事处,street,{LEAD},,0797-5550101,\n"
    f"{OTHER},东山街道办事处,street,{OTHER},,0797-5550102,\n"
    f"{COMMUNITY},建设社区居委会,community,{COMMUNITY},,,\n"
    f"{CGJ},南康区城市管理局,department,{EAST},,,\n"
    f"{GZ},南康区自然资源局,department,{EAST},,,\n",
    "duties.csv": f"{LEAD},{LEAD},event,06,lead,clause 1,2026-01-01,,\n"
    f"{OTHER},{OTHER},event,06,lead,clause 2,2026-01-01,,\n",
}


def layer(rows: dict[str, tuple[str, tuple[float, float, float, float]]], *columns: str) -> str:
    features = [
        {
            "type": "Feature",
            "properties": dict(zip(columns, (code, name), strict=True)),
            "geometry": shapely.geometry.mapping(shapely.box(*bounds)),
        }
        for code, (name, bounds) in rows.items()
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)


_WEST, _EAST = (BORDER - 0.004, 25.82, BORDER, 25.824), (BORDER, 25.82, BORDER + 0.004, 25.824)
_MIDDLE = BORDER - 0.002
AREAS = {
    "district": layer({WEST: ("章贡区", _WEST), EAST: ("南康区", _EAST)}, "区划代码", "区县名称"),
    "street": layer({LEAD: ("解放街道", _WEST), OTHER: ("东山街道", _EAST)}, "编码", "街道名称"),
    "community": layer(
        {
            f"{LEAD}001": (NAMES[f"{LEAD}001"], (_MIDDLE, *_WEST[1:])),
            f"{LEAD}002": (NAMES[f"{LEAD}002"], (*_WEST[:2], _MIDDLE, _WEST[3])),
            f"{OTHER}001": (NAMES[f"{OTHER}001"], _EAST),
        },
        "编码",
        "名称",
    ),
}


class Town:
    """The second city: its commands, and after :meth:`open` those who speak to its service."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.client: Any = None

    def run(self, *words: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, words)
        assert result.exit_code == code, (words, result.output, result.exception)
        return result.stdout + result.stderr + str(result.exception or "")

    def table(self, name: str, more: str = "") -> str:
        """The template's file of that name, with the city's rows in place of the example."""
        path = self.folder / name
        header = path.read_text("utf-8").splitlines()[0]
        path.write_text(f"{header}\n{TABLES[name]}{more}", "utf-8")
        return str(path)

    def load_areas(self) -> None:
        for level, drawn in AREAS.items():
            path = self.folder / f"{level}.geojson"
            path.write_text(drawn, "utf-8")
            new = ["--new-codes"] if level == "community" else []
            words = [
                "--edition",
                level,
                "--accuracy-m",
                "2",
                "--source",
                "survey",
                "--licence",
                "own",
            ]
            self.run(
                *(
                    "import",
                    "areas",
                    str(path),
                    "--level",
                    level,
                    *words,
                    "--yes",
                    "--commit",
                    *new,
                ),
                *("--effective-from", "2026-01-01"),
            )
            self.run("edition", "audit", level)
            self.run("edition", "activate", level)

    def person(self, role: str, area: str = "", body: str | None = None, name: str = "") -> Person:
        more = [*(["--body", body] if body else []), *(["--subject", name] if name else [])]
        token = self.run("token", "create", "--role", role, "--area", area, *more).strip()
        return Person(self.client, token.removesuffix("None"))


@pytest.fixture(scope="module")
def town(
    cluster: PrivateCluster, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    var = tmp_path_factory.mktemp("second")
    with pytest.MonkeyPatch.context() as patch, copy_of(cluster, template_database) as url:
        patch.setenv("DATABASE_URL", url)
        patch.setenv("GRIDSVC_VAR_DIR", str(var))
        get_settings.cache_clear()
        town = Town(var / "章贡")
        town.run("init-city", str(town.folder))
        for line in (town.folder / "city.env").read_text("utf-8").splitlines():
            if not line.startswith("#"):
                name, _, value = line.partition("=")
                patch.setenv(name, value.strip('"'))
        get_settings.cache_clear()
        town.run("import", "divisions", town.table("divisions.csv"))
        town.run("import", "calendar", town.table("working_days.csv"))
        town.load_areas()
        town.run("grids", "build", WEST, EAST)
        with served(create_app(get_settings())) as client:
            town.client = client
            yield town
        patch.undo()
        get_settings.cache_clear()


@pytest.fixture(scope="module")
def lists(town: Town) -> Town:
    """The city with its class list, bodies and duties, after what is wrong in them was told."""
    location = {"lon": BORDER - 0.001, "lat": LAT}
    report = {"class": "06010", "description": "A heap.", "location": location}
    problem = town.person("citizen").refused(
        "/v1/reports", report, status=422, type="unknown-class"
    )
    assert "gridsvc import classes" in problem["detail"]
    town.run("import", "classes", town.table("classes.csv"))
    told = town.run(
        "import",
        "bodies",
        town.table("bodies.csv", "110102-X,西城某局,department,110102,,,\n"),
        code=1,
    )
    assert "line 7: no district, street or community has the code '110102'" in told
    town.run("import", "bodies", town.table("bodies.csv"))
    bad = (
        f"{LEAD},110000,event,06,lead,x,2026-01-01,,\n"
        f"{LEAD},360700,event,06,lead,x,2026-01-01,,\n"
        f"{LEAD},{LEAD},event,99999,lead,x,2026-01-01,,\n"
        f"{LEAD},{LEAD},event,06010,lead,x,2026-01-01,,CJ/T 214\n"
    )
    told = town.run("import", "duties", town.table("duties.csv", bad), code=1)
    assert "line 4: no district, street or community has the code '110000'" in told
    assert "line 5: no place is in the area '360700'; write 3607 for all that begins so" in told
    assert "line 6: GB/T 47678.5-2026 has no event class that begins with '99999'" in told
    assert "line 7: CJ/T 214 has no event class that begins with '06010'" in told
    assert "2 new" in town.run("import", "duties", town.table("duties.csv"))
    return town


def test_its_communities_keep_the_names_of_their_file(town: Town) -> None:
    for code, east in ((f"{LEAD}001", -0.001), (f"{LEAD}002", -0.003), (f"{OTHER}001", 0.001)):
        place = town.client.get("/v1/locate", params={"lon": BORDER + east, "lat": LAT}).json()
        assert (place["community"]["code"], place["community"]["name"]) == (code, NAMES[code])
        assert place["unit_grid"]["national_id"].startswith(code)


@pytest.mark.system(7)
def test_a_whistle_of_level_2_is_played_to_its_end(lists: Town) -> None:
    worker = lists.person("grid_worker", COMMUNITY, name="the inspector")
    street = lists.person("street", LEAD)
    community = lists.person("department", COMMUNITY, COMMUNITY)
    here = {"lon": BORDER - 0.001, "lat": LAT, "accuracy_m": 5.0}
    given = {"procedure": "whistle_2", "class": "06010", "location": here}
    case = worker.post("/v1/cases", given)["case"]
    assert (case["lead_body"], case["procedure"]["name"]) == (LEAD, "whistle_2")
    whistle = f"/v1/whistles/{case['whistles'][-1]['id']}/bodies/{LEAD}"
    steps = f"/v1/cases/{case['id']}/steps"
    street.post(f"{whistle}/accept")
    street.post(f"{whistle}/report-in", {"lon": here["lon"], "lat": LAT})
    for step, evidence in (
        ("register", {"file_number": "2026-7"}),
        ("send", {"person": "a worker"}),
        ("handle", {"note": "Cleared."}),
    ):
        street.post(steps, {"step": step, "evidence": evidence})
    street.post(f"{whistle}/done", {"note": "Cleared."})
    community.post(f"{whistle}/score", {"score": 80})
    street.refused(steps, {"step": "close"}, status=409)
    assert community.post(steps, {"step": "close"})["state"] == "closed"


@pytest.mark.system(4)
def test_a_joint_case_is_played_to_its_end(lists: Town) -> None:
    lead, other = lists.person("street", LEAD), lists.person("street", OTHER)
    called = {
        LEAD: lead,
        OTHER: other,
        **{body: lists.person("department", EAST, body) for body in (CGJ, GZ)},
    }
    building = shapely.box(BORDER - 15 / LON_M, LAT, BORDER + 11 / LON_M, LAT + 0.00013)
    filed = lists.person("grid_worker", COMMUNITY).post(
        "/v1/reports",
        {
            "class": "06001",
            "description": "Two storeys, no papers.",
            "location": {"lon": BORDER - 6 / LON_M, "lat": LAT + 0.00006, "accuracy_m": 5.0},
            "footprint": shapely.geometry.mapping(building),
        },
    )
    steps = f"/v1/cases/{filed['case_id']}/steps"
    whistle = f"/v1/whistles/{filed['joint_whistle_id']}"
    lead.post(steps, {"step": "receiving_meeting", "evidence": {"minutes": "We met."}})
    demand = {"demand": {"task": "Pull it down."}}
    lead.post(steps, {"step": "whistle_other_side", "evidence": demand})
    other.post(steps, {"step": "bring_departments", "evidence": {"departments": [CGJ, GZ]}})
    plan = {
        "time": dt.datetime.now(dt.UTC).isoformat(),
        "place": "at the building",
        "division": "west and east",
    }
    for side in (lead, other):
        side.post(steps, {"step": "agree_plan", "evidence": {"plan": plan}})
    for body, who in called.items():
        who.post(f"{whistle}/bodies/{body}/accept")
        who.post(f"{whistle}/bodies/{body}/report-in", {"lon": BORDER, "lat": LAT})
    lead.post(steps, {"step": "joint_action", "note": "We pulled it down."})
    for body, who in called.items():
        who.post(f"{whistle}/bodies/{body}/done", {"note": "Done."})
    for body, by in ((LEAD, other), (OTHER, lead), (CGJ, other), (GZ, other)):
        by.post(f"{whistle}/bodies/{body}/score", {"score": 95})
    assert lead.post(steps, {"step": "close", "note": "Cleared."})["state"] == "open"
    assert other.post(steps, {"step": "close", "note": "Cleared."})["state"] == "closed"
    seen = lead.get(whistle)
    assert seen["state"] == "closed"
    assert {one["body_code"]: one["late"] for one in seen["called"]} == dict.fromkeys(called, False)
    assert seen["ground"] == "footprint"
    shares = {area["code"]: round(area["share"], 2) for area in seen["facts"]["straddle"]["shares"]}
    assert shares == {LEAD: 0.58, OTHER: 0.42}
    assert lead.get(f"/v1/cases/{filed['case_id']}/trace/verify")["intact"] is True
