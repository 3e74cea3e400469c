"""`locate_file`: files in, files out, bad rows, and runs that were stopped."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pyogrio
import pytest

from gridsvc.bulk import BulkIndex, locate_file
from gridsvc.bulk import run as bulk_run
from gridsvc.bulk.model import Placed, Placer, Portion
from gridsvc.errors import BadFile, Conflict, NotFound
from gridsvc.registry.placement.service import place_many
from gridsvc.registry.placement.store import Atlas
from gridsvc.spatial.crs import from_wgs84
from tests.unit.bulk.bulk_world import ADDED, by_geos, csv_text, make_atlas, points
from tests.waiting import Command

_ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a small file has many portions."""
    monkeypatch.setattr(bulk_run, "_BLOCK_BYTES", 4096)
    monkeypatch.setattr(bulk_run, "_BATCH_ROWS", 100)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _expected(atlas: Atlas, lon: np.ndarray, lat: np.ndarray) -> pd.DataFrame:
    levels = ("district", "street", "community", "unit_grid")
    columns = {n: by_geos(level, lon, lat) for n, level in zip(ADDED, levels, strict=False)}
    return pd.DataFrame({**columns, "near_border": place_many(atlas, lon, lat, 30.0).near_border})


def _write(kind: str, path: Path, lon: np.ndarray, lat: np.ndarray) -> Path:
    """A file of a kind with the points and two more columns."""
    frame = pd.DataFrame({"name": [f"名{i}" for i in range(len(lon))], "n": np.arange(len(lon))})
    source = path / f"in.{kind.removeprefix('geo')}"
    if kind == "csv":
        source.write_text(csv_text(lon, lat), encoding="utf-8")
    elif kind == "parquet":
        frame.assign(lon=lon, lat=lat).to_parquet(source, row_group_size=333)
    else:
        spots = geopandas.GeoDataFrame(frame, geometry=geopandas.points_from_xy(lon, lat, crs=4326))
        if kind == "geoparquet":
            spots.to_parquet(source, row_group_size=333)
        else:
            spots.to_file(source, driver="FlatGeobuf", SPATIAL_INDEX="NO")
    return source


def _read(path: Path) -> pd.DataFrame:
    if path.suffix == ".csv":
        frame = pd.DataFrame(_rows(path)).replace({"": None})
        return frame.assign(near_border=frame["near_border"] == "true")
    if path.suffix == ".fgb":
        return pyogrio.read_dataframe(path)
    return pq.read_table(path).to_pandas()


KINDS = ("csv", "parquet", "geoparquet", "fgb")


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_gets_the_codes_of_its_place(atlas: Atlas, tmp_path: Path, kind: str) -> None:
    lon, lat = points(1_000)
    source = _write(kind, tmp_path, lon, lat)
    out = tmp_path / f"out{source.suffix}"
    result = locate_file(source, out, atlas)
    assert (result.rows, result.bad_rows, result.resumed) == (1_000, 0, False)
    found = _read(out)
    assert [*found.columns][-6:-1] if kind == "fgb" else [*found.columns][-5:] == ADDED
    for name, values in _expected(atlas, lon, lat).items():
        got = [None if pd.isna(value) else value for value in found[name]]
        assert got == [None if pd.isna(value) else value for value in values], name
    assert sorted(tmp_path.iterdir()) == [source, out]


class _KnownWkb(pa.ExtensionType):
    """Geometries as a package of geography makes them known to Arrow, for the whole process."""

    def __init__(self) -> None:
        super().__init__(pa.binary(), "geoarrow.wkb")

    def __arrow_ext_serialize__(self) -> bytes:
        return b"{}"

    @classmethod
    def __arrow_ext_deserialize__(cls, storage: pa.DataType, serialized: bytes) -> _KnownWkb:
        return cls()


@pytest.fixture
def known_to_arrow() -> Iterator[None]:
    """Until the test ends, Arrow knows the geometries that GDAL gives; geoarrow does the same."""
    try:
        pa.register_extension_type(_KnownWkb())
    except pa.ArrowKeyError:  # known already
        yield
        return
    yield
    pa.unregister_extension_type("geoarrow.wkb")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("geoparquet", "lon must be a finite number, but is nan."),
        ("fgb", "The geometry is empty."),
    ],
)
@pytest.mark.usefixtures("known_to_arrow")
def test_geometries_that_another_package_made_known_to_arrow_are_read(
    atlas: Atlas, tmp_path: Path, kind: str, reason: str
) -> None:
    lon, lat = points(300)
    lon[7] = np.nan
    source = _write(kind, tmp_path, lon, lat)
    out = tmp_path / f"out{source.suffix}"
    result = locate_file(source, out, atlas)
    assert (result.rows, result.bad_rows) == (300, 1)
    assert _rows(tmp_path / f"{out.name}.bad.csv")[0]["reason"] == reason
    expected = by_geos("district", lon[:7], lat[:7])
    assert [_read(out)["district_code"][row] for row in range(7)] == list(expected)


def test_lines_of_a_csv_stay_as_they_were_byte_for_byte(atlas: Atlas, tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    lines = [
        '\ufeff"lat",名,lon',
        '39.9,"a ""b"", c",116.3',
        '"39.91", x ,116.31',
        '39.9,"1\n2",116',
    ]
    given = "\r\n".join(lines).encode() + b"\r\n" + "39.95,广安门,116.32".encode("gbk")
    source.write_bytes(given)
    locate_file(source, out, atlas)
    written = out.read_bytes()
    assert written.endswith(b"\r\n")
    for line in [*(line.encode() for line in lines), "39.95,广安门,116.32".encode("gbk")]:
        assert line + b"," in written
    assert len(written.split(b"\r\n")) == 6
    assert written.split(b"\r\n")[1].startswith(b'39.9,"a ""b"", c",116.3,1101')


def test_empty_lines_of_a_csv_are_left_out(atlas: Atlas, tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("lon,lat\n\n116.3,39.9\n\n\nx,39.9\n\n116.3\n116.3,39.9")
    assert locate_file(source, out, atlas).rows == 4
    written = out.read_text().splitlines()
    assert written[2:4] == ["x,39.9,,,,,", "116.3,,,,,"]
    assert written[4].startswith("116.3,39.9,1")
    assert [row["row"] for row in _rows(tmp_path / "out.csv.bad.csv")] == ["2", "3"]


def test_bad_rows_are_kept_without_codes_and_listed(atlas: Atlas, tmp_path: Path) -> None:
    lon, lat = points(1_000)
    lines = csv_text(lon, lat).splitlines()
    lines[500] = "499,abc,39.9,x"
    lines[700] = "699,39.9,116.3,x"
    lines[900] = "899,116.3"
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("\n".join(lines), encoding="utf-8")
    result = locate_file(source, out, atlas)
    assert (result.rows, result.bad_rows) == (1_000, 3)
    assert result.bad_list is not None
    listed = _rows(result.bad_list)
    assert [row["row"] for row in listed] == ["500", "700", "900"]
    assert listed[0]["reason"] == "lon must be a number, but is 'abc'."
    assert "swapped" in listed[1]["reason"]
    assert listed[2]["reason"] == "The row has 2 fields, the first line 4."
    written = out.read_text(encoding="utf-8").splitlines()
    assert written[500] == "499,abc,39.9,x,,,,,"
    assert written[900] == "899,116.3,,,,,"
    good = [i for i in range(1_000) if i not in (499, 699, 899)]
    expected = by_geos("street", lon[good], lat[good])
    assert [_rows(out)[i]["street_code"] or None for i in good] == expected


def test_a_strict_run_ends_at_the_first_bad_row_and_keeps_nothing(
    atlas: Atlas, tmp_path: Path
) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("lon,lat\n116.3,39.9\nx,39.9\ny,39.9\n")
    with pytest.raises(BadFile, match="row 2: lon must be a number, but is 'x'"):
        locate_file(source, out, atlas, strict=True)
    assert sorted(tmp_path.iterdir()) == [source]


def test_a_file_without_rows_gets_its_columns(atlas: Atlas, tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("lon,lat\n")
    assert locate_file(source, out, atlas).rows == 0
    assert out.read_text() == "lon,lat," + ",".join(ADDED) + "\n"
    empty = _write("geoparquet", tmp_path, *points(0))
    assert locate_file(empty, tmp_path / "out.parquet", atlas).rows == 0
    assert pq.read_schema(tmp_path / "out.parquet").names[-5:] == ADDED


def test_a_file_is_read_in_the_crs_that_it_declares(atlas: Atlas, tmp_path: Path) -> None:
    lon, lat = points(200)
    lon, lat = lon[20:], lat[20:]
    x, y = from_wgs84(lon, lat, "EPSG:4548")
    spots = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy(x, y, crs=4548))
    expected = by_geos("street", lon, lat)
    spots.to_parquet(tmp_path / "in.parquet")
    spots.to_file(tmp_path / "in.fgb", driver="FlatGeobuf", SPATIAL_INDEX="NO")
    for ending in ("parquet", "fgb"):
        out = tmp_path / f"out.{ending}"
        locate_file(tmp_path / f"in.{ending}", out, atlas)
        found = _read(out)["street_code"]
        assert [None if pd.isna(v) else v for v in found] == expected


def test_types_and_metadata_of_a_parquet_file_are_kept(atlas: Atlas, tmp_path: Path) -> None:
    lon, lat = points(300)
    table = pa.table(
        {
            "kind": pa.array(["a", "b", None] * 100).dictionary_encode(),
            "lon": lon,
            "lat": lat,
            "when": pa.array([0] * 300, pa.timestamp("ms", "Asia/Shanghai")),
            "tags": [["x"]] * 300,
        }
    ).replace_schema_metadata({"owner": "the survey"})
    pq.write_table(table, tmp_path / "in.parquet")
    locate_file(tmp_path / "in.parquet", tmp_path / "out.parquet", atlas)
    found = pq.read_table(tmp_path / "out.parquet")
    before = pq.read_table(tmp_path / "in.parquet")
    assert found.select(before.column_names).equals(before)
    assert found.schema.metadata[b"owner"] == b"the survey"


class _Stopping:
    """A runner that stops in the middle of its work, as Ctrl-C does."""

    def __init__(self, after: int) -> None:
        self.after = after

    def __call__(
        self, portions: Iterable[Portion], placer: Placer, index: BulkIndex
    ) -> Iterator[tuple[Portion, Placed]]:
        for count, portion in enumerate(portions):
            if count == self.after:
                raise KeyboardInterrupt
            yield portion, placer(portion.content, index)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_was_stopped_goes_on_and_gives_the_same_bytes(
    atlas: Atlas, tmp_path: Path, kind: str
) -> None:
    lon, lat = points(1_000)
    source = _write(kind, tmp_path, lon, lat)
    whole, out = (tmp_path / f"{name}{source.suffix}" for name in ("whole", "out"))
    locate_file(source, whole, atlas)
    for after in (3, 2):
        with pytest.raises(KeyboardInterrupt):
            locate_file(source, out, atlas, runner=_Stopping(after))
        assert not out.exists()
    seen: list[int] = []
    result = locate_file(source, out, atlas, progress=lambda done, total, unit: seen.append(done))
    assert (result.rows, result.resumed) == (1_000, True)
    assert len(seen) < (15 if kind == "csv" else 9)
    if kind == "fgb":
        pd.testing.assert_frame_equal(_read(out), _read(whole))
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(tmp_path.iterdir()) == sorted([source, whole, out])


_RUN_HALF = """
import signal, sys
from pathlib import Path
from gridsvc.bulk import locate_file, run
from tests.unit.bulk.bulk_world import make_atlas
run._BLOCK_BYTES = 4096
steps = []

def progress(done, total, unit):
    steps.append(done)
    if len(steps) == 4:
        print("half-way", flush=True)
        signal.pause()

locate_file(Path(sys.argv[1]), Path(sys.argv[2]), make_atlas(), progress=progress)
"""


def test_a_run_that_was_killed_loses_nothing_and_doubles_nothing(
    atlas: Atlas, tmp_path: Path
) -> None:
    source = _write("csv", tmp_path, *points(1_000))
    whole, out = tmp_path / "whole.csv", tmp_path / "out.csv"
    locate_file(source, whole, atlas)
    killed = Command([sys.executable, "-c", _RUN_HALF, source, out], folder=_ROOT)
    killed.says("half-way")
    with pytest.raises(Conflict, match="Another run is writing"):
        locate_file(source, out, atlas)
    killed.kill()
    # What a write that was cut off may leave behind: half a line of each.
    for ending, half in (("spool", b"half"), ("bad.csv", b"half"), ("journal", b'{"next": 1')):
        with (tmp_path / f"out.csv.{ending}").open("ab") as file:
            file.write(half)
    result = locate_file(source, out, atlas)
    assert (result.rows, result.resumed) == (1_000, True)
    assert out.read_bytes() == whole.read_bytes()


def test_a_run_that_was_killed_before_its_last_rename_is_finished(
    atlas: Atlas, tmp_path: Path
) -> None:
    source = _write("csv", tmp_path, *points(500))
    whole, out = tmp_path / "whole.csv", tmp_path / "out.csv"
    locate_file(source, whole, atlas)
    with pytest.raises(KeyboardInterrupt):
        locate_file(source, out, atlas, progress=_interrupt_at_the_end)
    assert not out.exists()
    assert locate_file(source, out, atlas).rows == 500
    assert out.read_bytes() == whole.read_bytes()


def _interrupt_at_the_end(done: int, total: int, unit: str) -> None:
    if done == total:
        raise KeyboardInterrupt


@pytest.mark.parametrize("change", ["input", "boundaries", "accuracy"])
def test_a_stopped_run_does_not_go_on_with_something_else(
    atlas: Atlas, tmp_path: Path, change: str
) -> None:
    source = _write("csv", tmp_path, *points(500))
    out = tmp_path / "out.csv"
    with pytest.raises(KeyboardInterrupt):
        locate_file(source, out, atlas, runner=_Stopping(2))
    later, accuracy_m = atlas, 30.0
    if change == "input":
        os.utime(source, (1, 1))
    elif change == "boundaries":
        later = make_atlas("another")
    else:
        accuracy_m = 10.0
    with pytest.raises(Conflict, match=f"{change} changed since then.*--restart"):
        locate_file(source, out, later, accuracy_m=accuracy_m)
    result = locate_file(source, out, later, accuracy_m=accuracy_m, restart=True)
    assert (result.rows, result.resumed) == (500, False)


def test_an_input_that_grows_while_it_is_read_is_not_called_done(
    atlas: Atlas, tmp_path: Path
) -> None:
    source = _write("csv", tmp_path, *points(500))

    def grow(done: int, total: int, unit: str) -> None:
        with source.open("a") as file:
            file.write("1,116.3,39.9,x\n")

    with pytest.raises(Conflict, match="changed while it was read"):
        locate_file(source, tmp_path / "out.csv", atlas, progress=grow)


def test_lines_end_where_the_csv_reader_of_arrow_ends_them(atlas: Atlas, tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    fields = ["a", '"a"', '"a,b"', '"a\nb"', '"a""b"', '""', "", 'a"b', '"a"b', "\u4e2d", '"\r\n"']
    for _ in range(30):
        lines = [
            f"116.3,39.9,{fields[rng.integers(len(fields))]},{fields[rng.integers(len(fields))]}"
            for _ in range(rng.integers(1, 400))
        ]
        eol = ["\n", "\r\n"][rng.integers(2)]
        source.write_bytes(eol.join(["lon,lat,a,b", *lines]).encode())
        assert locate_file(source, out, atlas).rows == len(lines)
        options = pa_csv.ParseOptions(newlines_in_values=True)
        before = pa_csv.read_csv(source, parse_options=options)
        after = pa_csv.read_csv(out, parse_options=options)
        assert after.select(["a", "b"]).equals(before.select(["a", "b"]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("lon,x\n1,2\n", "0 columns named lat"),
        ("lon,lat,lat\n1,2,3\n", "2 columns named lat"),
        ("lon,lat,grid_code\n1,2,3\n", "already has a column grid_code"),
        ("", "no first line"),
        ('lon,lat\n"116,39\n', "never closed"),
    ],
)
def test_a_csv_that_cannot_be_placed_says_why(
    atlas: Atlas, tmp_path: Path, content: str, message: str
) -> None:
    source = tmp_path / "in.csv"
    source.write_text(content)
    with pytest.raises(BadFile, match=message):
        locate_file(source, tmp_path / "out.csv", atlas)


def test_files_of_other_kinds_are_refused_with_the_reason(atlas: Atlas, tmp_path: Path) -> None:
    for name in ("in.csv", "in.parquet", "in.fgb", "in.xlsx"):
        (tmp_path / name).write_text("lon,lat\n")
    with pytest.raises(BadFile, match="one kind"):
        locate_file(tmp_path / "in.csv", tmp_path / "out.parquet", atlas)
    with pytest.raises(BadFile, match="is the input"):
        locate_file(tmp_path / "in.csv", tmp_path / "in.csv", atlas)
    with pytest.raises(BadFile, match="not a Parquet file"):
        locate_file(tmp_path / "in.parquet", tmp_path / "out.parquet", atlas)
    with pytest.raises(BadFile, match="not a FlatGeobuf file"):
        locate_file(tmp_path / "in.fgb", tmp_path / "out.fgb", atlas)
    with pytest.raises(BadFile, match=r"must end in \.csv"):
        locate_file(tmp_path / "in.xlsx", tmp_path / "out.xlsx", atlas)
    with pytest.raises(NotFound, match="no file"):
        locate_file(tmp_path / "none.csv", tmp_path / "out.csv", atlas)
