from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from gridsvc.db import PrivateCluster
from gridsvc.db.binaries import find_binaries
from gridsvc.errors import Conflict, MissingPrerequisite, Unavailable
from tests.waiting import PATIENCE_S, Command, slowness, wait_until

_ROOT = Path(__file__).parents[2]

_URL = r"postgresql\+psycopg2://.*"
# What another command does: join, say so, wait for a line, leave. It hears Ctrl-C also where the
# tests run in the background of a shell, whose children ignore it.
_OTHER_COMMAND = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)
from gridsvc.db import PrivateCluster
with PrivateCluster(Path(sys.argv[1])) as cluster:
    print(cluster.url(), flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def var_dir() -> Iterator[Path]:
    """A folder that PostgreSQL's user can reach; its server is gone after the test."""
    folder = Path(tempfile.mkdtemp(prefix="gridsvc-test-"))
    folder.chmod(0o755)
    yield folder
    if (folder / "pg").exists():
        PrivateCluster(folder).remove()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def other_command(var_dir: Path) -> Iterator[Callable[[], Command]]:
    """Start another process that uses the cluster; it has joined when the call returns."""
    started: list[Command] = []

    def start() -> Command:
        words = [sys.executable, "-c", _OTHER_COMMAND, var_dir]
        started.append(Command(words, own_session=True))
        started[-1].says(_URL)
        return started[-1]

    yield start
    for command in started:
        command.kill()


def _ask(url: str, query: str = "SELECT 1") -> object:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        result = connection.execute(text(query))
        return result.scalar() if result.returns_rows else None


def _postmaster(var_dir: Path) -> int:
    return int((var_dir / "pg/data/postmaster.pid").read_text().split("\n")[0])


def _servers(folder: Path) -> list[int]:
    """The PostgreSQL servers whose data lies below ``folder``."""
    place = str(folder.resolve())
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_text().split("\0")
        except OSError:
            continue
        if words[0].endswith("/postgres") and any(word.startswith(place) for word in words):
            found.append(int(entry.parent.name))
    return found


def _let_the_guardian_look(var_dir: Path) -> None:
    """Wait until it has woken up some times, at each of which it looks for users."""
    status = Path("/proc") / (var_dir / "pg/guardian").read_text().strip() / "status"

    def sleeps() -> int:
        return int(status.read_text().split("\nvoluntary_ctxt_switches:")[1].split()[0])

    before = sleeps()
    wait_until(lambda: sleeps() >= before + 3)


@pytest.mark.alone
def test_a_second_start_takes_a_second_at_most_and_keeps_port_and_data(var_dir: Path) -> None:
    with PrivateCluster(var_dir) as cluster:
        first = cluster.url()
        _ask(first, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert _servers(var_dir) == []

    begun = time.monotonic()
    with PrivateCluster(var_dir) as cluster:
        assert _ask(cluster.url(), "SELECT answer FROM kept") == 42
        assert cluster.url() == first
    assert time.monotonic() - begun < 3 * slowness()  # a fifth of a second alone


def test_the_server_is_durable_and_sorts_and_counts_in_utf8(var_dir: Path) -> None:
    with PrivateCluster(var_dir) as cluster:
        assert _ask(cluster.url(), "SHOW fsync") == "on"
        assert _ask(cluster.url(), "SHOW synchronous_commit") == "on"
        assert _ask(cluster.url(), "SHOW server_encoding") == "UTF8"
        assert _ask(cluster.url(), "SHOW lc_collate") == "C.UTF-8"
        assert _ask(cluster.url(), "SELECT length('广安门外街道')") == 6


def test_nobody_gets_in_without_the_password_which_only_its_owner_can_read(var_dir: Path) -> None:
    with PrivateCluster(var_dir) as cluster:
        assert (var_dir / "pg/password").stat().st_mode & 0o777 == 0o600
        port = cluster.status().port
        for password in ("", "wrong"):
            with pytest.raises(psycopg2.OperationalError, match="password"):
                psycopg2.connect(host="127.0.0.1", port=port, user="gridsvc", password=password)
        assert _ask(cluster.url(), "SHOW listen_addresses") == "127.0.0.1"


def test_two_commands_share_one_server_and_the_last_one_stops_it(
    var_dir: Path, other_command: Callable[[], Command]
) -> None:
    first = other_command()
    second = other_command()
    assert len(_servers(var_dir)) == 1

    first.hear("go on")
    assert first.wait() == 0
    with PrivateCluster(var_dir) as third:
        assert _ask(third.url()) == 1
    assert len(_servers(var_dir)) == 1  # the second still uses it

    second.hear("go on")
    assert second.wait() == 0
    assert _servers(var_dir) == []


def test_commands_that_start_at_the_same_moment_start_one_server(var_dir: Path) -> None:
    commands = [Command([sys.executable, "-c", _OTHER_COMMAND, var_dir]) for _ in range(4)]
    assert len({command.says(_URL)[0] for command in commands}) == 1
    assert len(_servers(var_dir)) == 1
    for command in commands:
        command.hear("go on")
        assert command.wait() == 0
    assert _servers(var_dir) == []


def test_the_server_outlives_the_command_that_started_it_while_another_uses_it(
    var_dir: Path, other_command: Callable[[], Command]
) -> None:
    starter = other_command()
    with PrivateCluster(var_dir) as cluster:
        starter.kill()
        _let_the_guardian_look(var_dir)
        assert _ask(cluster.url()) == 1


def test_the_server_stops_by_itself_when_its_last_user_was_killed(
    var_dir: Path, other_command: Callable[[], Command]
) -> None:
    user = other_command()
    assert len(_servers(var_dir)) == 1
    user.kill()
    wait_until(lambda: _servers(var_dir) == [])
    assert not (var_dir / "pg/data/postmaster.pid").exists()  # shut down, not killed


def test_ctrl_c_in_one_terminal_does_not_take_the_server_from_another(
    var_dir: Path, other_command: Callable[[], Command]
) -> None:
    starter = other_command()
    with PrivateCluster(var_dir) as cluster:
        # As a terminal does: to all of its foreground.
        os.killpg(starter.process.pid, signal.SIGINT)
        starter.wait()
        _let_the_guardian_look(var_dir)
        assert _ask(cluster.url()) == 1
    assert _servers(var_dir) == []
    assert "database system is shut down" in (var_dir / "pg/log").read_text()


def test_a_killed_server_comes_back_under_its_users_with_all_that_was_committed(
    var_dir: Path,
) -> None:
    with PrivateCluster(var_dir) as cluster:
        url = cluster.url()
        _ask(url, "CREATE TABLE kept AS SELECT 42 AS answer")
        killed = _postmaster(var_dir)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: killed not in _servers(var_dir))
        with PrivateCluster(var_dir) as again:  # it has come back when this has joined
            assert again.url() == url
            assert _servers(var_dir)
            assert _ask(url, "SELECT answer FROM kept") == 42


def test_a_backend_that_is_at_work_does_not_keep_a_killed_server_from_coming_back(
    var_dir: Path,
) -> None:
    with PrivateCluster(var_dir) as cluster, ThreadPoolExecutor() as threads:
        endless = threads.submit(
            _ask, cluster.url(), "SELECT count(*) FROM generate_series(1, 1e15)"
        )
        at_work = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%1e15%'"
        wait_until(lambda: _ask(cluster.url(), at_work) == 2)
        os.kill(_postmaster(var_dir), signal.SIGKILL)
        with pytest.raises(OperationalError):
            endless.result(PATIENCE_S)
        with PrivateCluster(var_dir) as again:
            assert _ask(again.url()) == 1


def test_after_a_kill_of_everything_the_next_start_recovers(
    var_dir: Path, other_command: Callable[[], Command]
) -> None:
    user = other_command()
    url = PrivateCluster(var_dir).url()
    _ask(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    guardian = int((var_dir / "pg/guardian").read_text())
    server = _postmaster(var_dir)
    for number in (guardian, server, user.process.pid):
        os.kill(number, signal.SIGKILL)
    assert (var_dir / "pg/data/postmaster.pid").exists()
    with PrivateCluster(var_dir) as cluster:
        assert _ask(cluster.url(), "SELECT answer FROM kept") == 42


def test_a_number_in_the_lock_file_that_another_process_bears_now_does_not_matter(
    var_dir: Path, cluster: PrivateCluster
) -> None:
    with PrivateCluster(var_dir) as mine:
        whole = (var_dir / "pg/data/postmaster.pid").read_text().split("\n")
        assert mine.status().running
    # As after a crash in a container: a live process of the same user has the old number.
    neighbour = _postmaster(cluster.status().home.parent)
    left = var_dir / "pg/data/postmaster.pid"
    left.write_text("\n".join([str(neighbour), *whole[1:]]))
    shutil.chown(left, left.parent.stat().st_uid, left.parent.stat().st_gid)
    with PrivateCluster(var_dir) as mine:
        assert _ask(mine.url()) == 1
    assert _ask(cluster.url("postgres")) == 1  # the neighbour was left alone


def test_another_port_is_taken_when_the_last_one_is_not_free(
    var_dir: Path, cluster: PrivateCluster
) -> None:
    with PrivateCluster(var_dir):
        pass
    taken = cluster.status().port
    (var_dir / "pg/port").write_text(str(taken))
    with PrivateCluster(var_dir) as mine:
        assert mine.status().port not in (None, taken)
        assert _ask(mine.url()) == 1


def test_a_kept_server_stays_until_it_is_stopped(
    var_dir: Path, other_command: Callable[[], Command]
) -> None:
    cluster = PrivateCluster(var_dir)
    assert not cluster.status().running
    cluster.start()
    with PrivateCluster(var_dir):
        pass
    assert cluster.status().running
    assert cluster.status().kept

    user = other_command()
    with pytest.raises(Conflict, match="in use by another"):
        cluster.stop()
    assert cluster.status().running
    user.hear("go on")
    user.wait()
    assert not cluster.status().running

    cluster.start()
    cluster.stop()
    assert not cluster.status().running
    assert _servers(var_dir) == []


def test_the_server_stops_when_its_folder_is_deleted(var_dir: Path) -> None:
    PrivateCluster(var_dir).start()
    shutil.rmtree(var_dir / "pg", ignore_errors=True)  # the server may be writing
    wait_until(lambda: _servers(var_dir) == [])


def test_a_long_path_with_spaces_and_chinese_is_no_obstacle(var_dir: Path) -> None:
    place = var_dir / "my projects 网格" / ("long " * 30).strip() / "var"
    with PrivateCluster(place) as cluster:
        assert _ask(cluster.url()) == 1
    PrivateCluster(place).remove()
    assert not (place / "pg").exists()


def test_a_half_made_data_folder_is_made_anew(var_dir: Path) -> None:
    (var_dir / "pg/data.new/base").mkdir(parents=True)
    with PrivateCluster(var_dir) as cluster:
        assert _ask(cluster.url()) == 1
    assert not list((var_dir / "pg").glob("data.new*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
def test_a_project_in_a_closed_folder_keeps_its_data_elsewhere(var_dir: Path) -> None:
    closed = var_dir / "closed"
    closed.mkdir(mode=0o700)
    with PrivateCluster(closed / "var") as cluster:
        _ask(cluster.url(), "CREATE TABLE kept AS SELECT 42 AS answer")
        home = cluster.status().home
        assert home.parent == Path("/var/lib")
    moved = closed.rename(var_dir / "moved")
    with PrivateCluster(moved / "var") as cluster:
        assert cluster.status().home == home
        assert _ask(cluster.url(), "SELECT answer FROM kept") == 42

    copied = Path(shutil.copytree(moved, var_dir / "copied", symlinks=True))
    copied.chmod(0o700)
    with PrivateCluster(copied / "var") as copy, PrivateCluster(moved / "var") as cluster:
        assert copy.status().home != home
        assert cluster.status().home == home
    PrivateCluster(copied / "var").remove()
    PrivateCluster(moved / "var").remove()
    assert not home.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_who_is_not_root_runs_it_as_himself(var_dir: Path) -> None:
    nobody = 65534
    os.chown(var_dir, nobody, nobody)
    try:
        process = subprocess.run(
            [sys.executable, "-c", _OTHER_COMMAND, str(var_dir)],
            input="\n",
            capture_output=True,
            text=True,
            cwd=_ROOT,
            user=nobody,
            group=nobody,
            extra_groups=[],
            check=False,
        )
    except PermissionError:
        pytest.skip("the Python of this environment lies where other users cannot run it")
    assert process.returncode == 0, process.stderr
    assert (var_dir / "pg/data").stat().st_uid == nobody
    with PrivateCluster(var_dir) as cluster:  # and root after him
        assert _ask(cluster.url()) == 1
    assert (var_dir / "pg/data").stat().st_uid == nobody


def test_the_url_of_a_server_that_does_not_run_is_refused_with_advice(var_dir: Path) -> None:
    with pytest.raises(Unavailable, match="gridsvc db start"):
        PrivateCluster(var_dir).url()


def test_a_server_that_does_not_start_says_why_and_where_to_read_more(var_dir: Path) -> None:
    cluster = PrivateCluster(var_dir, options={"shared_buffers": "nonsense"})
    with pytest.raises(Unavailable, match=r"shared_buffers.*pg/log"):
        cluster.join()
    with PrivateCluster(var_dir) as sound:
        assert _ask(sound.url()) == 1


def _fake_postgres(folder: Path, version: str) -> None:
    folder.mkdir(parents=True)
    for name, says in (("initdb", ""), ("postgres", ""), ("pg_config", f"PostgreSQL {version}")):
        (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
        (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    ("installed", "begins"),
    [
        ({}, "PostgreSQL with PostGIS is not installed: "),
        ({"14": "14.9"}, "PostgreSQL with PostGIS is not installed: "),
        ({"15": "15.4 (Debian 15.4-1)"}, "PostgreSQL 15 is here without PostGIS: "),
        ({"18": "18beta1"}, "PostgreSQL 18 is here without PostGIS: "),
    ],
)
def test_missing_postgis_is_one_sentence_that_says_what_to_do(
    installed: dict[str, str], begins: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    for version, says in installed.items():
        _fake_postgres(tmp_path / version / "bin", says)
    with pytest.raises(MissingPrerequisite) as caught:
        find_binaries(debian=tmp_path)
    sentence = caught.value.detail
    assert sentence.startswith(begins)
    assert len(re.findall(r"[.!?](\s|$)", sentence)) == 1
    for way_out in ("postgresql-15-postgis-3", "docker compose up", "DATABASE_URL"):
        assert way_out in sentence


def test_a_cluster_of_a_postgresql_that_was_removed_names_its_version(tmp_path: Path) -> None:
    with pytest.raises(MissingPrerequisite, match="install postgresql-16-postgis-3"):
        find_binaries(16, debian=tmp_path)
