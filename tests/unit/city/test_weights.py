from __future__ import annotations

import datetime as dt
from fractions import Fraction
from pathlib import Path

import pytest

from gridsvc.city.weights import WEIGHTS
from gridsvc.errors import BadFile, BadInput
from tests.cities import city

_HEAD = "scheme,valid_from,response,solved,satisfied,fairly,source\n"


def _folder(tmp_path: Path, lines: str) -> Path:
    (tmp_path / "weights.csv").write_text(_HEAD + lines, encoding="utf-8")
    return tmp_path


def test_the_shipped_weights_are_those_of_the_two_cities(tmp_path: Path) -> None:
    known = city(weights_dir=tmp_path).table(WEIGHTS)
    day = dt.date(2026, 11, 30)
    one, other = (known.of_rates(scheme, day) for scheme in ("10-50-40", "30-35-35"))
    assert (one.response, one.solved, one.satisfied) == (
        Fraction(1, 10),
        Fraction(1, 2),
        Fraction(2, 5),
    )
    assert one.fairly == Fraction(9, 10)
    assert (other.response, other.solved, other.satisfied) == (
        Fraction(3, 10),
        Fraction(7, 20),
        Fraction(7, 20),
    )


def test_weights_change_on_their_day(tmp_path: Path) -> None:
    lines = "a,2020-01-01,0.1,0.5,0.4,0.9,x\na,2026-07-01,0.2,0.4,0.4,0.8,x\n"
    known = city(weights_dir=_folder(tmp_path, lines)).table(WEIGHTS)
    assert known.of_rates("a", dt.date(2026, 6, 30)).response == Fraction(1, 10)
    assert known.of_rates("a", dt.date(2026, 7, 1)).response == Fraction(1, 5)
    with pytest.raises(BadInput, match="in force on 2019-12-31"):
        known.of_rates("a", dt.date(2019, 12, 31))


def test_readings_change_on_their_day_and_lines_without_one_read_the_unit(tmp_path: Path) -> None:
    (tmp_path / "weights.csv").write_text(
        "scheme,valid_from,response,solved,satisfied,fairly,source,reading\n"
        "a,2020-01-01,0.1,0.5,0.4,0.9,x,hotline\n"
        "b,2020-01-01,0.1,0.5,0.4,0.9,x,unit\n"
        "a,2025-01-01,0.2,0.4,0.4,0.9,x,hotline\n"
        "a,2026-07-01,0.2,0.4,0.4,0.9,x,\n",
        encoding="utf-8",
    )
    known = city(weights_dir=tmp_path).table(WEIGHTS)

    def read(first: dt.date, last: dt.date) -> list[tuple[str, str]]:
        return [(f"{day}", reading) for day, reading in known.readings("a", first, last)]

    july, end = dt.date(2026, 7, 1), dt.date(2026, 12, 31)
    assert read(dt.date(2026, 1, 1), end) == [("2026-01-01", "hotline"), ("2026-07-01", "unit")]
    assert read(july, end) == [("2026-07-01", "unit")]
    assert read(dt.date(2019, 7, 1), dt.date(2020, 6, 30)) == [("2019-07-01", "hotline")]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("a,2020-01-01,0.1,0.5,0.5,0.9,x\n", "line 2.*sum to 1.1, not 1"),
        ("a,2020-01-01,0.1,0.5,0.4,0.9,x\na,2020-01-01,0.1,0.5,0.4,0.9,x\n", "line 3.*duplicated"),
        ("a,2020-01-01,0.1,half,0.4,0.9,x\n", "line 2: solved is 'half'"),
        ("a,2020-01-01,-0.1,0.7,0.4,0.9,x\n", "line 2: response is '-0.1'"),
        ("a,2020-01-01,0.1,0.5,0.4,NaN,x\n", "line 2: fairly is 'NaN'"),
        ("a,yesterday,0.1,0.5,0.4,0.9,x\n", "line 2: 'yesterday' is not a day"),
        ("a,2020-01-01,0.1,0.5,0.4\n", "line 2: the line has 5 fields, the header 7"),
        (",2020-01-01,0.1,0.5,0.4,0.9,x\n", "line 2: the line has no scheme"),
        ("a" * 200_000, "is not a CSV file"),
        ("", "one line of weights"),
    ],
)
def test_a_fault_is_told_with_its_line(tmp_path: Path, lines: str, said: str) -> None:
    with pytest.raises(BadFile, match=said):
        city(weights_dir=_folder(tmp_path, lines)).table(WEIGHTS)


def test_another_reading_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.csv").write_text(
        "scheme,valid_from,reading,response,solved,satisfied,fairly,source\n"
        "a,2020-01-01,citizen,0.1,0.5,0.4,0.9,x\n",
        encoding="utf-8",
    )
    with pytest.raises(BadFile, match="line 2: reading is 'citizen'; it must be unit or hotline"):
        city(weights_dir=tmp_path).table(WEIGHTS)


def test_other_columns_are_refused(tmp_path: Path) -> None:
    (tmp_path / "yearly.csv").write_text("scheme,from\n", encoding="utf-8")
    with pytest.raises(BadFile, match=r"yearly\.csv, line 1: the columns are"):
        city(weights_dir=tmp_path).table(WEIGHTS)
