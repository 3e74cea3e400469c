"""Gaps of duty: every class in every street is listed, or told; against counting one by one."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridsvc.city.classes import STANDARD, ClassKey
from gridsvc.registry.bodies.gaps import gaps_of
from gridsvc.registry.classes.service import read_class_list

CLASSES = [ClassKey(STANDARD, row["kind"], row["code"]) for row in read_class_list()]
SOME = [key for key in CLASSES if key.code[:2] in ("01", "06")][::9]
STREETS = ["110101001", "110101002", "110102001"]
INSIDE = {street: [f"{street}{n:03d}" for n in (1, 2)] for street in STREETS[:2]}
AREAS = ["11", "1101", "110101", "110102", *STREETS, *INSIDE["110101001"], *INSIDE["110101002"]]
PREFIXES = ["", "0", "01", "06", "060", *(key.code for key in SOME)]

lines = st.dictionaries(
    st.sampled_from(AREAS),
    st.sets(
        st.tuples(st.just(STANDARD), st.sampled_from(["part", "event"]), st.sampled_from(PREFIXES)),
        max_size=3,
    ),
    max_size=5,
)


def has_lead(leads, place, key):
    """Whether somebody is listed for a class at one place, asked line by line."""
    return any(
        place.startswith(area) and kind == key.kind and key.code.startswith(prefix)
        for area, listed in leads.items()
        for _, kind, prefix in listed
    )


@settings(max_examples=200, deadline=None)
@given(lines)
def test_a_class_is_a_gap_exactly_where_no_line_covers_it(leads):
    expected = {}
    for street in STREETS:
        for key in SOME:
            places = INSIDE.get(street, [street])
            open_in = tuple(place for place in places if not has_lead(leads, place, key))
            if open_in:
                expected[street, key] = () if len(open_in) == len(places) else open_in
    found = {
        (street, key): open_in for street, key, open_in in gaps_of(STREETS, INSIDE, SOME, leads)
    }
    assert found == expected


@pytest.mark.alone
def test_349_streets_and_all_classes_are_looked_through_in_a_second():
    streets = [f"1101{n // 30 + 1:02d}{n % 30 + 1:03d}" for n in range(349)]
    inside = {street: [f"{street}{n:03d}" for n in range(20)] for street in streets}
    leads = {street: {(STANDARD, "event", "06")} for street in streets}
    leads |= {f"1101{d:02d}": {(STANDARD, "part", f"0{d % 5}")} for d in range(1, 13)}
    begun = time.process_time()
    gaps = gaps_of(streets, inside, CLASSES, leads)
    assert time.process_time() - begun < 1.0
    assert len(gaps) > 1000
    assert not any(key.kind == "event" and key.code.startswith("06") for _, key, _ in gaps)
