"""The places around each place: itself first, then the others by distance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def neighbourhoods(xy: NDArray[np.float64], most: int) -> NDArray[np.int32]:
    """The nearest places of each, int32 (n, min(most, n)): itself first, then by distance.

    ``xy``: middles of the places in metres, float64 (n, 2), no two the same. Where several are as
    far away, the one with the lower number comes first, so that a grid has one answer.
    """
    from scipy.spatial import KDTree  # half a second that a server need not start with

    if len(xy) == 0:
        return np.empty((0, 0), dtype=np.int32)
    most = min(most, len(xy))
    # Of a regular grid many are equally near: more are asked for, so that the choice is ours.
    asked = min(len(xy), 2 * most + 8)
    distance, number = KDTree(xy).query(xy, k=asked)
    distance, number = distance.reshape(len(xy), asked), number.reshape(len(xy), asked)
    order = np.lexsort((number, np.round(distance, 3)), axis=1)[:, :most]
    return np.asarray(np.take_along_axis(number, order, axis=1), dtype=np.int32)
