"""Places for children that streets need: counts come in, and the forecast is as counted by hand."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from gridsvc.callers import Role
from gridsvc.cli.app import app
from gridsvc.settings import get_settings
from tests.service import joint_city as city
from tests.service.conftest import Person, refusal, token_of

pytestmark = pytest.mark.system(31)

YEARS = (2022, 2023, 2024)
#: The two unit grids of each western street, by its last three digits.
GRIDS = {
    street: [f"{street[6:]}{serial:05d}" for serial in (1, 2)]
    for street in (city.LEAD, city.LEAD_NORTH)
}
#: Children of each age in the western and the eastern half of a street.
HALVES = {city.LEAD: (100, 50), city.LEAD_NORTH: (40, 40)}


def residents() -> list[str]:
    return [
        f"{city.WEST},{grid},{year},{age},{number}"
        for street, grids in GRIDS.items()
        for grid, number in zip(grids, HALVES[street], strict=True)
        for year in YEARS
        for age in range(7)
    ]


def births() -> list[str]:
    return [f"{street},{year},{sum(HALVES[street])}" for street in GRIDS for year in YEARS]


def moves() -> list[str]:
    return [f"{street},{year},{age},3,3" for street in GRIDS for year in YEARS for age in range(7)]


#: A kindergarten amid the western half of the southern street, and one far north.
PLACES = [
    f"{city.WEST},K1,一幼,kindergarten,116.305,39.885,200,600,2020-01-01,",
    f"{city.WEST},K2,二幼,kindergarten,116.305,39.895,500,3000,2020-01-01,2021-01-01",
    f"{city.WEST},N1,托育园,nursery,116.305,39.885,30,5000,2020-01-01,",
]
HEADS = {
    "residents": "district,grid,year,age,residents",
    "births": "street,year,births",
    "moves": "street,year,age,came,went",
    "care-places": "district,code,name,kind,lon,lat,seats,reach_m,valid_from,valid_to",
}
GIVEN = {"residents": residents, "births": births, "moves": moves, "care-places": lambda: PLACES}


@pytest.fixture
def run(city_database, tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", city_database)
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(tmp_path))
    get_settings.cache_clear()

    def call(*words):
        result = CliRunner().invoke(app, [*words, "--json"])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.exit_code, json.loads(result.stdout.splitlines()[-1])

    yield call
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.fixture
def load(run, tmp_path):
    def enter(kind, rows):
        path = tmp_path / f"{kind}.csv"
        path.write_text("\n".join([HEADS[kind], *rows]) + "\n", encoding="utf-8")
        return run("import", kind, str(path))

    return enter


@pytest.fixture
def counted(load):
    for kind, rows in GIVEN.items():
        code, told = load(kind, rows())
        assert (code, told["refused"]) == (0, []), told
        assert told["loaded"] == len(rows())


@pytest.fixture
def district(client):
    return Person(client, token_of(Role.DISTRICT, city.WEST))


def by_street(found):
    return {one["code"]: one for one in found["streets"]}


def test_what_streets_need_is_as_counted_by_hand(counted, district):
    """Nobody moves on balance: 450 and 240 children of 3 to 5, of whom 92 % come.

    The kindergarten with 200 seats reaches the western half of the southern street alone: there
    300 live, 276 come, 76 find no seat; the 138 of the eastern half and the 220.8 of the north
    find none. The closed kindergarten counts for nothing.
    """
    found = district.get("/v1/demand", district=city.WEST)
    south, north = (by_street(found)[code] for code in (city.LEAD, city.LEAD_NORTH))
    assert (found["year"], found["counted"], found["places"]) == (2026, list(YEARS), 1)
    assert (south["children_now"], south["children"]["expected"]) == (450, 450.0)
    assert (south["coming"]["expected"], south["seats"]) == (414.0, 200)
    assert (south["needed"]["expected"], south["places_needed"]) == (214.0, 214)
    assert (north["needed"]["expected"], north["places_needed"]) == (220.8, 221)
    assert found["places_needed"] == 435
    assert south["children"]["low"] is None
    # Three years are too few to say how wrong forecasts were.
    assert found["past"] is None


def test_a_nursery_takes_other_ages_and_shares_fairly(counted, district):
    """690 children of 0 to 2, 30 % come: 135 and 72; 30 seats leave everywhere the same share."""
    found = district.get("/v1/demand", district=city.WEST, kind="nursery")
    south, north = (by_street(found)[code] for code in (city.LEAD, city.LEAD_NORTH))
    assert (south["coming"]["expected"], north["coming"]["expected"]) == (135.0, 72.0)
    left = (207 - 30) / 207
    assert south["needed"]["expected"] == round(135 * left, 1)
    assert north["needed"]["expected"] == round(72 * left, 1)


def test_with_more_years_there_is_an_interval_and_how_forecasts_did(counted, load, district):
    rows = [
        row.replace(f",{YEARS[0]},", f",{year},")
        for year in range(2014, 2022)
        for row in residents()
        if f",{YEARS[0]}," in row
    ]
    assert load("residents", rows)[0] == 0
    found = district.get("/v1/demand", district=city.WEST)
    assert len(found["counted"]) == 11
    south = by_street(found)[city.LEAD]
    for name in ("children", "coming", "needed"):
        assert south[name]["low"] < south[name]["expected"] < south[name]["high"]
    assert found["past"]["years"] > 0
    assert found["past"]["mase"] < 0.3


def test_a_gap_in_the_years_ends_what_is_looked_at(counted, city_engine, district):
    with city_engine.begin() as connection:
        connection.execute(text("delete from resident_count where year = 2023"))
    problem = refusal(district.send("GET", "/v1/demand", params={"district": city.WEST}), 404)
    assert "1 years in a row" in problem["detail"]


def test_a_file_comes_in_whole_or_not_at_all_and_again_changes_what_is_known(counted, load):
    assert load("residents", residents())[1]["known"] == len(residents())
    wrong = {
        "residents": [
            f"{city.WEST},02000001,2024,9,5",
            f"{city.WEST},99999999,2024,3,5",
            f"{city.WEST},02000001,2024,3,many",
            f"{city.WEST},02000001,1900,3,5",
        ],
        "births": ["110102999,2024,5", f"{city.LEAD},2024,-1"],
        "moves": ["110102999,2024,3,1,1", f"{city.LEAD},2024,3,1,x"],
        "care-places": [
            PLACES[0].replace("kindergarten", "school"),
            PLACES[0].replace(",600,", ",0,"),
            PLACES[0].replace("116.305", "east"),
            PLACES[0].replace(city.WEST, "110199"),
            PLACES[0].replace("2020-01-01,", "2020,"),
        ],
    }
    for kind, rows in wrong.items():
        code, told = load(kind, [*GIVEN[kind]()[:1], *rows])
        assert (code, told["loaded"]) == (1, 0), told
        assert len(told["refused"]) >= len(rows), told


def test_who_may_not_ask_is_refused_and_so_is_what_there_is_not(counted, client, district):
    asked = {"district": city.WEST}
    for role, area, body in (
        (Role.DISTRICT, city.EAST, None),
        (Role.STREET, city.OTHER, None),
        (Role.CITIZEN, "", None),
        (Role.GRID_WORKER, city.LEAD, None),
    ):
        for path in ("/v1/demand", "/v1/demand/page.html"):
            person = Person(client, token_of(role, area, body))
            refusal(person.send("GET", path, params=asked), 403)
    street = Person(client, token_of(Role.STREET, city.LEAD))
    assert street.get("/v1/demand", **asked)["district"] == city.WEST
    refusal(district.send("GET", "/v1/demand", params={**asked, "kind": "school"}), 422)
    whole = Person(client, token_of(Role.CITY))
    refusal(whole.send("GET", "/v1/demand", params={"district": city.EAST}), 404)


def test_the_page_and_the_command_tell_the_same(counted, run, district, tmp_path):
    page = district.send("GET", "/v1/demand/page.html", params={"district": city.WEST})
    assert page.status_code == 200
    assert "入园需求预测" in page.text
    assert "缺 435 个学位" in page.text
    file = tmp_path / "page.html"
    code, told = run("demand", city.WEST, "--page", str(file))
    assert (code, told["places_needed"]) == (0, 435)
    assert "缺 435 个学位" in file.read_text(encoding="utf-8")


def test_the_page_of_foresight_names_the_streets_that_lack_most(counted, district):
    page = district.send("GET", "/v1/foresight/page.html", params={"area": city.WEST}).text
    found = district.get("/v1/demand", district=city.WEST)["streets"]
    most = max(found, key=lambda one: one["needed"]["expected"])
    assert f"{most['code']}</small>" in page
    assert f"{most['needed']['expected']:,.0f}" in page
    beside = district.send("GET", "/v1/foresight/page.html", params={"area": city.LEAD_NORTH}).text
    assert f"{city.LEAD}</small>" not in beside
