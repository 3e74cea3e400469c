"""CSV tables: what is taken, and how a line is named that is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridsvc.errors import BadFile
from gridsvc.tables import records, table


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.csv"


def test_cells_come_by_column_without_blanks_and_with_their_line(path: Path) -> None:
    path.write_text('\ufeffb,a\r\n 1 ,"x\r\ny"\r\n\r\n2,"z"" "\r\n', encoding="utf-8", newline="")
    rows = list(table(path, ["a", "b"], ["c"]))
    assert rows == [{"a": "x\r\ny", "b": "1", "c": ""}, {"a": 'z"', "b": "2", "c": ""}]
    assert [(row.line, row.where, row.fault) for row in rows] == [
        (2, "t.csv, line 2", None),
        (5, "t.csv, line 5", None),
    ]


def test_any_other_columns_are_taken_when_asked_for(path: Path) -> None:
    path.write_text("a,x\n1,2\n", encoding="utf-8")
    assert list(table(path, ["a"], None)) == [{"a": "1", "x": "2"}]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "t.csv, line 1: the columns are none, but must be a, b, and may be c."),
        (b"a,c\n", "t.csv, line 1: the columns are a, c, but must be a, b, and may be c."),
        (b"a,b,d\n", "t.csv, line 1: the columns are a, b, d, but must be a, b, and may be c."),
        (b"a,b,a\n", "t.csv, line 1: the column 'a' is duplicated."),
        (b"a,b\n1,2\n\n3\n", "t.csv, line 4: the line has 1 fields, the header 2."),
        (b"a,b\n1,2,3\n", "t.csv, line 2: the line has 3 fields, the header 2."),
        (b"a,b\n1,2\n3,4\n1, 2\n", "t.csv, line 4: a '1', b '2' is duplicated: line 2 has it too."),
        (b"a,b\n1,2\n\xd6\xd0,4\n", "t.csv, line 3: it is not UTF-8 text; save it as UTF-8."),
        (b'a,b\n1,2\n3,"4\n5\n', "t.csv is not a CSV file: line 3: "),
        (b"a,b\n" + b"a" * 200_000, "t.csv is not a CSV file: line 2: "),
    ],
)
def test_a_table_that_does_not_fit_is_refused_with_its_line(
    path: Path, content: bytes, words: str
) -> None:
    path.write_bytes(content)
    with pytest.raises(BadFile) as refused:
        list(table(path, ["a", "b"], ["c"], key=["a", "b"]))
    assert refused.value.detail.startswith(words)


def test_ragged_records_are_handed_on_when_asked_for(path: Path) -> None:
    path.write_text("a,b\n1\n1,2\n1,2,3\n", encoding="utf-8")
    rows = [(row.line, row.fault, dict(row)) for row in table(path, ["a", "b"], ragged=True)]
    few, many = (f"the line has {n} fields, the header 2" for n in (1, 3))
    assert rows == [(2, few, {}), (3, None, {"a": "1", "b": "2"}), (4, many, {})]


def test_records_of_a_text_are_named_for_it() -> None:
    assert list(records(["a,b\r", "\r", "1,2"], "The body")) == [(1, ["a", "b"]), (3, ["1", "2"])]
    with pytest.raises(BadFile, match="The body is not a CSV file: line 1: "):
        list(records(['a,"b'], "The body"))
