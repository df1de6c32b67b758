"""How the tests of the tasks score a program: in the sandbox, as everything else does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

import selftaught as st
from selftaught.core.ports import CandidateSlot, Evaluation, GuestLimits, Job, Sandbox, Zygote
from selftaught.core.program import Program
from selftaught.core.seeds import PUBLIC_KEY, Stream
from selftaught.engine.evaluate import Question, evaluate_in_slot
from selftaught.executors.session import GuestSession
from selftaught.testing.task_conformance import Scorer


class OneSlot:
    """A candidate slot over one zygote, for the thread of the tests."""

    def __init__(self, zygote: Zygote, tier: str) -> None:
        self._zygote = zygote
        self.tier = tier

    def session(self, job: Job) -> GuestSession:
        return GuestSession(self._zygote, job)

    @contextmanager
    def spares(self, most: int) -> Iterator[Sequence[CandidateSlot]]:
        yield ()


class SlotScorer:
    """`st.score` without starting a zygote for each program."""

    def __init__(self, slot: OneSlot) -> None:
        self._slot = slot

    def __call__(
        self, task: st.Task, program: str, *, stream: Stream = "search", seed: int = 0
    ) -> st.Scored | st.Failed:
        question = Question(task, stream, "score")
        # A program that sleeps is not waited for any longer than it takes to tell.
        limits = GuestLimits(wall_s=1.0 if "sleep(" in program else 5.0)
        return evaluate_in_slot(
            self._slot, Evaluation(Program(program), question, seed, PUBLIC_KEY, limits)
        )


@pytest.fixture(scope="session")
def score(any_sandbox: Sandbox) -> Iterator[Scorer]:
    zygote = any_sandbox.start()
    try:
        zygote.ready()
        yield SlotScorer(OneSlot(zygote, any_sandbox.tier))
    finally:
        zygote.close()
