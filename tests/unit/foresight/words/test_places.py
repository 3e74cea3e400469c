"""Reports put together to places, held against the places that were planted and against counts."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from gridsvc.demo.leaks import LAST_SEASON, NEXT_SEASON, PLACES, REPORTS, Leak
from gridsvc.foresight.words.places import nearest_places, place_labels
from tests.service.leaks_world import YEAR, key_of, leaks, metres

pytestmark = pytest.mark.system(19)

NAMED_M = 1_000.0
STREET, COMMUNITY = "110102020", "110102020001"


def pairs(labels: Sequence[int]) -> int:
    return sum(n * (n - 1) // 2 for n in Counter(labels).values())


def scores(planted: Sequence[int], found: Sequence[int]) -> tuple[float, float]:
    """Precision and recall of the pairs that are one place."""
    right = sum(n * (n - 1) // 2 for n in Counter(zip(planted, found, strict=True)).values())
    return right / pairs(found), right / pairs(planted)


def split(made: Sequence[Leak]) -> tuple[list[Leak], list[Leak]]:
    return [one for one in made if not one.later], [one for one in made if one.later]


@pytest.mark.parametrize("seed", [13, *range(4), 16])
def test_1760_reports_are_put_together_to_the_1076_planted_places(seed, capsys):
    before, after = split(leaks(seed))
    assert (len(before), len({one.place for one in before})) == (REPORTS, PLACES) == (1_760, 1_076)
    assert sum(one.on.year == YEAR for one in before) == LAST_SEASON
    assert len(after) == NEXT_SEASON
    xy, keys = metres([*before, *after]), [key_of(one) for one in (*before, *after)]
    labels = place_labels(xy[:REPORTS], keys[:REPORTS], named_m=NAMED_M)
    planted = [one.place for one in before]
    precision, recall = scores(planted, labels.tolist())
    with capsys.disabled():
        sys.stdout.write(
            f"\nseed {seed}: {labels.max() + 1:,} places, precision {precision:.4f},"
            f" recall {recall:.4f} "
        )
    assert precision >= 0.98
    assert recall >= 0.98
    assert abs(labels.max() + 1 - PLACES) <= 10
    later = nearest_places(xy, keys, labels, named_m=NAMED_M)
    of_label = {label: Counter() for label in labels.tolist()}
    for place, label in zip(planted, labels.tolist(), strict=True):
        of_label[label][place] += 1
    right = [
        label >= 0 and of_label[label].most_common(1)[0][0] == one.place
        for one, label in zip(after, later.tolist(), strict=True)
    ]
    assert sum(right) >= 0.97 * NEXT_SEASON


def test_the_order_of_the_reports_does_not_matter():
    before, _ = split(leaks(1))
    shuffled = random.Random(5).sample(before, len(before))
    seen = []
    for made in (before, shuffled):
        labels = place_labels(metres(made), [key_of(one) for one in made], named_m=NAMED_M)
        groups: dict[int, set[tuple[float, float]]] = {}
        for one, label in zip(made, labels.tolist(), strict=True):
            groups.setdefault(label, set()).add((one.lon, one.lat))
        seen.append({frozenset(group) for group in groups.values()})
    assert seen[0] == seen[1]


#: Reports as (metres east, address), and which of them are one place.
BY_HAND = [
    ([(0, "红莲北里3楼2单元"), (40, "红莲北里3楼502室"), (20, "红莲北里3楼")], [0, 0, 0]),
    ([(0, "红莲北里3楼"), (46, "红莲北里4楼")], [0, 1]),
    ([(0, "红莲北里3楼"), (46, "红莲南里3楼")], [0, 1]),
    ([(0, "校场2条5号"), (38, "校场3条5号")], [0, 1]),
    ([(0, "红莲北里3楼"), (40, "广安路红莲北里3楼")], [0, 0]),
    ([(0, "红莲北里3楼"), (40, "广安路红莲北里4楼")], [0, 1]),
    # The same name in another part of the street is another place.
    ([(0, "建设路3号"), (1_500, "建设路3号")], [0, 1]),
    # A number alone is the nearest door of that number, where one is clearly nearest.
    ([(0, "红莲北里3楼"), (30, "3楼"), (200, "红莲南里3楼")], [0, 0, 1]),
    ([(0, "红莲北里3楼"), (30, "3楼"), (60, "红莲南里3楼")], [0, 1, 2]),
    ([(0, "红莲北里3楼"), (30, "4楼")], [0, 1]),
    # A compound without a number, and no address at all.
    ([(0, "红莲北里3楼"), (20, "红莲北里"), (80, "红莲北里4楼")], [0, 0, 1]),
    ([(0, "红莲北里3楼"), (20, "红莲南里")], [0, 1]),
    ([(0, "红莲北里3楼"), (30, None), (60, "红莲北里4楼")], [0, 1, 2]),
    ([(0, "红莲北里3楼"), (10, None)], [0, 0]),
    ([(0, None), (15, None), (90, None)], [0, 0, 1]),
]


@pytest.mark.parametrize(("reports", "places"), BY_HAND)
def test_places_of_a_few_reports_are_as_a_person_would_say(reports, places):
    xy = np.array([(float(east), 0.0) for east, _ in reports])
    keys = [
        None if address is None else f"{COMMUNITY if address[0].isdigit() else STREET}:{address}"
        for _, address in reports
    ]
    assert place_labels(xy, keys, named_m=NAMED_M).tolist() == places


def test_nothing_is_put_together_from_nothing():
    assert place_labels(np.empty((0, 2)), [], named_m=NAMED_M).tolist() == []
