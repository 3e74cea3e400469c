"""The kinds of postings and the limits of answers are data of the city, checked on load."""

from __future__ import annotations

import pytest

from gridsvc.city.calendar import Clock, Limit
from gridsvc.errors import BadFile
from gridsvc.registry.postings.rules import POSTING_RULES, Answered, PostingKind
from gridsvc.settings import Settings

KINDS = "kind,title,title_zh,leaves_after_min,speed_kmh\n"
LIMITS = "what,hours,clock,source\n"


def test_shipped_rules_have_every_kind_and_limit() -> None:
    rules = POSTING_RULES.load(Settings())
    assert set(rules.kinds) == set(PostingKind)
    assert rules.limits == {
        Answered.OPINION: Limit(40, Clock.WORKING),
        Answered.REPLACEMENT: Limit(80, Clock.WORKING),
    }
    # By hand: 2 km at 20 km/h are 6 minutes, and on call leaves after 15.
    minutes = [rules.kinds[kind].minutes(2_000) for kind in PostingKind]
    assert minutes == [6.0, 21.0, None]


@pytest.mark.parametrize(
    ("name", "rows", "told"),
    [
        ("posting_kinds.csv", f"{KINDS}boss,a,b,0,20\n", "line 2: 'boss' is not one of"),
        ("posting_kinds.csv", f"{KINDS}posted,a,b,0,\n", "given for who comes"),
        ("posting_kinds.csv", f"{KINDS}liaison,a,b,0,20\n", "given for who comes"),
        ("posting_kinds.csv", f"{KINDS}posted,a,b,0,900\n", "speed_kmh must be a number from 1"),
        ("posting_kinds.csv", f"{KINDS}posted,a,b,nan,20\n", "leaves_after_min must be a number"),
        ("posting_kinds.csv", f"{KINDS}posted,a,b,0,20\n", "'on_call' is missing"),
        ("posting_limits.csv", f"{LIMITS}opinion,,working,x\n", "a limit has its hours"),
        ("posting_limits.csv", f"{LIMITS}opinion,8,lunar,x\n", "'lunar' is not one of"),
        ("posting_limits.csv", f"{LIMITS}opinion,8,working,x\n", "'replacement' is missing"),
    ],
)
def test_a_citys_own_rules_are_refused_with_their_line(tmp_path, name, rows, told) -> None:
    (tmp_path / name).write_text(rows, encoding="utf-8")
    with pytest.raises(BadFile, match=told):
        POSTING_RULES.load(Settings(procedures_dir=tmp_path))
