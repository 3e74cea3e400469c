"""Making the private server's home: a folder that PostgreSQL can reach, with its data folder."""

from __future__ import annotations

import fcntl
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from gridsvc.db.binaries import as_user, find_binaries, server_user
from gridsvc.errors import Unavailable

ROLE = "gridsvc"


def make_home(place: Path) -> Path:
    """The home with its lock files; somewhere else if PostgreSQL could not reach it."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with (place.parent / ".pg.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            home = _linked_home(place) or _new_home(place)
            for name in ("lock", "users", "guardian"):
                (home / name).touch()
    except PermissionError as error:
        raise Unavailable(
            f"The private cluster in {place} belongs to another user ({error.filename} cannot be"
            " written); run as that user, or set GRIDSVC_VAR_DIR to a folder of your own."
        ) from error
    return home


def _linked_home(place: Path) -> Path | None:
    """The folder in /var/lib that ``var/pg`` links to, if it is ours."""
    if not place.is_symlink():
        return None
    home = place.resolve()
    note = home / "belongs_to"
    if not note.exists():
        place.unlink()
        return None
    owner = Path(note.read_text())
    if owner != place:
        if owner.is_symlink() and owner.resolve() == home:
            place.unlink()  # the tree was copied: two servers on one folder would ruin it
            return None
        note.write_text(str(place))  # the tree was moved
    return home


def _new_home(place: Path) -> Path:
    place.mkdir(mode=0o755, exist_ok=True)
    user = server_user(place / "data")
    if _can_reach(user, place):
        return place
    if (place / "data").exists():
        raise Unavailable(
            f"The user {user.pw_name if user else 'that you are'} cannot enter {place}, where the"
            " private cluster lies; allow entering its parent folders (chmod o+x)."
        )
    place.rmdir()
    home = Path(tempfile.mkdtemp(prefix="gridsvc-", dir="/var/lib"))
    home.chmod(0o755)
    (home / "belongs_to").write_text(str(place))
    place.symlink_to(home)
    return home


def initialise(home: Path) -> None:
    """Make the data folder; a half-made one of a killed command is thrown away."""
    data = home / "data"
    if data.exists():
        return
    binaries = find_binaries()
    user = server_user(data)
    for half in home.glob("data.new*"):
        shutil.rmtree(half, ignore_errors=True)
    # A name of its own: the initdb of a killed command may still be writing into its folder.
    half = Path(tempfile.mkdtemp(prefix="data.new.", dir=home))
    password = secrets.token_hex(24)
    write_private(home / "password", password)
    # initdb reads the password as its own user, who may not read the home's file.
    handle, name = tempfile.mkstemp(prefix="gridsvc-")
    try:
        os.write(handle, password.encode())
        if user is not None:
            os.chown(handle, user.pw_uid, user.pw_gid)
            os.chown(half, user.pw_uid, user.pw_gid)
        made = subprocess.run(
            [
                *as_user(user),
                *(str(binaries.folder / "initdb"), "-D", str(half), "-U", ROLE),
                *("-A", "scram-sha-256", "--pwfile", name),
                *("-E", "UTF8", "--locale=C.UTF-8"),
            ],
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        os.close(handle)
        Path(name).unlink()
    if made.returncode != 0:
        raise Unavailable(f"The private cluster cannot be made: {last_line(made.stderr)}")
    half.rename(data)


def _can_reach(user: pwd.struct_passwd | None, folder: Path) -> bool:
    """Whether the server's user can enter ``folder``."""
    if user is None:
        return True
    return subprocess.run([*as_user(user), "test", "-x", str(folder)], check=False).returncode == 0


def write_private(path: Path, content: str) -> None:
    """Write a file whole or not at all, readable by its owner alone."""
    new = path.with_name(f"{path.name}.new")
    new.touch(mode=0o600)
    new.write_text(content)
    new.replace(path)


def last_line(text: str) -> str:
    """Give the line in which a program usually says why it ended."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
