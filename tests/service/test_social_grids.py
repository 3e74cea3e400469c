"""Social grids: a tree under districts, streets and communities whose totals match everywhere."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from gridsvc.cli.app import app
from gridsvc.settings import get_settings
from tests.service import joint_city as city

HEADER = "code,name,level,parent,area,households,people,workers\n"
ONE, TWO = f"{city.LEAD}001", f"{city.LEAD_NORTH}001"
EXPECTED = ["--level-1", "143", "--level-2", "727", "--workers", "691"]


def zhanggong() -> str:
    """143 grids of level 1 with 727 of level 2 and 691 workers, as the source counts them."""
    rows = []
    for n in range(143):
        area = ONE if n < 100 else TWO
        parts = 6 if n < 12 else 5
        rows.append(f"V{n},村{n},1,,{area},{parts * 400},,0")
        rows += [f"V{n}-{k},网格{k},2,V{n},{area},400,900,1" for k in range(parts)]
    grids = [row for row in rows if ",2,V" in row]
    assert len(grids) == 727
    for row in grids[691:]:
        rows[rows.index(row)] = row[:-1] + "0"
    return HEADER + "\n".join(rows) + "\n"


@pytest.fixture
def run(city_database, tmp_path, monkeypatch):
    """The command against a copy of the city; gives its exit code and its JSON."""
    monkeypatch.setenv("DATABASE_URL", city_database)
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(tmp_path))
    get_settings.cache_clear()

    def call(*words):
        result = CliRunner().invoke(app, [*words, "--json"])
        return result.exit_code, json.loads(result.stdout) if result.stdout else result.exception

    yield call
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.fixture
def load(run, tmp_path):
    def call(text, *words, district=city.WEST):
        path = tmp_path / "grids.csv"
        path.write_text(text, encoding="utf-8")
        return run("import", "social-grids", str(path), "--district", district, *words)

    return call


def totals(node) -> tuple[int, int, int]:
    return node["level_1"], node["level_2"], node["workers"]


def check_sums(node) -> int:
    """Every node with children sums up to its own totals; gives the number of nodes."""
    own = {"social_grid_1": (1, 0, 0)}.get(node["level"], (0, 0, 0))
    if node["children"]:
        parts = [own, *(totals(child) for child in node["children"])]
        assert tuple(map(sum, zip(*parts, strict=True))) == totals(node), node["code"]
    return 1 + sum(check_sums(child) for child in node["children"])


@pytest.mark.system(7)
def test_the_totals_of_the_tree_match_at_every_node(run, load, client):
    code, kept = load(zhanggong(), *EXPECTED)
    assert (code, totals(kept), kept["refused"], kept["unusual"]) == (0, (143, 727, 691), [], [])
    whole = client.get("/v1/social-grids", params={"depth": 5}).json()
    assert totals(whole) == (143, 727, 691)
    # The city, its districts, streets and communities, and all grids.
    assert check_sums(whole) == 1 + 2 + 4 + 4 + 143 + 727
    assert run("grids", "social", "--depth", "5")[1] == whole
    below = client.get("/v1/social-grids", params={"area": city.LEAD}).json()
    assert (below["level"], totals(below)) == ("street", (100, 512, 512))
    assert [child["code"] for child in below["children"]] == [ONE]
    other = client.get("/v1/social-grids", params={"area": city.EAST, "depth": 0}).json()
    assert (totals(other), other["children"]) == ((0, 0, 0), [])


def test_a_file_with_other_totals_is_refused_whole(load, client):
    text = zhanggong()
    code, error = load(text, "--level-2", "726")
    assert code == 1
    assert "726 were expected" in error.detail
    assert totals(client.get("/v1/social-grids").json()) == (0, 0, 0)


def test_a_new_list_replaces_the_old_one_and_a_dry_run_keeps_nothing(load, client):
    load(zhanggong())
    small = HEADER + f"A,甲村,1,,{ONE},,,2\n"
    assert totals(load(small, "--dry-run")[1]) == (1, 0, 2)
    assert totals(client.get("/v1/social-grids").json()) == (143, 727, 691)
    load(small)
    assert totals(client.get("/v1/social-grids").json()) == (1, 0, 2)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"B,乙,2,,{ONE},,,1", "has a parent"),
        (f"B,乙,1,A,{ONE},,,1", "has a parent"),
        (f"B,乙,2,C,{ONE},,,1", "parent C is not a grid"),
        (f"B,乙,2,A,{TWO},,,1", "its parent A in"),
        (f"B,乙,3,,{ONE},,,1", "it must be 1 or 2"),
        (f"A,乙,1,,{ONE},,,1", "already has the code A"),
        ("B,乙,1,,110106002001,,,1", "of the district"),
        (f"B,乙,1,,{ONE},,,-1", "whole number"),
        (f"B,乙\0,1,,{ONE},,,1", "U+0000"),
        (f"B,乙,2,A,{ONE},399,,1", "says 400 households; its grids sum to 399"),
    ],
)
def test_a_wrong_row_is_listed_with_its_line_and_nothing_is_kept(load, client, row, reason):
    code, found = load(HEADER + f"A,甲村,1,,{ONE},400,,2\n{row}\n")
    assert code == 1
    assert len(found["refused"]) == 1
    assert reason in found["refused"][0]["reason"]
    assert totals(client.get("/v1/social-grids").json()) == (0, 0, 0)


def test_what_is_not_csv_is_refused_with_a_sentence(load):
    code, refused = load(HEADER + "A" * 200_000)
    assert (code, "is not a CSV file" in str(refused)) == (1, True)


def test_a_grid_that_is_too_large_is_taken_and_told(load):
    rows = f"A,甲村,1,,{ONE},,,0\nA-1,一,2,A,{ONE},299,,1\nA-2,二,2,A,{ONE},400,1001,1\n"
    code, found = load(HEADER + rows)
    assert code == 0
    assert [one["line"] for one in found["unusual"]] == [3, 4]


def test_a_district_that_there_is_not_and_a_bad_area_are_refused(load, client):
    assert load(HEADER, district="999999")[0] == 1
    assert client.get("/v1/social-grids", params={"area": "11x"}).status_code == 422
