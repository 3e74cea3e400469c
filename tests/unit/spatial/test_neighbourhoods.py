from __future__ import annotations

import numpy as np
import pytest

from gridsvc.spatial.neighbourhoods import neighbourhoods


@pytest.mark.parametrize("regular", [True, False])
def test_the_nearest_places_are_those_that_a_look_at_all_distances_finds(regular: bool) -> None:
    rng = np.random.default_rng(1)
    xy = np.argwhere(np.ones((12, 9))) * 100.0 if regular else rng.uniform(0, 5_000, (90, 2))
    found = neighbourhoods(xy, 21)
    for place in range(len(xy)):
        off = np.round(np.hypot(*(xy - xy[place]).T), 3)
        by_hand = sorted(range(len(xy)), key=lambda other: (off[other], other))[:21]
        assert found[place].tolist() == by_hand, place


def test_fewer_places_than_asked_for_are_all_of_them() -> None:
    assert neighbourhoods(np.array([[0.0, 0.0], [0.0, 5.0]]), 21).tolist() == [[0, 1], [1, 0]]
    assert neighbourhoods(np.empty((0, 2)), 21).shape == (0, 0)
