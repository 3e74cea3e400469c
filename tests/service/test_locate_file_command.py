"""The command ``gridsvc locate-file`` on the made-up city, in a process of its own."""

from __future__ import annotations

import csv
import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gridsvc.spatial.crs import from_wgs84
from tests.service import joint_city as city
from tests.waiting import Command

_MANY = 10_000
#: The command with small portions, so that a small file has many; it hears Ctrl-C also where the
#: tests run in the background of a shell, whose children ignore it.
_SMALL = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from gridsvc.bulk import run; run._BLOCK_BYTES = 4096\n{}from gridsvc.cli import main; main()"
)
#: After its fourth portion it says so and waits for a signal.
_PAUSE = """
from gridsvc.bulk import journal; append = journal.Journal.append; portions = []
def halting(*args, **more):
    append(*args, **more); portions.append(more)
    if len(portions) == 4: print("half-way", flush=True); signal.pause()
journal.Journal.append = halting
"""

Run = Callable[..., Command]


@pytest.fixture
def start(city_database: str, index_folder: Path) -> Iterator[Run]:
    """Starts the command, which waits for a signal ``half_way``."""
    started: list[Command] = []

    def run(*arguments: object, half_way: bool = False) -> Command:
        code = _SMALL.format(_PAUSE if half_way else "")
        started.append(
            Command(
                [sys.executable, "-c", code, "locate-file", *arguments],
                environment={"DATABASE_URL": city_database, "GRIDSVC_VAR_DIR": str(index_folder)},
            )
        )
        return started[-1]

    yield run
    for command in started:
        command.kill()


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, metres_east: list[float], crs: str = "wgs84") -> Path:
    """A CSV of points so far east of the border between the districts."""
    lines = ["name,lon,lat"]
    for metres in metres_east:
        place = city.beside_border(metres)
        x, y = from_wgs84(place["lon"], place["lat"], crs)
        lines.append(f"{metres:g} m,{x:.9f},{y:.9f}")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_csv_in_a_declared_crs_gets_codes_and_says_what_is_near(
    start: Run, tmp_path: Path
) -> None:
    source, out = _write(tmp_path / "in.csv", [-400, -10, 12, 400], "gcj02"), tmp_path / "out.csv"
    process = start(source, out, "--crs", "gcj02", "--accuracy-m", 20, "--json")
    assert process.wait() == 0, process.said
    assert json.loads(process.answer) == {
        "rows": 4,
        "bad_rows": 0,
        "bad_list": None,
        "resumed": False,
    }
    rows = _rows(out)
    assert [row["name"] for row in rows] == ["-400 m", "-10 m", "12 m", "400 m"]
    assert [row["district_code"] for row in rows] == [city.WEST] * 2 + [city.EAST] * 2
    assert [row["street_code"] for row in rows] == [city.LEAD] * 2 + [city.OTHER] * 2
    assert [row["community_code"] for row in rows] == [city.LEAD + "001"] * 2 + [
        city.OTHER + "001"
    ] * 2
    assert [row["grid_code"][-1] for row in rows] == ["2", "2", "1", "1"]
    assert [row["near_border"] for row in rows] == ["false", "true", "true", "false"]


def test_an_interrupted_command_goes_on_where_it_was(start: Run, tmp_path: Path) -> None:
    source = _write(tmp_path / "in.csv", [float(i % 800 - 400) for i in range(_MANY)])
    whole, out = tmp_path / "whole.csv", tmp_path / "out.csv"
    assert start(source, whole).wait() == 0
    process = start(source, out, half_way=True)
    process.says("half-way")
    process.process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert "The same command goes on" in process.said
    assert "Traceback" not in process.said
    assert not out.exists()
    process = start(source, out, "--json")
    assert process.wait() == 0, process.said
    assert json.loads(process.answer) == {
        "rows": _MANY,
        "bad_rows": 0,
        "bad_list": None,
        "resumed": True,
    }
    assert out.read_bytes() == whole.read_bytes()


def test_bad_rows_are_counted_and_with_strict_refused(start: Run, tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("lon,lat\n116.31,39.885\nhere,39.885\n39.885,116.31\n")
    process = start(source, out)
    assert process.wait() == 0, process.said
    assert "3 rows, 2 bad ones" in process.answer
    assert [row["row"] for row in _rows(tmp_path / "out.csv.bad.csv")] == ["2", "3"]
    process = start(source, tmp_path / "strict.csv", "--strict")
    assert process.wait() == 1
    assert "row 2: lon must be a number, but is 'here'" in " ".join(process.said.split())
    assert not list(tmp_path.glob("strict*"))


def test_as_of_asks_the_boundaries_of_that_day(start: Run, tmp_path: Path) -> None:
    source = _write(tmp_path / "in.csv", [100.0])
    for day, status, words in (
        ("2019-12-31", 1, "No district boundaries were in force on 2019-12-31"),
        ("2021-01-01", 0, ""),
        ("yesterday", 1, "'as_of' is 'yesterday'; send a day"),
    ):
        process = start(source, tmp_path / "out.csv", "--as-of", day)
        assert process.wait() == status
        assert words in " ".join(process.said.split())
