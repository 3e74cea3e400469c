"""The rules of the house that no linter knows; docs/decisions.md says why each binds."""

from __future__ import annotations

import ast
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import grimp

_PACKAGE = Path(__file__).resolve().parents[2] / "gridsvc"
_MODULES = {path.relative_to(_PACKAGE).as_posix(): path for path in _PACKAGE.rglob("*.py")}
_TREES = {name: ast.parse(path.read_text()) for name, path in _MODULES.items()}

#: Where a process may keep what a function gave, because every city has the same, and why.
_KEPT = {
    "settings.py": "the edge's own settings, read once",
    "texts.py": "what a language says",
    "spatial/": "mathematics and projections, by their arguments",
    "registry/areas/lookup.py": "the ellipsoid",
    "registry/placement/model.py": "by the editions",
    "bulk/on_dask.py": "by the digest of the bundle",
    "bulk/on_spark.py": "by the bundle, the CRS and the accuracy",
    "db/": "by the table, the mapper or the folder of a private server",
    "registry/classes/search.py": "how a name is spelt",
    "cases/intake/address.py": "what an address reads as",
    "foresight/words/query.py": "the segmenter, by the words that it is taught",
    "layers/": "statements, by the layer",
    "maps/": "files and templates of the package",
}
_EDGE = ("api/app.py", "cli/", "settings.py")
_ZONE = re.compile(r"\+0?8(?::?00)?\b|Shanghai|hours=8\b")
_TEXTS = {".css", ".csv", ".html", ".js", ".mako", ".py", ".toml", ".txt"}
_MOST_LINES = 400


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_no_process_keeps_a_table_of_a_city() -> None:
    kept = [
        f"{name}:{function.name}"
        for name, tree in _TREES.items()
        if not name.startswith(tuple(_KEPT))
        for function in _functions(tree)
        for decorator in function.decorator_list
        if re.match(r"(functools\.)?(lru_)?cache\b", ast.unparse(decorator))
    ]
    assert kept == []


def test_no_module_names_a_zone() -> None:
    """Only the default of the setting does."""
    named = []
    for path in sorted(_PACKAGE.rglob("*")):
        if path.suffix not in _TEXTS:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if _ZONE.search(line) and "default=" not in line:
                named.append(f"{path.relative_to(_PACKAGE)}:{number}: {line.strip()[:120]}")
    assert named == []


def test_nothing_below_the_edge_reads_settings() -> None:
    reading = [
        f"{name}:{node.lineno}"
        for name, tree in _TREES.items()
        if not name.startswith(_EDGE)
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id == "get_settings"
    ]
    assert reading == []


def test_no_module_has_two_jobs() -> None:
    lines = {name: len(path.read_text().splitlines()) for name, path in _MODULES.items()}
    assert {name: count for name, count in lines.items() if count > _MOST_LINES} == {}


def _bound(tree: ast.Module) -> Iterator[str]:
    """The names that a module binds."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _declared(tree: ast.Module) -> list[str] | None:
    """What a module declares public, None where it declares nothing."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    return None


def _rank(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest, as ruff sorts them."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2, name)


def test_what_modules_declare_public_is_sorted_and_there() -> None:
    for name, tree in _TREES.items():
        public = _declared(tree)
        if public is not None:
            assert public == sorted(public, key=_rank), name
            assert set(public) <= set(_bound(tree)), name


def test_packages_declare_all_that_they_publish() -> None:
    for name, tree in _TREES.items():
        if name.endswith("__init__.py"):
            published = {
                alias.asname or alias.name
                for node in tree.body
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gridsvc")
                for alias in node.names
            }
            assert published <= set(_declared(tree) or []), name


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = grimp.build_graph("gridsvc", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    graphlib.TopologicalSorter(imports).prepare()
