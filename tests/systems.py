"""The numbered systems of the mission that work, and how a run shows that they do.

``pytest -m system`` (with ``--collect-only -q`` to list alone) ends with a line for each.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

__all__ = ["FIRST", "lines"]

#: Number to name, and what its tests show.
FIRST = {
    1: ("万米单元网格", "any point falls in exactly one grid; areas sum to the district"),
    2: ("城市部件 8-digit code", "160,000 parts load, each in its grid"),
    3: ("举报定位派员", "with 20 m of error the right part is found, or the reporter is asked"),
    4: ("跨区平级吹哨", "shares sum to 1; no step is skipped; both sides close"),
    5: (
        "乡镇吹哨部门报到",
        "29:59 is in time, 31:00 late; only the caller closes, after all scores",
    ),
    6: ("日常/攻坚/应急哨", "the kind sets limit and approvals; 'river' proposes the water bureau"),
    7: ("一级/二级/三级哨", "a level is raised, never skipped; totals match"),
    8: ("综治平台, 签到", "4,640 of 4,649 is 99.8 %; a sign-in 500 m away is flagged"),
    9: ("三张清单, 职责清单", "every class in every street resolves or is listed as a gap"),
    10: ("权责清单, 赋权清单", "who may do what where on a day, as a look at every line tells"),
    11: (
        "综合执法中心, 派驻名册",
        "nothing takes effect without the street's opinion; who can come is said beforehand",
    ),
    12: ("跨市区两级吹哨", "140 reports join one case, history kept"),
    13: ("统一受理, 12345", "the same complaint by phone and app joins one case"),
    14: ("响应率 解决率 满意率", "as counted by hand; ties stable; no callbacks: no data"),
    15: ("双派双考", "closes only when both are done"),
    16: ("花伴儿 APP", "at 48 h overdue; 'cannot' counts as an answer"),
    17: ("一呼百应", "no double take under 50 clients; only the asker rates"),
    18: (
        "热力图告警",
        "a quiet year alarms in alpha at most; a doubling is found; a measure's effect is known",
    ),
    19: ("关键词分析", "1,760 reports are the 1,076 planted places, pairs right to 98 % both ways"),
    20: (
        "回头看",
        "due places come back as tasks to whom they belong now; lasted, or a case again",
    ),
    21: (
        "街巷长, 小巷管家",
        "a report goes to the chief of each lane in reach; shares patrolled as they were walked",
    ),
    22: ("隐患吹哨", "all bodies of the grid are told in one step"),
    24: ("法官联系点", "each village has exactly one judge; advice, or settled or litigated"),
    25: ("先尝后买", "66.6 % fails, 2 of 3 pass; one secret vote a household; widened by batches"),
    23: ("未诉先办", "the first taker has it; the share settled before the hotline, and the true"),
    26: (
        "夜访, 一把手批办",
        "in the trace, with a limit and a person, to its end; within the hour",
    ),
    27: ("村居吹哨, 科室报到", "the same engine one level down; 1,125 settled items"),
    28: (
        "总指挥部, 百日会战",
        "progress by street sums to the whole; 90 % of the targets in 117 days, exactly",
    ),
    29: (
        "综合执法小分队",
        "what a line crosses, in order of travel, as GEOS and Geod have it",
    ),
    30: (
        "年度考核, 综合排名",
        "each whistle its assessment, appeals, growth, first and last ten; from the trace alone",
    ),
    32: (
        "群指令",
        "signed and retried, 20 a minute, one thread a case, answered by a link for its body alone",
    ),
    31: ("入园需求", "as counted by hand; a made-up decade: MASE below 1, intervals hold 90 %"),
    33: (
        "双报到, 项目库, 减负清单",
        "a balance never below zero; each banned demand refused with its item",
    ),
}


def lines(items: Iterable[pytest.Item], failed: set[str]) -> list[str]:
    """A line for each system: its number, name, tests, failures, and what they show."""
    tests: dict[int, set[str]] = {number: set() for number in FIRST}
    for item in items:
        for marker in item.iter_markers("system"):
            tests.setdefault(marker.args[0], set()).add(item.nodeid)
    told = []
    for number, found in sorted(tests.items()):
        name, shows = FIRST.get(number, ("a later one", "see its tests"))
        count = f"{len(found)} test{'s' * (len(found) != 1)}" if found else "NO TEST"
        broken = f", {len(found & failed)} FAILED" if found & failed else ""
        told.append(f"{number:>2}  {name}: {count}{broken} ({shows})")
    return told
