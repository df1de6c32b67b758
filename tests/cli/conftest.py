"""A folder to stand in, and two small runs to look at."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import installed
import pytest
from installed import Done, Finished, selftaught


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session", autouse=True)
def of_all_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run of the tests have in common."""
    own = tmp_path_factory.getbasetemp()
    installed.shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    return installed.shared


@pytest.fixture(scope="session")
def finished(of_all_workers: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """Two small runs for all tests, which read their folder and write nothing into it.

    One worker makes them, and each has a copy.
    """
    made, said = of_all_workers / "made", of_all_workers / "said.json"
    with (of_all_workers / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            made.mkdir()
            streams = ("--search-runs", "2", "--val-runs", "2", "--test-runs", "2")
            run = selftaught("run", "flow_shop", "--iterations", "1", *streams, "--json", cwd=made)
            improve = selftaught("improve", "flow_shop", "--lm-calls", "2", "--json", cwd=made)
            said.write_text(json.dumps([asdict(run), asdict(improve)]))
    run, improve = (Done(**one) for one in json.loads(said.read_text()))
    assert (run.code, improve.code) == (0, 0), run.stderr + improve.stderr
    folder = shutil.copytree(made, tmp_path_factory.mktemp("finished"), dirs_exist_ok=True)
    yield Finished(folder, run, improve)
    assert [path.name for path in folder.iterdir()] == ["selftaught.db"]


@pytest.fixture
def folder(finished: Finished, here: Path) -> Path:
    """A copy of the folder of the two small runs, which is the current one, to write into."""
    return shutil.copytree(finished.folder, here, dirs_exist_ok=True)
