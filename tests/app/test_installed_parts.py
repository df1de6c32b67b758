"""Sandboxes and executors that others install are found, made and used by their names."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selftaught.app.discovery import make_executor, make_sandbox, sandbox_names
from selftaught.app.parts import executor_for, sandboxes
from selftaught.core.errors import ConfigError
from selftaught.core.ports import ExecutorServices, Job
from selftaught.core.program import Program
from selftaught.executors.local import LocalExecutor
from selftaught.sandboxes.layout import find_layout

MODULE = """
from contextlib import asynccontextmanager

class Third:
    tier = "a_third"
    def __init__(self, layout):
        self.layout = layout
    def start(self, *, guests=1, modules=()):
        raise AssertionError("nothing is started")

class Counting:
    def __init__(self, services):
        self.services = services
    async def load(self, job):
        return job.program.source

@asynccontextmanager
async def create(services):
    yield Counting(services)

"""
ENTRY_POINTS = """
[selftaught.sandboxes]
a_third = others_parts:Third
[selftaught.executors]
counting = others_parts:create
broken = others_parts:missing
"""


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[None]:
    """A distribution of somebody else, as pip leaves it."""
    (tmp_path / "others_parts.py").write_text(MODULE)
    info = tmp_path / "others_parts-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: others-parts\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        yield


def test_our_own_tiers_are_tried_strongest_first() -> None:
    assert [sandbox.tier for sandbox in sandboxes()] == ["namespaced", "sealed"]
    assert [sandbox.tier for sandbox in sandboxes("sealed")] == ["sealed"]


@pytest.mark.usefixtures("installed")
def test_a_tier_of_somebody_else_comes_after_ours_and_gets_the_layout() -> None:
    assert sandbox_names() == ["namespaced", "sealed", "a_third"]
    made: Any = make_sandbox("a_third", find_layout())
    assert made.layout == find_layout()
    assert [sandbox.tier for sandbox in sandboxes("a_third")] == ["a_third"]


@pytest.mark.usefixtures("installed")
def test_an_executor_of_somebody_else_is_made_from_the_runs_settings() -> None:
    async def run() -> Any:
        async with executor_for("a_third", 3, nesting=2, executor="counting") as executor:
            assert await executor.load(Job(Program("p"))) == "p"
            return executor

    services = asyncio.run(run()).services
    assert [sandbox.tier for sandbox in services.sandboxes] == ["a_third"]
    assert (services.slots, services.nesting) == (3, 2)


def test_our_own_executor_is_found_as_others_are() -> None:
    async def run() -> None:
        async with executor_for(slots=1) as executor:
            assert isinstance(executor, LocalExecutor)
            assert await executor.load(Job(Program("def algorithm(): pass"))) is None

    asyncio.run(run())


@pytest.mark.usefixtures("installed")
def test_a_name_that_is_not_there_or_does_not_load_is_told_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match="unknown sandbox tier 'none': there are a_third, name"):
        sandboxes("none")
    with pytest.raises(ConfigError, match="unknown executor 'none': there are broken, counting, l"):
        make_executor("none", ExecutorServices([]))
    with pytest.raises(ConfigError, match="executor 'broken' cannot be loaded: AttributeError"):
        make_executor("broken", ExecutorServices([]))
