"""The bounds of an audit: 349 streets in 5 s, 138,000 unit grids in 60 s, memory by the faults.

Seconds are the processor's, so that a busy machine fails nobody.
"""

from __future__ import annotations

import pytest

from benchmarks.audits import audited_grids, audited_streets
from benchmarks.race import alone


@pytest.mark.slow
def test_all_streets_of_the_city_are_audited_in_five_seconds():
    found = alone(audited_streets)
    assert found.areas == "349 streets against 16 districts"
    assert found.cpu_s < 5


@pytest.mark.slow
def test_138000_unit_grids_are_audited_in_a_minute_in_bounded_memory():
    found = alone(audited_grids, 138_000, 0.0)
    assert found.faults == 0
    assert found.cpu_s < 60
    assert found.peak_mb < 500
