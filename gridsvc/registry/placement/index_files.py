"""The files that hold the indexes of levels, named by the hash of what they were built from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import structlog

from gridsvc.errors import DamagedIndex
from gridsvc.spatial.locator import Locator

__all__ = ["locator_of"]

_log = structlog.get_logger(__name__)


def locator_of(
    index_dir: Path, level: str, geometries: npt.NDArray[np.object_], codes: Sequence[str]
) -> Locator:
    """The index of n geometries (WGS84), from its file when one was made of the same input.

    Raises BadGeometry as ``Locator.build`` does.
    """
    digest = hashlib.sha256()
    for code, geometry in zip(codes, geometries, strict=True):
        digest.update(code.encode())
        digest.update(geometry.wkb)
    path = index_dir / f"{level}-{digest.hexdigest()[:24]}.idx"
    if path.exists():
        try:
            return Locator.open(path)
        except DamagedIndex as error:
            _log.warning("index file is built anew", path=str(path), reason=str(error))
    locator = Locator.build(list(geometries), list(codes))
    index_dir.mkdir(parents=True, exist_ok=True)
    locator.save(path)
    return locator
