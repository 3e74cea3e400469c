"""Every promise of the documents that nothing else would notice breaking."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import gridsvc.errors
from gridsvc.errors import GridsvcError
from gridsvc.settings import Settings

_ROOT = Path(__file__).resolve().parents[2]
_DOCS = [_ROOT / "README.md", _ROOT / "CHANGELOG.md", *sorted((_ROOT / "docs").glob("*.md"))]


def _variables() -> set[str]:
    named = {f"GRIDSVC_{name.upper()}" for name in Settings.model_fields}
    return named - {"GRIDSVC_DATABASE_URL"} | {"DATABASE_URL"}


def test_every_setting_is_documented_with_its_default() -> None:
    table = (_ROOT / "docs" / "operations.md").read_text()
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE))
    assert documented == _variables()


def test_every_setting_says_what_it_is() -> None:
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize("document", _DOCS, ids=lambda path: path.name)
def test_every_link_into_the_tree_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", document.read_text())
    missing = [link for link in links if not (document.parent / link).exists()]
    assert missing == []


def test_the_tree_of_errors_shows_every_error_with_its_status_and_type() -> None:
    tree = gridsvc.errors.__doc__ or ""
    errors = [getattr(gridsvc.errors, name) for name in gridsvc.errors.__all__]
    for error in errors:
        line = rf"{error.__name__}\s+{error.status} {error.type}$"
        assert re.search(line, tree, re.MULTILINE), error.__name__
    assert all(issubclass(error, GridsvcError) for error in errors)


def test_no_two_errors_share_a_type() -> None:
    types = [getattr(gridsvc.errors, name).type for name in gridsvc.errors.__all__]
    assert len(types) == len(set(types))


def test_the_public_names_of_every_package_are_sorted() -> None:
    unsorted = []
    for module in (_ROOT / "gridsvc").rglob("*.py"):
        found = re.search(r"^__all__ = \[(.*?)\]", module.read_text(), re.MULTILINE | re.DOTALL)
        names = re.findall(r'"(\w+)"', found[1]) if found else []
        constants = sorted(name for name in names if name.isupper())
        classes = sorted(name for name in names if not name.isupper() and name[0].isupper())
        others = sorted(name for name in names if name[0].islower() or name[0] == "_")
        if names != constants + classes + others:
            unsorted.append(module.name)
    assert unsorted == []


def test_every_package_that_is_imported_is_a_declared_dependency() -> None:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    declared = {
        re.split(r"[<>=\[ ]", line)[0].lower().replace("_", "-")
        for line in [*project["dependencies"], *extras["dask"], *extras["spark"]]
    }
    distributions = packages_distributions()
    missing = set()
    for module in (_ROOT / "gridsvc").rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in (name.split(".")[0] for name in names):
                if name in sys.stdlib_module_names or name == "gridsvc":
                    continue
                owners = {d.lower().replace("_", "-") for d in distributions.get(name, [name])}
                if not owners & declared:
                    missing.add((name, module.name))
    assert missing == set()
