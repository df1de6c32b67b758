"""The executors that there are keep to the contract of theirs, and one that is spread over two
processes does, too."""

from __future__ import annotations

import pytest
from worker import worker_executor

from selftaught.core.ports import ExecutorServices, Sandbox
from selftaught.executors.local import LocalExecutor
from selftaught.testing.executor_conformance import ExecutorConformance, Start


def with_one_slot_of_each_kind(sandbox: Sandbox) -> LocalExecutor:
    """Whatever could wait for itself does."""
    return LocalExecutor(sandbox, candidates=1, outer=1, inner=1)


class TestLocalExecutor(ExecutorConformance):
    """In each tier of the sandbox."""

    @pytest.fixture(scope="class")
    @classmethod
    def started(cls, sandbox: Sandbox) -> Start:
        return with_one_slot_of_each_kind(sandbox).running


class TestEvaluationsInAnotherProcess(ExecutorConformance):
    """Work and outcomes are sent, the watch of a hanging utility is there."""

    @pytest.fixture(scope="class")
    @classmethod
    def started(cls, any_sandbox: Sandbox) -> Start:
        local = with_one_slot_of_each_kind(any_sandbox)
        return lambda: worker_executor(ExecutorServices([any_sandbox], slots=1), local)
