"""Brings a copy back into an empty ``var``, as it was at its end or at a moment after it.

All is made in ``var/.restoring``, PostgreSQL's recovery too, and moved to its place when it is
whole: the keys first, the server last. Called again after it was killed, it begins anew, or only
goes on moving.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg2
from sqlalchemy.engine import make_url

from gridsvc.city.own import FOLDER
from gridsvc.db.binaries import find_binaries, server_user
from gridsvc.db.cluster import PrivateCluster
from gridsvc.db.home import make_home, write_private
from gridsvc.errors import BadInput, Conflict, NotFound
from gridsvc.keeping.backup import Copy, copies
from gridsvc.keeping.sealed import Seal
from gridsvc.whole import written_whole

_STAGE = ".restoring"
_WHOLE = "whole"
_PIECE = 2**20
#: The keys before what they open, the server last: with it, the restore is done.
_ORDER = ("keys", "admin.token", FOLDER, "evidence", "pg")


def restore(
    folder: Path,
    var_dir: Path,
    seal: Seal,
    *,
    name: str | None = None,
    at: dt.datetime | None = None,
    options: Mapping[str, str] | None = None,
) -> Copy:
    """Bring back the copy of a name, else the newest one that had ended at ``at``.

    ``at`` None brings back all that the log has. ``options`` are PostgreSQL's, for the recovery.
    Raises Conflict where something is in the way, NotFound, BadInput, BadFile.
    """
    copy = _chosen(folder, name, at)
    stage = var_dir / _STAGE
    if not (stage / _WHOLE).exists():
        in_the_way = [one for one in _ORDER if os.path.lexists(var_dir / one)]
        if in_the_way:
            raise Conflict(
                f"{var_dir} has {', '.join(in_the_way)} already; restore into an empty folder"
                " (GRIDSVC_VAR_DIR)."
            )
        _throw_away(stage)
        stage.mkdir(parents=True, mode=0o755)
        _unpack_keys(folder / copy.name / "keys.sealed", stage, seal)
        _unpack_evidence(copy, folder / "evidence", stage / "evidence", seal)
        home = _unpack_base(copy, folder, stage, seal)
        # Its home may lie on another disk.
        write_private(home / "password", (stage / "pg.password").read_text())
        (stage / "pg.password").unlink()
        _recover(folder / "wal", home, stage, seal, at, options or {})
        (stage / _WHOLE).touch()
    for piece in _ORDER:
        if os.path.lexists(stage / piece):
            (stage / piece).rename(var_dir / piece)
    shutil.rmtree(stage)
    return copy


def _chosen(folder: Path, name: str | None, at: dt.datetime | None) -> Copy:
    known = copies(folder)
    if name is not None:
        known = [copy for copy in known if copy.name == name]
        if not known:
            raise NotFound(f"{folder} has no whole copy of the name {name}.")
    if at is not None:
        known = [copy for copy in known if dt.datetime.fromisoformat(copy.ended_at) <= at]
        if not known:
            raise NotFound(f"{folder} has no whole copy that had ended at {at.isoformat()}.")
    if not known:
        raise NotFound(f"{folder} has no whole copy.")
    return known[-1]


def _throw_away(stage: Path) -> None:
    """What a killed restore left, with its server."""
    if os.path.lexists(stage / "pg"):
        PrivateCluster(stage).remove()
    shutil.rmtree(stage, ignore_errors=True)


@contextmanager
def _tar(path: Path, seal: Seal) -> Iterator[tarfile.TarFile]:
    with seal.reading(path) as read, tarfile.open(fileobj=read, mode="r|") as tar:
        yield tar


def _unpack_keys(path: Path, stage: Path, seal: Seal) -> None:
    with _tar(path, seal) as tar:
        for member in tar:
            if member.name == "pg/password":
                member.name = "pg.password"
            tar.extract(member, stage, filter="data")
    (stage / "keys").chmod(0o700)


def _unpack_evidence(copy: Copy, source: Path, target: Path, seal: Seal) -> None:
    for sha256 in copy.evidence:
        path = target / sha256[:2] / sha256
        path.parent.mkdir(parents=True, exist_ok=True)
        with seal.reading(source / f"{sha256}.sealed") as read, written_whole(path) as out:
            shutil.copyfileobj(read, out, _PIECE)


def _unpack_base(copy: Copy, folder: Path, stage: Path, seal: Seal) -> Path:
    find_binaries(copy.postgresql)
    home = make_home(stage / "pg")
    data = home / "data"
    data.mkdir(mode=0o700)
    with _tar(folder / copy.name / "base.sealed", seal) as tar:
        tar.extractall(data, filter="data")
    _give(data, data)
    return home


def _give(tree: Path, data: Path) -> None:
    """Give a folder to the user that PostgreSQL runs as."""
    if os.geteuid() != 0:
        return
    user = server_user(data.with_name("none"))
    if user is None:
        raise AssertionError("root runs PostgreSQL as somebody else")
    for path in (tree, *tree.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


def _recover(
    log: Path,
    home: Path,
    stage: Path,
    seal: Seal,
    at: dt.datetime | None,
    options: Mapping[str, str],
) -> None:
    """Let PostgreSQL replay the log up to ``at``. Raises BadInput where the log does not reach."""
    wal = home / "restored_wal"
    wal.mkdir()
    for sealed in sorted(log.glob("*.sealed")):
        with (
            seal.reading(sealed) as read,
            (wal / sealed.name.removesuffix(".sealed")).open("wb") as out,
        ):
            shutil.copyfileobj(read, out, _PIECE)
    _give(wal, home / "data")
    signal = home / "data" / "recovery.signal"
    signal.touch()
    _give(signal, home / "data")
    recovery = {
        **options,
        "restore_command": f'cp "{wal}/%f" "%p"',
        "recovery_target_action": "promote",
        "recovery_target_timeline": "latest",
        # Nobody reads before it is whole.
        "hot_standby": "off",
        "archive_command": "/bin/true",
    }
    if at is not None:
        recovery["recovery_target_time"] = at.isoformat()
    cluster = PrivateCluster(stage, options=recovery)
    try:
        with cluster:
            _ask(cluster, "select pg_current_wal_lsn()")
    except Exception as error:
        if at is not None and "before configured recovery target" in (home / "log").read_text():
            raise BadInput(
                f"The log in the backup ends before {at.isoformat()}; name an earlier moment, or"
                " none for its end.",
                field="at",
            ) from error
        raise
    shutil.rmtree(wal)


def _ask(cluster: PrivateCluster, question: str) -> None:
    url = make_url(cluster.url()).set(drivername="postgresql")
    connection = psycopg2.connect(url.render_as_string(hide_password=False))
    try:
        with connection.cursor() as cursor:
            cursor.execute(question)
    finally:
        connection.close()
