"""What is near a lane and what is a patrol are data of the city, checked on load."""

from __future__ import annotations

import pytest

from gridsvc.errors import BadFile
from gridsvc.registry.lanes.rules import LANE_RULES, LaneRules
from gridsvc.settings import Settings

HEADER = "rule,value,source\n"


def test_shipped_rules_have_every_rule() -> None:
    assert LANE_RULES.load(Settings()) == LaneRules(50, 15, 120, 25, 7)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("reach,50,x\n", "line 2: 'reach' is not one of"),
        ("reach_m,near,x\n", "reach_m must be a number from 1"),
        ("reach_m,nan,x\n", "reach_m must be a number from 1"),
        ("reach_m,0,x\n", "reach_m must be a number from 1"),
        ("reach_m,50,x\n", "'match_m' is missing"),
    ],
)
def test_a_citys_own_rules_are_refused_with_their_line(tmp_path, rows, told) -> None:
    (tmp_path / "lanes.csv").write_text(HEADER + rows, encoding="utf-8")
    with pytest.raises(BadFile, match=told):
        LANE_RULES.load(Settings(procedures_dir=tmp_path))
