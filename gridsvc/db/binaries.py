"""Finding PostgreSQL with PostGIS on this machine, and the user to run it as."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gridsvc.errors import MissingPrerequisite

_ADVICE = "install postgresql-15-postgis-3, use docker compose up, or set DATABASE_URL"
_OLDEST = 15
_DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True)
class Binaries:
    """One installed PostgreSQL: its folder of programs, its major version, PostGIS or not."""

    folder: Path
    version: int
    has_postgis: bool


def find_binaries(version: int | None = None, *, debian: Path = _DEBIAN) -> Binaries:
    """The newest PostgreSQL from 15 on that has PostGIS; with ``version`` exactly that one.

    Looks in PATH and where Debian has its versions side by side (``debian``).
    Raises ``MissingPrerequisite`` with one sentence that says what to install.
    """
    found = [one for one in _installed(debian) if one.version >= _OLDEST]
    if version is not None:
        fitting = [one for one in found if one.version == version and one.has_postgis]
        if not fitting:
            raise MissingPrerequisite(
                f"The private cluster was made by PostgreSQL {version} with PostGIS, which is no"
                f" longer installed; install postgresql-{version}-postgis-3 again, or set"
                " DATABASE_URL."
            )
        return fitting[0]
    if not found:
        raise MissingPrerequisite(f"PostgreSQL with PostGIS is not installed: {_ADVICE}.")
    fitting = [one for one in found if one.has_postgis]
    if not fitting:
        newest = max(one.version for one in found)
        raise MissingPrerequisite(f"PostgreSQL {newest} is here without PostGIS: {_ADVICE}.")
    return max(fitting, key=lambda one: one.version)


def _installed(debian: Path) -> Iterator[Binaries]:
    """Every PostgreSQL with ``initdb`` and ``pg_config``: those of PATH first, then Debian's."""
    folders = [Path(one) for one in os.environ.get("PATH", "").split(os.pathsep) if one]
    folders += sorted(debian.glob("*/bin"))
    for folder in folders:
        if not all((folder / name).exists() for name in ("initdb", "postgres", "pg_config")):
            continue
        version = re.match(r"PostgreSQL (\d+)", _ask(folder / "pg_config", "--version"))
        control = Path(_ask(folder / "pg_config", "--sharedir"), "extension/postgis.control")
        if version:
            yield Binaries(folder, int(version[1]), control.exists())


def _ask(program: Path, option: str) -> str:
    return subprocess.run(
        [program, option], capture_output=True, text=True, check=False
    ).stdout.strip()


def server_user(data: Path) -> pwd.struct_passwd | None:
    """The user to become for running the server, or None to run it as the caller.

    PostgreSQL refuses root; an existing data folder belongs to whoever made it.
    """
    if os.geteuid() != 0:
        return None
    try:
        owner = data.stat().st_uid
    except FileNotFoundError:
        owner = 0
    try:
        return pwd.getpwuid(owner) if owner else pwd.getpwnam("postgres")
    except KeyError:
        raise MissingPrerequisite(
            "PostgreSQL refuses to run as root and there is no user postgres to run it as: "
            f"{_ADVICE}."
        ) from None


def as_user(user: pwd.struct_passwd | None) -> list[str]:
    """The words that run a command as ``user`` and let it end with its parent."""
    setpriv = shutil.which("setpriv")
    if user is None:
        return [setpriv, "--pdeathsig", "INT"] if setpriv else []
    if setpriv is None:
        raise MissingPrerequisite(
            "setpriv is not installed, and PostgreSQL refuses to run as root; install util-linux,"
            " run as another user, or set DATABASE_URL."
        )
    ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups"]
    return [setpriv, *ids, "--pdeathsig", "INT"]
