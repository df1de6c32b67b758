"""A folder to stand in, and two small runs to look at."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from installed import Finished, selftaught


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """Two small runs for all tests, which read their folder and write nothing into it."""
    folder = tmp_path_factory.mktemp("finished")
    streams = ("--search-runs", "2", "--val-runs", "2", "--test-runs", "2")
    run = selftaught("run", "flow_shop", "--iterations", "1", *streams, "--json", cwd=folder)
    improve = selftaught("improve", "flow_shop", "--lm-calls", "2", "--json", cwd=folder)
    assert (run.code, improve.code) == (0, 0), run.stderr + improve.stderr
    yield Finished(folder, run, improve)
    assert [path.name for path in folder.iterdir()] == ["selftaught.db"]


@pytest.fixture
def folder(finished: Finished, here: Path) -> Path:
    """A copy of the folder of the two small runs, which is the current one, to write into."""
    return shutil.copytree(finished.folder, here, dirs_exist_ok=True)
