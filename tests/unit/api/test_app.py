from __future__ import annotations

import json
import subprocess
import sys

import pytest

from gridsvc.api.rights import RIGHTS

#: What only some requests need; the first of them loads it.
_HEAVY = (
    "PIL",
    "alembic",
    "dask",
    "folium",
    "geopandas",
    "httpx",
    "pandas",
    "pyarrow",
    "pyogrio",
    "scipy.stats",
)
#: Beside the modules each route has its models: what a server starts with grows by them.
_MOST_MB, _MOST_MB_A_ROUTE = 175, 0.25

_LOAD = """
import json, sys
import gridsvc.api.app
with open("/proc/self/status") as told:
    sizes = dict(line.split(":") for line in told)
print(json.dumps([int(sizes["VmRSS"].split()[0]) // 1000, sorted(sys.modules)]))
"""


@pytest.fixture(scope="module")
def loaded() -> tuple[int, set[str]]:
    """The resident MB and the modules of a new process that has imported the app."""
    ran = subprocess.run([sys.executable, "-c", _LOAD], capture_output=True, text=True, check=True)
    resident_mb, modules = json.loads(ran.stdout)
    return resident_mb, set(modules)


@pytest.mark.parametrize("package", _HEAVY)
def test_a_server_starts_without_what_few_requests_need(
    loaded: tuple[int, set[str]], package: str
) -> None:
    assert package not in loaded[1]


def test_a_server_starts_small(loaded: tuple[int, set[str]]) -> None:
    assert loaded[0] < _MOST_MB + _MOST_MB_A_ROUTE * len(RIGHTS)
