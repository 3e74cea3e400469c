"""Systems of the field know core, intake and what other systems publish, never their insides."""

from __future__ import annotations

import grimp
import pytest

SYSTEMS = "gridsvc.cases.systems."


@pytest.fixture(scope="module")
def imports() -> list[tuple[str, str]]:
    graph = grimp.build_graph("gridsvc", cache_dir=None)
    return [
        (importer, imported)
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
    ]


def system_of(module: str) -> str | None:
    name = module.removeprefix(SYSTEMS).partition(".")[0]
    return name if module.startswith(SYSTEMS) and name not in ("catalogue", "schemas") else None


def test_a_system_asks_another_through_its_package_alone(imports):
    inside = [
        (importer, imported)
        for importer, imported in imports
        if (own := system_of(importer)) and (other := system_of(imported))
        if own != other and imported != SYSTEMS + other
    ]
    assert inside == []


def test_core_and_intake_know_no_system(imports):
    lower = ("gridsvc.cases.core", "gridsvc.cases.intake")
    assert [
        (importer, imported)
        for importer, imported in imports
        if importer.startswith(lower) and imported.startswith(SYSTEMS)
    ] == []
    # The order above is not empty for want of systems.
    assert len({system_of(importer) for importer, _ in imports} - {None}) >= 7
