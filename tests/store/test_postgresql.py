"""Stores in a real PostgreSQL server: who writes, what a kill leaves, what is told to nobody."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text as sql

from postgresql_server import PASSWORD, PostgresqlServer, postgresql_server
from selftaught.core.errors import ConfigError, InfrastructureError
from selftaught.journal.codec import KINDS, Other
from selftaught.journal.journal import open_journal
from selftaught.journal.location import check_writable, locate
from selftaught.journal.reader import open_reader
from selftaught.journal.run_lock import hold_run, lock_state, really_holds

pytestmark = pytest.mark.slow

RUN = "20261123-0455-3f9a"
HOLDING = """
import sys, time
from selftaught.journal.run_lock import hold_run

with hold_run(sys.argv[1], sys.argv[2]):
    print("held", flush=True)
    time.sleep(600)
"""
FORKING = """
import os, sys, time
from selftaught.journal.run_lock import hold_run

with hold_run(sys.argv[1], sys.argv[2]):
    child = os.fork()
    if child:
        print("held", child, sep="\\n", flush=True)
    time.sleep(600)
"""
SMALL = ("improve", "flow_shop", "--lm-calls", "6", "--improver", "seed", "--json")
SAME = ("task", "seed", "best")


def held_elsewhere(url: str, script: str = HOLDING) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", script, url, RUN], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def written(url: str, *keys: str, run_id: str = RUN, texts: tuple[str, ...] = ()) -> None:
    async def write() -> None:
        journal = await asyncio.to_thread(open_journal, url)
        for key in keys:
            journal.append(run_id, Other("made_up", {}), key, texts)
        await journal.flush(durable=True)
        await journal.aclose()

    asyncio.run(write())


def command(*arguments: str, url: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "selftaught", *arguments, "--store", url],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def done(*arguments: str, url: str, cwd: Path) -> dict[str, Any]:
    process = command(*arguments, url=url, cwd=cwd)
    said, told = process.communicate(timeout=100)
    assert process.returncode == 0, told
    result: dict[str, Any] = json.loads(said)
    return result


def soon(happens: Callable[[], bool], within_s: float = 60.0) -> None:
    end_s = time.monotonic() + within_s
    while not happens():
        assert time.monotonic() < end_s
        time.sleep(0.02)


# --- one process writes a run ---------------------------------------------------------------------


def test_a_run_has_one_holder_whose_kill_lets_it_go(server_url: str) -> None:
    process = held_elsewhere(server_url)
    try:
        with (
            pytest.raises(ConfigError, match=f"in progress, in process {process.pid} ") as refused,
            hold_run(server_url, RUN),
        ):
            pytest.fail("two hold it")
        assert PASSWORD not in str(refused.value)
        state = lock_state(server_url, RUN)
        assert state.is_held
        assert state.holder is not None
        assert PASSWORD not in state.holder.command
        assert really_holds(server_url, RUN, state.holder)
        with hold_run(server_url, "another"):
            assert lock_state(server_url, "another").is_held
    finally:
        process.kill()
        process.communicate()
    soon(lambda: not lock_state(server_url, RUN).is_held)
    assert not really_holds(server_url, RUN, state.holder)
    with hold_run(server_url, RUN):
        mine = lock_state(server_url, RUN)
        assert mine.holder is not None
        assert mine.holder.pid == os.getpid()
    assert lock_state(server_url, RUN).holder is None  # it ended in order


def test_a_fork_does_not_keep_what_its_parent_held(server_url: str) -> None:
    process = held_elsewhere(server_url, script=FORKING)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.kill()
    process.wait()
    try:
        soon(lambda: not lock_state(server_url, RUN).is_held, 10)
    finally:
        os.kill(child, signal.SIGKILL)
        process.stdout.close()


def test_who_lost_a_run_without_knowing_it_writes_no_more(server_url: str) -> None:
    async def write() -> None:
        with hold_run(server_url, RUN):
            journal = open_journal(server_url)
            journal.append(RUN, Other("made_up", {}), "before")
            await journal.flush()
            cut_off = (
                "SELECT pg_terminate_backend(l.pid) FROM pg_locks l "
                "WHERE l.locktype = 'advisory' AND l.pid <> pg_backend_pid()"
            )
            with locate(server_url).connect("write") as connection:
                assert len(connection.execute(sql(cut_off)).all()) == 1
            other = await asyncio.to_thread(held_elsewhere, server_url)
            try:
                journal.append(RUN, Other("made_up", {}), "after")
                with pytest.raises(InfrastructureError, match=f"taken over run {RUN}"):
                    await journal.flush()
            finally:
                other.kill()
                other.communicate()
            await journal.aclose()

    asyncio.run(write())
    with open_reader(server_url) as reader:
        assert [event.key for event in reader.events(RUN)] == ["before"]


def test_writers_of_the_same_texts_in_any_order_do_not_wait_for_each_other(server_url: str) -> None:
    texts = [f"text {number}" for number in range(400)]
    locate(server_url).prepare(60)

    def write(number: int) -> None:
        async def several() -> None:
            journal = open_journal(server_url)
            for _ in range(10):
                order = texts if number % 2 else texts[::-1]
                journal.append(f"run{number}", Other("made_up", {}), "k", order)
                await journal.flush(durable=True)
            await journal.aclose()

        asyncio.run(several())

    with ThreadPoolExecutor(4) as threads:
        for _ in threads.map(write, range(4)):
            pass
    with open_reader(server_url) as reader:
        assert len(list(reader.stored_texts())) == len(texts)
        assert all(len(list(reader.events(f"run{number}"))) == 10 for number in range(4))


def test_who_follows_a_run_misses_nothing_that_others_write_beside_it(server_url: str) -> None:
    stop = threading.Event()

    def beside() -> None:
        while not stop.is_set():
            written(server_url, "a", "b", run_id="other")

    thread = threading.Thread(target=beside)
    locate(server_url).prepare(60)
    thread.start()
    try:

        async def write() -> list[str]:
            journal, found, last = open_journal(server_url), [], 0
            with open_reader(server_url) as reader:
                for number in range(60):
                    journal.append(RUN, Other("made_up", {}), f"{number}")
                    await journal.flush()
                    for event in reader.events(RUN, after=last):
                        found.append(event.key)
                        last = event.seq
            await journal.aclose()
            return found

        assert asyncio.run(write()) == [f"{number}" for number in range(60)]
    finally:
        stop.set()
        thread.join()


def test_who_follows_all_runs_waits_for_an_earlier_place_that_is_not_committed_yet(
    server_url: str,
) -> None:
    written(server_url, "first")
    location = locate(server_url)
    with (
        open_reader(server_url) as reader,
        location.connect("write") as slow,
        location.connect("write") as quick,
    ):
        (start,) = reader.news(0, ())
        body = '{"detail":"x"}'
        with location.transaction(slow):
            location.insert_events(slow, [("slow", "notice", "a", 0.0, body)])
            with location.transaction(quick):
                location.insert_events(quick, [("quick", "notice", "b", 0.0, body)])
            assert reader.news(start.seq, [KINDS["notice"]]) == []
        assert [event.key for event in reader.news(start.seq, [KINDS["notice"]])] == ["a", "b"]


def test_a_reader_goes_on_when_the_server_comes_back(own_server: PostgresqlServer) -> None:
    url = own_server.create("back_again")
    written(url, "first")
    with open_reader(url) as reader:
        own_server.kill()
        with pytest.raises(InfrastructureError, match="could not be read"):
            reader.runs()
        own_server.start()
        assert len(reader.news(0, ())) == 1


def test_what_was_taken_out_is_missed(server_url: str) -> None:
    written(server_url, *"abcde")
    with open_reader(server_url) as reader:
        assert reader.missing_events() == []
    with locate(server_url).connect("write") as connection:
        connection.execute(sql("DELETE FROM events WHERE key IN ('b', 'd')"))
    with open_reader(server_url) as reader:
        assert reader.missing_events() == [f"2 of the 5 events of run {RUN} are missing"]


# --- what is refused ------------------------------------------------------------------------------


def test_what_cannot_be_used_is_told_in_one_line_without_the_password(
    server: PostgresqlServer, server_url: str
) -> None:
    with locate(server_url).connect("write") as connection:
        connection.exec_driver_sql("CREATE TABLE somebody_elses (x int)")
    wrong = {
        server.url("not_there"): 'database "not_there" does not exist',
        server.url().replace(str(server.port), "1"): "see whether the server is up",
        server.url().replace(PASSWORD, f"x{PASSWORD}"): "password authentication failed",
        server_url: "database of something else",
        server.url(""): "names no database",
    }
    for url, reason in wrong.items():
        with pytest.raises(ConfigError) as refused:
            check_writable(url)
        assert reason in str(refused.value)
        assert "\n" not in str(refused.value)
        assert PASSWORD not in str(refused.value)


# --- runs -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresqlServer]:
    """One that may be killed."""
    with postgresql_server() as started:
        yield started


@pytest.mark.timeout(240)
def test_a_run_comes_to_the_same_end_through_kills_of_host_and_of_server(
    own_server: PostgresqlServer, tmp_path: Path
) -> None:
    whole = done(*SMALL, url=f"sqlite:///{tmp_path}/whole.db", cwd=tmp_path)
    url = own_server.create("killed")

    def scored() -> int:
        with open_reader(url) as reader:
            return sum(event.kind == "evaluation" for event in reader.events(reader.runs()[0]))

    def began() -> bool:
        with locate(url).connect("read") as connection:
            found = connection.execute(sql("SELECT to_regclass('events')")).scalar()
            return found is not None and bool(
                connection.execute(sql("SELECT count(*) FROM events")).scalar()
            )

    process = command(*SMALL, url=url, cwd=tmp_path)
    soon(began)
    soon(lambda: scored() >= 2)
    process.kill()
    process.communicate()
    stood = scored()

    process = command("resume", "latest", "--json", url=url, cwd=tmp_path)
    soon(lambda: scored() > stood or process.poll() is not None)
    own_server.kill()
    _, told = process.communicate(timeout=100)
    if process.returncode:  # else it was done already
        assert process.returncode == 1, told
        assert "journal in store postgresql" in told
        assert PASSWORD not in told
    own_server.start()

    result = done("resume", "latest", "--json", url=url, cwd=tmp_path)
    assert {name: result[name] for name in SAME} == {name: whole[name] for name in SAME}
    for arguments in (("verify",), ("replay", "latest")):
        process = command(*arguments, url=url, cwd=tmp_path)
        said, told = process.communicate(timeout=100)
        assert process.returncode == 0, said + told


@pytest.mark.timeout(240)
def test_several_runs_in_one_store_and_its_password_in_none_of_what_is_kept_or_said(
    server: PostgresqlServer, server_url: str, tmp_path: Path
) -> None:
    both = [command(*SMALL, "--seed", seed, url=server_url, cwd=tmp_path) for seed in ("1", "2")]
    said = "".join(text for one in both for text in one.communicate(timeout=200))
    assert [one.returncode for one in both] == [0, 0], said
    for arguments in (("runs",), ("show", "latest"), ("verify",), ("show", "latest", "--trace")):
        one = command(*arguments, url=server_url, cwd=tmp_path)
        said += "".join(one.communicate(timeout=100))
        assert one.returncode == 0
    # What is suggested next names the store.
    assert f"postgresql+psycopg://someone:***@127.0.0.1:{server.port}" in said
    with locate(server_url).connect("read") as connection:
        for table in ("events", "meta", "writers"):
            said += str(connection.execute(sql(f"SELECT * FROM {table}")).all())
        kept = connection.execute(sql("SELECT text FROM texts")).scalars()
        said += "".join(bytes(text).decode("utf-8", "replace") for text in kept)
    assert PASSWORD not in said
