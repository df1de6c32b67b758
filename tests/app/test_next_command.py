"""Commands that are told to be typed next do what they say, wherever the run is kept."""

from __future__ import annotations

import shlex

import pytest

from selftaught.studies.common_config import DEFAULT_STORE
from selftaught.studies.next_command import next_command


@pytest.mark.parametrize(
    ("store", "words"),
    [
        (DEFAULT_STORE, ["selftaught", "show", "20261125-0a"]),
        (
            "sqlite:///my runs/all.db",
            ["selftaught", "show", "20261125-0a", "--store", "sqlite:///my runs/all.db"],
        ),
    ],
)
def test_a_shell_reads_the_run_and_its_store(store: str, words: list[str]) -> None:
    assert shlex.split(next_command("show", "20261125-0a", store)) == words
