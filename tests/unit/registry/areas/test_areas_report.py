"""The account of an import: its counts, and the rows that a person reads."""

from __future__ import annotations

import json

from gridsvc.registry.areas.report import (
    AreaImport,
    FaultKind,
    ImportFault,
    Outcome,
    report_rows,
    summary,
)


def outcome(*features: int, words: str = "", changed_m2: float = 0.0) -> Outcome:
    return Outcome(features, "110102020", "广安门外街道", words, changed_m2, 116.3, 39.9)


def fault(kind: FaultKind, area_m2: float) -> ImportFault:
    return ImportFault(kind, ("110102020", "110106002"), area_m2, "both claim it", 116.31, 39.88)


RESULT = AreaImport(
    edition_id="e",
    level="street",
    crs="wgs84",
    loaded=(outcome(1), outcome(2)),
    mended=(outcome(3, words="repaired", changed_m2=-5.0), outcome(4, 5, words="joined")),
    refused=(Outcome((6,), None, None, "it has no code", 0.0, None, None),),
    faults=(
        fault(FaultKind.OUTSIDE_PARENT, 50.0),
        fault(FaultKind.OVERLAP, 30.0),
        fault(FaultKind.OVERLAP, 20.0),
        fault(FaultKind.OVERLAP, 10.0),
    ),
    remarks=("read as gcj02",),
)


def test_the_summary_counts_rows_of_the_file_and_areas_apart() -> None:
    counted = summary(RESULT)

    assert counted["features"] == 6
    assert (counted["loaded"], counted["mended"], counted["refused"]) == (2, 2, 1)
    assert counted["faults"] == {"outside its parent": 1, "overlap": 3}
    assert (counted["overlapping_m2"], counted["outside_parent_m2"]) == (60.0, 50.0)
    assert json.loads(json.dumps(counted))["remarks"] == ["read as gcj02"]


def test_rows_tell_the_refused_first_then_the_mended_then_the_worst_of_each_kind() -> None:
    rows = report_rows(RESULT, worst=2)

    assert [(row.what, row.area_m2) for row in rows] == [
        ("refused", 0.0),
        ("mended", -5.0),
        ("mended", 0.0),
        ("overlap", 30.0),
        ("overlap", 20.0),
        ("outside its parent", 50.0),
    ]


def test_a_row_names_features_codes_and_a_place_to_look_at() -> None:
    refused, _, joined, overlap, *_ = report_rows(RESULT)

    assert (refused.features, refused.code, refused.place) == ("6", "", "")
    assert (joined.features, joined.code, joined.words) == ("4, 5", "110102020", "joined")
    assert (overlap.code, overlap.place) == ("110102020, 110106002", "116.310000 39.880000")
