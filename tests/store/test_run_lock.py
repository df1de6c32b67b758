"""Two processes and one run: the second is refused, and a lock dies with its holder."""

from __future__ import annotations

import os
import platform
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from selftaught.core.errors import ConfigError
from selftaught.journal.holder import LockState
from selftaught.journal.location import locate
from selftaught.journal.run_lock import hold_run, lock_state, really_holds

RUN = "20261123-045512-3f9a"
OTHER_RUN = "20261123-045512-3f9b"

HOLDER = """
import subprocess, sys
from selftaught.journal.run_lock import hold_run

with hold_run(sys.argv[1], sys.argv[2]):
    child = None
    if "with-a-child" in sys.argv:
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    print("held", child.pid if child else 0, flush=True)
    sys.stdin.read()
"""

CONTENDER = """
import fcntl, os, sys, time
from selftaught.core.errors import ConfigError
from selftaught.journal.run_lock import hold_run

held = 0
deadline = time.monotonic() + 60
while held < 200:
    assert time.monotonic() < deadline
    try:
        with hold_run(sys.argv[1], sys.argv[2]):
            mark = os.open(sys.argv[3], os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            os.close(mark)
            os.unlink(sys.argv[3])
            held += 1
    except ConfigError as refused:
        assert "is in progress" in str(refused)
"""

FORKER = """
import os, sys
from selftaught.core.errors import ConfigError
from selftaught.journal.run_lock import hold_run

def is_free():
    try:
        with hold_run(sys.argv[1], sys.argv[2]):
            return True
    except ConfigError:
        return False

reading, writing = os.pipe()
with hold_run(sys.argv[1], sys.argv[2]):
    if os.fork() == 0:
        os._exit(0)
    os.wait()
    assert not is_free()
    if os.fork() == 0:  # lives on until the pipe is closed
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
assert is_free()
os.close(writing)
os.wait()
"""


@contextmanager
def holder(url: str, *more: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that holds the run, and the pid of its child, if it has one."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, url, RUN, *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        word, child = process.stdout.readline().split()
        assert word == "held"
        yield process, int(child)
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()


def lock_file(folder: Path) -> Path:
    return folder / f"store.db.{RUN}.lock"


def test_a_run_is_held_by_one_process_and_the_other_is_told_by_which(url: str) -> None:
    with holder(url) as (process, _):
        with pytest.raises(ConfigError) as refused:
            with hold_run(url, RUN):
                raise AssertionError
        message = str(refused.value)
        assert f"run {RUN} is in progress, in process {process.pid} (" in message
        assert "\n" not in message
        with hold_run(url, OTHER_RUN):
            pass
    with hold_run(url, RUN):
        pass


def test_the_same_process_twice_is_refused_as_well(url: str) -> None:
    with hold_run(url, RUN):
        with pytest.raises(ConfigError, match=f"in process {os.getpid()} "):
            with hold_run(locate(url), RUN):
                raise AssertionError
        with pytest.raises(ConfigError, match="is in progress"):
            with hold_run(url, RUN):
                raise AssertionError
    with hold_run(url, RUN):
        pass


def test_another_name_of_the_database_is_the_same_run(folder: Path, url: str) -> None:
    (folder / "store.db").touch()
    (folder / "link.db").symlink_to(folder / "store.db")
    with hold_run(url, RUN):
        with pytest.raises(ConfigError, match="is in progress"):
            with hold_run(f"sqlite:///{folder}/link.db", RUN):
                raise AssertionError


def test_the_file_is_its_owners_alone_and_gone_at_the_end(folder: Path, url: str) -> None:
    with hold_run(url, RUN):
        assert stat.S_IMODE(lock_file(folder).stat().st_mode) == 0o600
    assert not lock_file(folder).exists()
    with pytest.raises(ZeroDivisionError), hold_run(url, RUN):
        raise ZeroDivisionError
    assert not lock_file(folder).exists()


def test_a_killed_holder_frees_the_run_at_once_though_its_children_live(
    folder: Path, url: str
) -> None:
    with holder(url, "with-a-child") as (process, child):
        try:
            process.kill()
            assert process.wait(timeout=30) == -signal.SIGKILL
            assert lock_file(folder).exists()
            with hold_run(url, RUN):
                os.kill(child, 0)
        finally:
            os.kill(child, signal.SIGKILL)
    assert not lock_file(folder).exists()


def test_a_fork_of_the_holder_neither_keeps_the_run_nor_frees_it(url: str) -> None:
    # Not here: the threads of other tests may be alive, and do not go with a fork.
    forking = [sys.executable, "-c", FORKER, url, RUN]
    assert subprocess.run(forking, timeout=60, check=False).returncode == 0


@pytest.mark.parametrize("stale", ["process 1 (of yesterday)", '{"pid": [], "host": 1}', "\0"])
def test_a_stale_file_does_not_matter(stale: str, folder: Path, url: str) -> None:
    lock_file(folder).write_text(stale)
    assert lock_state(url, RUN) == LockState(is_held=False, holder=None)
    with hold_run(url, RUN):
        holder = lock_state(url, RUN).holder
        assert holder is not None
        assert holder.pid == os.getpid()
    assert not lock_file(folder).exists()


def test_the_lock_tells_a_holder_from_one_that_is_gone_and_from_another_of_its_number(
    folder: Path, url: str
) -> None:
    assert lock_state(url, RUN) == LockState(is_held=False, holder=None)
    with holder(url) as (process, _):
        held = lock_state(url, RUN)
        assert held.is_held
        assert held.holder is not None
        assert (held.holder.pid, held.holder.host) == (process.pid, platform.node())
        assert really_holds(url, RUN, held.holder)
        assert not really_holds(url, RUN, replace(held.holder, pid=os.getpid()))
        assert not really_holds(url, RUN, replace(held.holder, host="elsewhere"))
        with lock_file(folder).open() as opened:  # open here as well, and not locked
            assert not really_holds(url, RUN, replace(held.holder, pid=os.getpid()))
            assert opened.readable()
        process.kill()
        process.wait(timeout=30)
    assert lock_state(url, RUN) == LockState(is_held=False, holder=held.holder)


def test_a_file_that_was_put_in_our_place_is_not_ours_to_remove(folder: Path, url: str) -> None:
    with hold_run(url, RUN):
        lock_file(folder).unlink()
        lock_file(folder).write_text("another's")
    assert lock_file(folder).read_text() == "another's"


def test_processes_that_come_and_go_never_hold_it_together(folder: Path, url: str) -> None:
    mark = str(folder / "mark")
    contenders = [
        subprocess.Popen([sys.executable, "-c", CONTENDER, url, RUN, mark]) for _ in range(3)
    ]
    assert [process.wait(timeout=90) for process in contenders] == [0, 0, 0]
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_not_there_is_refused_in_one_line(folder: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be locked") as refused:
        with hold_run(f"sqlite:///{folder}/none/store.db", RUN):
            raise AssertionError
    assert "\n" not in str(refused.value)


def test_a_link_in_place_of_the_file_is_not_followed(folder: Path, url: str) -> None:
    (folder / "precious").write_text("precious")
    lock_file(folder).symlink_to(folder / "precious")
    with pytest.raises(ConfigError, match="cannot be locked"):
        with hold_run(url, RUN):
            raise AssertionError
    assert (folder / "precious").read_text() == "precious"
