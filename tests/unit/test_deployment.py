from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

_ROOT = Path(__file__).parents[2]
_LOCKS = ("requirements.lock", "requirements-test.lock", "requirements-bench.lock")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((_ROOT / "docker-compose.yml").read_text())
    return content


def test_compose_starts_database_migration_api_and_worker(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {"postgis", "migrate", "api", "worker"}
    assert compose["services"]["migrate"]["command"] == ["db", "migrate"]
    assert compose["services"]["worker"]["command"] == ["worker"]


def test_compose_opens_the_api_to_this_machine_only_and_the_database_to_nobody(
    compose: dict[str, Any],
) -> None:
    assert compose["services"]["api"]["ports"] == ["127.0.0.1:8000:8000"]
    for name in ("postgis", "migrate", "worker"):
        assert "ports" not in compose["services"][name]


def test_compose_lets_the_migration_alone_log_in_as_the_owner(compose: dict[str, Any]) -> None:
    services = compose["services"]
    owner = services["postgis"]["environment"]["POSTGRES_PASSWORD"]
    assert owner.startswith("${POSTGRES_PASSWORD:-")
    given = services["migrate"]["environment"]["GRIDSVC_OWNER_DATABASE_URL"]
    assert f"//gridsvc:{owner}@" in given
    for name in ("migrate", "api", "worker"):
        url = services[name]["environment"]["DATABASE_URL"]
        assert url.startswith("postgresql://gridsvc_service:${SERVICE_PASSWORD:-")
    for name in ("api", "worker"):
        assert set(services[name]["environment"]) == {"DATABASE_URL"}


def test_compose_keeps_every_lasting_folder_in_a_named_volume(compose: dict[str, Any]) -> None:
    named = set(compose["volumes"])
    for service in compose["services"].values():
        for volume in service["volumes"]:
            assert volume.split(":")[0] in named


def test_compose_waits_for_a_healthy_database_and_the_migration(compose: dict[str, Any]) -> None:
    for name in ("api", "worker"):
        waits_for = compose["services"][name]["depends_on"]
        assert waits_for["postgis"]["condition"] == "service_healthy"
        assert waits_for["migrate"]["condition"] == "service_completed_successfully"
    assert "healthcheck" in compose["services"]["postgis"]
    assert "healthcheck" in compose["services"]["api"]


def test_the_image_is_built_from_files_that_are_sent_to_it() -> None:
    sent = (_ROOT / ".dockerignore").read_text().split()
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (_ROOT / "Dockerfile").read_text(), re.M)
    for path in " ".join(copied).split():
        assert f"!{path}" in sent


def pinned(name: str) -> dict[str, str]:
    """The packages of a lock with all that stands of them."""
    packages = {}
    for entry in (_ROOT / name).read_text().replace("\\\n", "").splitlines():
        packages[entry.split("==")[0]] = entry
    return packages


@pytest.mark.parametrize("name", _LOCKS)
def test_a_lock_pins_every_package_by_version_and_hash_and_names_no_host(name: str) -> None:
    entries = pinned(name)
    assert len(entries) > 50
    for entry in entries.values():
        form = r"[a-z0-9._-]+==[A-Za-z0-9.!+]+( +--hash=sha256:[0-9a-f]{64})+"
        assert re.fullmatch(form, entry), entry


@pytest.mark.parametrize(
    ("name", "extras"), [(_LOCKS[0], []), (_LOCKS[1], ["test"]), (_LOCKS[2], ["test", "bench"])]
)
def test_a_lock_covers_every_dependency_of_the_project(name: str, extras: list[str]) -> None:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    for requirement in wanted:
        assert re.split(r"[\[<>=!~ ]", requirement)[0].lower() in pinned(name), requirement


def test_each_lock_holds_all_of_the_one_before() -> None:
    run, test, bench = (set(pinned(name).values()) for name in _LOCKS)
    assert run < test < bench


def test_the_licence_of_every_package_is_listed() -> None:
    page = (_ROOT / "docs" / "licences.md").read_text()
    listed = dict(re.findall(r"^\| (\S+) \| (\S+) \| .+ \|$", page, re.M))
    for package, entry in pinned(_LOCKS[0]).items():
        assert f"{package}=={listed[package]}" == entry.split()[0]


def test_ci_runs_make_test_and_nothing_else() -> None:
    lines = (_ROOT / ".ci/run").read_text().splitlines()
    done = [line for line in lines if not line.startswith("#")]
    assert done == ["set -eu", 'cd "$(dirname "$0")/.."', "exec make test"]


@pytest.mark.parametrize("script", sorted((_ROOT / "scripts").glob("*.sh")), ids=lambda p: p.name)
def test_a_script_is_executable_and_plain_shell(script: Path) -> None:
    assert script.stat().st_mode & 0o111
    assert script.read_text().startswith("#!/bin/sh\n")
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0


def test_make_alone_lists_every_target() -> None:
    listed = subprocess.run(["make", "-s"], cwd=_ROOT, capture_output=True, text=True, check=True)
    targets = re.findall(r"^([a-z]+):", (_ROOT / "Makefile").read_text(), re.M)
    assert {"check", "clean", "demo", "help", "serve", "test"} <= set(targets)
    for target in targets:
        assert f"make {target} " in listed.stdout
