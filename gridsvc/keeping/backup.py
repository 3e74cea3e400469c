"""Copies of everything, sealed by a passphrase: the private server, its log, keys, evidence.

A backup is a folder::

    2026-11-29T20-15-00Z/     one copy: base.sealed, keys.sealed, manifest.json (written last)
    wal/                      PostgreSQL's log since then, a sealed file a segment
    evidence/                 sealed files by their hash, for all copies together

PostgreSQL leaves its log in ``wal`` of its home from the first backup on; each further call moves
what is there into the backup, whole segments only. So a machine may be lost at any moment: what is
half written has no manifest and no name, and the next call throws it away.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg2
from sqlalchemy.engine import make_url

from gridsvc import __version__
from gridsvc.city.own import FOLDER
from gridsvc.db.binaries import find_binaries, server_user
from gridsvc.db.cluster import PrivateCluster
from gridsvc.errors import BadFile, Conflict, NotFound, Unavailable
from gridsvc.keeping.sealed import Seal
from gridsvc.whole import force, written_whole

_PARTIAL = ".partial-"
_LAST = "backup.json"
_NAME = "%Y-%m-%dT%H-%M-%SZ"
#: What lies beside the database below ``var``: keys, and a city's own tables.
KEYS = ("keys", "admin.token", "pg/password", FOLDER)
_PIECE = 2**20


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy in a backup: what its manifest says."""

    name: str
    version: str
    postgresql: int
    began_at: str
    ended_at: str
    evidence: tuple[str, ...]

    @classmethod
    def read(cls, folder: Path) -> Copy:
        """The copy in a folder. Raises BadFile."""
        try:
            told = json.loads((folder / "manifest.json").read_text())
            return cls(**told | {"evidence": tuple(told["evidence"])})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise BadFile(f"{folder} has no manifest that can be read; it is no copy.") from error


def copies(folder: Path) -> list[Copy]:
    """The whole copies of a backup, the oldest first."""
    names = sorted(one.parent for one in folder.glob("[0-9]*/manifest.json"))
    return [Copy.read(name) for name in names]


def back_up(
    cluster: PrivateCluster,
    var_dir: Path,
    evidence: Path | None,
    folder: Path,
    seal: Seal,
    *,
    now: dt.datetime,
) -> Copy:
    """Copy everything; ``evidence`` is the folder of its files, None for a bucket.

    The server goes on meanwhile. Raises Conflict where this copy is there already, Unavailable.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for half in folder.glob(f"{_PARTIAL}*"):
        shutil.rmtree(half)
    name = now.strftime(_NAME)
    if (folder / name).exists():
        raise Conflict(f"{folder / name} is there already; wait a second and try again.")
    keep_log(cluster)
    draft = folder / f"{_PARTIAL}{name}"
    draft.mkdir(mode=0o700)
    with seal.writing(draft / "keys.sealed") as out, tarfile.open(fileobj=out, mode="w|") as tar:
        for kept in KEYS:
            if (var_dir / kept).exists():
                tar.add((var_dir / kept).resolve(), kept)
    _copy_base(cluster, draft / "base.sealed", seal)
    # After the database: a file is in the store before a trace names it.
    files = tuple(_copy_evidence(evidence, folder / "evidence", seal)) if evidence else ()
    ended = _ask(cluster, "select clock_timestamp()")
    _ask(cluster, "select pg_switch_wal()")
    copied = Copy(
        name=name,
        version=__version__,
        postgresql=int((cluster.status().home / "data" / "PG_VERSION").read_text()),
        began_at=now.isoformat(),
        ended_at=ended.isoformat(),
        evidence=files,
    )
    with written_whole(draft / "manifest.json") as out:
        out.write(json.dumps(asdict(copied), indent=1).encode())
    draft.rename(folder / name)
    force(folder)
    move_log(cluster, folder, seal)
    told = {"folder": str(folder.resolve()), "name": copied.name, "ended_at": copied.ended_at}
    with written_whole(var_dir / _LAST) as out:
        out.write(json.dumps(told).encode())
    return copied


def last_ended(var_dir: Path) -> dt.datetime | None:
    """When the newest copy of the server of this folder ended; None where none is known."""
    try:
        told = json.loads((var_dir / _LAST).read_text())
        return dt.datetime.fromisoformat(told["ended_at"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def keep_log(cluster: PrivateCluster) -> None:
    """From now on PostgreSQL leaves its log in its home."""
    home = cluster.status().home
    log = home / "wal"
    if not log.exists():
        log.mkdir(mode=0o700)
        user = server_user(home / "data")
        if user is not None:
            os.chown(log, user.pw_uid, user.pw_gid)


def move_log(cluster: PrivateCluster, folder: Path, seal: Seal) -> int:
    """Move the log that PostgreSQL has finished into the backup; gives how many segments.

    Raises NotFound before the first copy.
    """
    source, target = cluster.status().home / "wal", folder / "wal"
    if not source.exists():
        raise NotFound(f"There is no copy in {folder} yet; begin with 'gridsvc db backup'.")
    target.mkdir(exist_ok=True, mode=0o700)
    segments = sorted(one for one in source.iterdir() if not one.name.endswith(".new"))
    for segment in segments:
        with segment.open("rb") as read, seal.writing(target / f"{segment.name}.sealed") as out:
            shutil.copyfileobj(read, out, _PIECE)
        segment.unlink()
    return len(segments)


def forget(folder: Path, *, keep: int) -> list[str]:
    """Delete all but the newest copies, and the evidence that only they named; gives their names.

    The log before the oldest copy that stays goes too.
    """
    known = copies(folder)
    gone, left = known[:-keep], known[-keep:]
    for copy in gone:
        # Without its manifest it is no copy any more, whatever happens next.
        (folder / copy.name / "manifest.json").unlink()
        shutil.rmtree(folder / copy.name)
    named = {sha256 for copy in left for sha256 in copy.evidence}
    if gone:
        for kept in (folder / "evidence").glob("*.sealed"):
            if kept.name.removesuffix(".sealed") not in named:
                kept.unlink()
        began = dt.datetime.fromisoformat(left[0].began_at).timestamp()
        for segment in (folder / "wal").glob("*.sealed"):
            # A segment is moved after it was written, so one of that time may still be needed.
            if segment.stat().st_mtime < began:
                segment.unlink()
    return [copy.name for copy in gone]


def _copy_base(cluster: PrivateCluster, path: Path, seal: Seal) -> None:
    home, url = cluster.status().home, make_url(cluster.url())
    binaries = find_binaries(int((home / "data" / "PG_VERSION").read_text()))
    command = [str(binaries.folder / "pg_basebackup"), "-D", "-", "-F", "tar", "-X", "fetch"]
    command += ["-c", "fast", "-h", str(url.host), "-p", str(url.port), "-U", str(url.username)]
    with seal.writing(path) as out:
        copying = subprocess.Popen(
            command,
            env=os.environ | {"PGPASSWORD": str(url.password), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        with copying:
            if copying.stdout is None or copying.stderr is None:
                raise AssertionError("both outputs are pipes")
            try:
                shutil.copyfileobj(copying.stdout, out, _PIECE)
            except BaseException:
                copying.kill()
                raise
            said = copying.stderr.read().decode(errors="replace").strip()
        if copying.returncode != 0:
            last = said.splitlines()[-1] if said else "it said nothing"
            raise Unavailable(f"PostgreSQL could not be copied ({last}); nothing was kept.")


def _copy_evidence(source: Path, target: Path, seal: Seal) -> Iterator[str]:
    """Seal the files that the backup does not have yet; gives the hashes of all."""
    target.mkdir(exist_ok=True, mode=0o700)
    for file in sorted(source.glob("[0-9a-f][0-9a-f]/*")):
        if len(file.name) != 64:
            continue
        sealed = target / f"{file.name}.sealed"
        if not sealed.exists():
            with file.open("rb") as read, seal.writing(sealed) as out:
                shutil.copyfileobj(read, out, _PIECE)
        yield file.name


def _ask(cluster: PrivateCluster, question: str) -> Any:
    url = make_url(cluster.url()).set(drivername="postgresql")
    connection = psycopg2.connect(url.render_as_string(hide_password=False))
    try:
        with connection.cursor() as cursor:
            cursor.execute(question)
            row = cursor.fetchone()
            return None if row is None else row[0]
    finally:
        connection.close()
