"""One made-up atlas for all tests of bulk work."""

from __future__ import annotations

import pytest

from gridsvc.registry.placement.store import Atlas
from tests.unit.bulk.bulk_world import make_atlas


@pytest.fixture(scope="session")
def atlas() -> Atlas:
    return make_atlas()
