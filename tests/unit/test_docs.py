"""Every promise of the documents that nothing else would notice breaking."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import typer

from benchmarks import NAVIGATION
from gridsvc import errors
from gridsvc.api.app import create_app
from gridsvc.cli.app import app
from gridsvc.cli.deferred import Deferred
from gridsvc.settings import Settings

_ROOT = Path(__file__).resolve().parents[2]
ERRORS = [
    one
    for one in vars(errors).values()
    if isinstance(one, type) and issubclass(one, errors.GridsvcError)
]
_DOCS = [
    *(_ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted((_ROOT / "docs").glob("*.md")),
]


def _variables() -> set[str]:
    named = {f"GRIDSVC_{name.upper()}" for name in Settings.model_fields}
    return named - {"GRIDSVC_DATABASE_URL"} | {"DATABASE_URL"}


def test_every_setting_is_documented_with_its_default() -> None:
    table = (_ROOT / "docs" / "operations.md").read_text()
    documented = dict(re.findall(r"^\| `([A-Z_]+)` \| `?(.*?)`? \|", table, re.MULTILINE))
    assert set(documented) == _variables()
    for variable, default in documented.items():
        field = Settings.model_fields[variable.removeprefix("GRIDSVC_").lower()]
        if field.default_factory is None:  # else it depends on where the package lies
            assert default == ("none" if field.default is None else f"{field.default}"), variable


def test_every_route_is_told_on_the_page_of_the_interface_or_one_that_it_links_to(
    tmp_path: Path,
) -> None:
    interface = (_ROOT / "docs" / "interface.md").read_text()
    linked = set(re.findall(r"\]\(([\w-]+\.md)", interface))
    pages = [interface, *((_ROOT / "docs" / page).read_text() for page in sorted(linked))]
    told = re.sub(r"\{\w+\}", "{}", "\n".join(pages))
    service = create_app(
        Settings(var_dir=tmp_path, DATABASE_URL="postgresql://nobody@127.0.0.1/none")
    )
    paths = [re.sub(r"\{\w+\}", "{}", path) for path in service.openapi()["paths"]]
    # A page may leave out what is before the last fixed part: `.../report-in`, `/trace/verify`.
    last = re.compile(r"/[^/{}]+(?:/?\{\}[^/]*)*$")
    missing = []
    for path in paths:
        tail = last.search(path)
        if tail is None or not re.search(re.escape(tail[0]) + r"(?![\w/{-])", told):
            missing.append(path)
    assert missing == []


def _commands(found: Any, words: tuple[str, ...]) -> Iterator[str]:
    if isinstance(found, Deferred):
        found = found.load()
    below = getattr(found, "commands", None)
    if below is None:
        yield " ".join(words)
        return
    for name, command in below.items():
        yield from _commands(command, (*words, name))


def test_every_command_is_told_on_some_page() -> None:
    told = "\n".join(document.read_text() for document in _DOCS if document.name != "CHANGELOG.md")
    commands = list(_commands(typer.main.get_command(app), ("gridsvc",)))
    assert "gridsvc edition repair apply" in commands
    assert [command for command in commands if not re.search(rf"{command}(?![\w-])", told)] == []


def test_every_setting_says_what_it_is() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def _links(page: Path) -> Iterator[tuple[Path, str]]:
    """Where the links of a page into the tree lead: the file, and the heading in it or ''."""
    for place, _, heading in re.findall(r"\]\((?!http)([^)#]*)(#?)([^)]*)\)", page.read_text()):
        yield (page.parent / place).resolve() if place else page, heading


def _headings(page: Path) -> set[str]:
    """The names by which the headings of a page are linked to."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    heads = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("document", _DOCS, ids=lambda path: path.name)
def test_every_link_into_the_tree_leads_somewhere(document: Path) -> None:
    missing = [
        f"{place.name}#{heading}"
        for place, heading in _links(document)
        if not place.exists() or (heading and heading not in _headings(place))
    ]
    assert missing == []


def test_every_page_is_listed_once_in_the_index() -> None:
    index = _ROOT / "docs" / "index.md"
    listed = [place for place, _ in _links(index)]
    assert sorted(listed) == sorted({*_DOCS, _ROOT / "data/boundaries/README.md"} - {index})


@pytest.mark.parametrize("page", sorted((_ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_every_page_begins_with_the_way_to_the_others(page: Path) -> None:
    if page.name != "index.md":
        assert page.read_text().startswith(f"{NAVIGATION}\n\n# ")


def test_people_are_told_the_words_of_the_glossary() -> None:
    glossary = (_ROOT / "docs" / "glossary.md").read_text()
    said = tomllib.loads((_ROOT / "gridsvc" / "locale" / "zh.toml").read_text())["words"]
    rows = re.findall(r"^\| ([a-z, -]+) \| ([^|]+) \|", glossary, re.MULTILINE)
    shared = {
        word: chinese
        for words, chinese in rows
        for word in words.split(", ")
        if not chinese.isascii() and word.replace(" ", "_") in said
    }
    assert {"unit grid", "district", "overlap"} <= set(shared)
    for word, chinese in shared.items():
        assert said[word.replace(" ", "_")] in chinese, word


def test_the_tree_of_errors_shows_every_error_with_its_status_and_type() -> None:
    tree = errors.__doc__ or ""
    for error in ERRORS:
        line = rf"{error.__name__}\s+{error.status} {error.type}$"
        assert re.search(line, tree, re.MULTILINE), error.__name__


def test_no_two_errors_share_a_type() -> None:
    types = [error.type for error in ERRORS]
    assert len(types) == len(set(types))


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
