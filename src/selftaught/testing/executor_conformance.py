"""What every executor must fulfil, as a class to subclass in a test module.

    from selftaught.testing.executor_conformance import ExecutorConformance

    @pytest.fixture(scope="module")
    def started():  # a function that makes an async context manager of an executor
        return my_executor

    class TestMyExecutor(ExecutorConformance):
        pass

One candidate, one outer and one inner improver at once are enough, and find most.
"""

from __future__ import annotations

import asyncio
import math
import pickle
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar

import pytest

from selftaught.core.errors import InfrastructureError
from selftaught.core.messages import Reply, Request, ScoreRequest
from selftaught.core.outcome import EvaluationOutcome, Failed, Scored
from selftaught.core.ports import Evaluation, Executor, GuestLimits, GuestResult, Job, Question
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.core.seeds import PUBLIC_KEY
from selftaught.core.task import Task
from selftaught.engine.utility_error import UtilityError
from selftaught.testing.executor_tasks import (
    DOUBLES,
    asks_for_long,
    divides_by_nothing,
    hangs_for_a_while,
    measures,
    measures_in_time,
    says_that_we_failed,
)

T = TypeVar("T")
Start = Callable[[], AbstractAsyncContextManager[Executor]]

DRAWS = "import random\ndef algorithm(x):\n    return random.random()\n"
LOOPS = "def algorithm(x):\n    while True: pass\n"
FACTS = {"description": "", "calls": 1, "samples_per_call": 1, "utility_uses": 1}
BODY = "def improve_algorithm(initial_solution, utility, language_model):\n    "


def work(task: Task = measures, source: str = DOUBLES, repeat: str = "0") -> Evaluation:
    """A piece of work."""
    question = Question(task, "search", repeat)
    return Evaluation(Program(source), question, 7, PUBLIC_KEY, GuestLimits(wall_s=60.0))


def sent(evaluation: Evaluation) -> Evaluation:
    """It, as another process has it."""
    again = pickle.loads(pickle.dumps(evaluation))
    assert isinstance(again, Evaluation)
    return again


def but_for_time(outcome: EvaluationOutcome) -> EvaluationOutcome:
    """What must be the same each time."""
    return replace(outcome, cpu_s=0.0)


@dataclass(frozen=True, slots=True)
class Running:
    """An executor, and the event loop in which it runs."""

    runner: asyncio.Runner
    executor: Executor

    def run(self, coroutine: Coroutine[Any, Any, T], limit_s: float = 60.0) -> T:
        """Run to the end; a deadlock is a TimeoutError."""
        return self.runner.run(asyncio.wait_for(coroutine, limit_s))

    def evaluated(self, evaluation: Evaluation) -> EvaluationOutcome:
        return self.run(self.executor.evaluate(evaluation))

    async def improved(
        self, body: str, *, depth: int = 1, cpu_s: float = 5.0, serve: Any = None
    ) -> GuestResult:
        job = Job(Program(BODY + body, IMPROVER_ENTRY))
        serve = serve or _served
        return await self.executor.improve(job, "s", FACTS, depth=depth, cpu_s=cpu_s, serve=serve)


async def _served(request: Request) -> Reply:
    """Serves like a broker whose utility is worth 0.5 of everything."""
    return _values(request, 0.5)


def _values(request: Request, value: float) -> Reply:
    count = len(request.solutions) if isinstance(request, ScoreRequest) else 0
    return Reply({"values": [value] * count, "feedback": [""] * count, "uses": 1})


class ExecutorConformance:
    """Subclass it, with a fixture `started` beside it, and pytest runs these tests.

    Attributes:
        ends_within_s: a cancelled call must have returned by then.
    """

    ends_within_s: ClassVar[float] = 4.0

    @pytest.fixture(scope="class")
    @classmethod
    def running(cls, started: Start) -> Iterator[Running]:
        with asyncio.Runner() as runner:
            stack = AsyncExitStack()

            async def start() -> Executor:
                return await stack.enter_async_context(started())

            try:
                yield Running(runner, runner.run(start()))
            finally:
                runner.run(stack.aclose())

    # --- evaluate -------------------------------------------------------------------------------

    def test_a_program_is_scored_as_its_utility_says(self, running: Running) -> None:
        outcome = running.evaluated(work())
        assert isinstance(outcome, Scored), outcome
        assert outcome.value == pytest.approx(math.fsum(outcome.per_instance))
        assert len(outcome.per_instance) == 8
        assert outcome.metrics == {"longest": max(outcome.per_instance)}
        assert outcome.feedback == "measured"
        assert outcome.tier == running.executor.tier
        assert outcome.cpu_s > 0

    @pytest.mark.parametrize("source", [DOUBLES, DRAWS, "1 / 0"])
    def test_work_that_was_pickled_comes_to_the_same(self, running: Running, source: str) -> None:
        evaluation = work(source=source)
        there = running.evaluated(sent(evaluation))
        assert but_for_time(there) == but_for_time(running.evaluated(evaluation))

    def test_instances_and_guests_randomness_follow_from_the_work_alone(
        self, running: Running
    ) -> None:
        async def all_at_once() -> list[EvaluationOutcome]:
            asked = [work(source=DRAWS, repeat=str(i % 3)) for i in range(9)]
            return await asyncio.gather(*map(running.executor.evaluate, asked))

        outcomes = [but_for_time(outcome) for outcome in running.run(all_at_once())]
        assert outcomes[:3] == outcomes[3:6] == outcomes[6:]
        assert len({outcome.value for outcome in outcomes}) == 3
        seeds = [replace(work(), run_seed=1), replace(work(), instance_key="secret"), work()]
        assert len({running.evaluated(one).value for one in seeds}) == 3

    @pytest.mark.parametrize(
        ("source", "kind"),
        [
            ("def algorithm(:", "syntax"),
            ("x = 1", "no_code"),
            ("def algorithm(x):\n    return 1 / 0\n", "raised"),
            ("def algorithm(x):\n    return {x}\n", "bad_output"),
            ("def algorithm(x):\n    import os; os._exit(0)\n", "crashed"),
            ("def algorithm(x):\n    return bytearray(1 << 40)\n", "memory"),
            (LOOPS, "timeout"),
        ],
    )
    def test_a_program_that_fails_is_a_value_and_the_next_is_served(
        self, running: Running, source: str, kind: str
    ) -> None:
        outcome = running.evaluated(work(source=source))
        assert isinstance(outcome, Failed), outcome
        assert outcome.kind == kind
        assert isinstance(running.evaluated(work()), Scored)

    def test_a_utility_that_raises_is_its_authors_error_with_the_line(
        self, running: Running
    ) -> None:
        with pytest.raises(UtilityError, match="ZeroDivisionError") as told:
            running.evaluated(work(divides_by_nothing))
        self._is_at(told.value, divides_by_nothing)
        assert told.value.fault == "ZeroDivisionError"
        assert told.value.asked

    def test_a_failure_of_ours_is_raised_and_leaves_no_slot_taken(self, running: Running) -> None:
        for _ in range(10):
            with pytest.raises(InfrastructureError, match="a part of ours is broken") as told:
                running.evaluated(work(says_that_we_failed))
            assert told.value.retryable

    def test_a_utility_that_hangs_is_told_while_it_does(self, running: Running) -> None:
        start_s = time.monotonic()
        with pytest.raises(UtilityError, match=r"has not returned for 0\.3 s") as told:
            running.evaluated(work(hangs_for_a_while))
        assert told.value.fault == "hangs"
        self._is_at(told.value, hangs_for_a_while)
        assert time.monotonic() - start_s < 1.5 + self.ends_within_s
        assert isinstance(running.evaluated(work()), Scored)  # it has let go of its slot

    def test_the_time_of_a_programs_calls_is_not_the_utilitys(self, running: Running) -> None:
        slow = "import time\ndef algorithm(x):\n    time.sleep(0.2)\n    return x\n"
        assert isinstance(running.evaluated(work(measures_in_time, slow)), Scored)

    def test_more_evaluations_than_slots_all_end(self, running: Running) -> None:
        async def all_at_once() -> list[EvaluationOutcome]:
            return await asyncio.gather(
                *(running.executor.evaluate(work(repeat=str(i))) for i in range(40))
            )

        outcomes = running.run(all_at_once())
        assert len({outcome.value for outcome in outcomes}) == 40

    def test_a_cancelled_evaluation_soon_ends_and_frees_its_slot(self, running: Running) -> None:
        endless = work(asks_for_long, LOOPS)
        endless = replace(endless, limits=replace(endless.limits, wall_s=1000.0))

        async def cancelled(wait_s: float) -> None:
            asked = asyncio.create_task(running.executor.evaluate(endless))
            await self._cancel(asked, wait_s)
            assert isinstance(await running.executor.evaluate(work()), Scored)

        for wait_s in (0.0, 0.01, 0.5):
            running.run(cancelled(wait_s))

    def test_a_cancelled_one_that_waits_for_a_slot_takes_none(self, running: Running) -> None:
        async def run() -> list[EvaluationOutcome]:
            asked = [
                asyncio.create_task(running.executor.evaluate(work(repeat=str(i))))
                for i in range(30)
            ]
            await asyncio.sleep(0)
            for one in asked[::2]:
                one.cancel()
            await asyncio.wait(asked)
            return [one.result() for one in asked[1::2]]

        assert all(isinstance(outcome, Scored) for outcome in running.run(run()))

    # --- improve --------------------------------------------------------------------------------

    @pytest.mark.parametrize("depth", [0, 1])
    def test_an_improver_is_served_and_its_result_is_data(
        self, running: Running, depth: int
    ) -> None:
        body = "return [initial_solution, float(utility('x')), utility.map(['a', 'b'])]"
        result = running.run(running.improved(body, depth=depth))
        assert result.value == ["s", 0.5, [0.5, 0.5]]
        assert result.cpu_s > 0

    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            ("while True: pass", "timeout"),
            ("import os; os._exit(0)", "crashed"),
            ("return 1 / 0", "raised"),
            ("return {1, 2}", "bad_output"),
            ("return bytearray(1 << 40)", "memory"),
        ],
    )
    def test_an_improver_that_fails_is_a_value(
        self, running: Running, body: str, kind: str
    ) -> None:
        result = running.run(running.improved(body, cpu_s=0.3))
        assert isinstance(result.value, Failed), result.value
        assert result.value.kind == kind
        assert running.run(running.improved("return 'well'")).value == "well"

    def test_what_fails_in_serving_is_raised_and_is_no_result(self, running: Running) -> None:
        async def fail(request: Request) -> Reply:
            raise InfrastructureError("nobody serves")

        with pytest.raises(InfrastructureError, match="nobody serves"):
            running.run(running.improved("return str(utility('x'))", serve=fail))

    def test_improvers_of_improvers_that_score_do_not_deadlock(self, running: Running) -> None:
        async def score(request: Request) -> Reply:
            assert isinstance(await running.executor.evaluate(work()), Scored)
            return _values(request, 1.0)

        async def improve(request: Request) -> Reply:
            inner = (running.improved("return utility('x')", serve=score) for _ in range(3))
            values: list[Any] = [result.value for result in await asyncio.gather(*inner)]
            return _values(request, sum(values))

        async def run() -> list[Any]:
            outer = (
                running.improved("return utility('x')", depth=0, cpu_s=30.0, serve=improve)
                for _ in range(6)
            )
            return [result.value for result in await asyncio.gather(*outer)]

        assert running.run(run(), 90) == [3.0] * 6

    def test_a_cancelled_improver_soon_ends_and_frees_its_slot(self, running: Running) -> None:
        async def cancelled(wait_s: float) -> GuestResult:
            asked = asyncio.create_task(running.improved("while True: pass", cpu_s=1000.0))
            await self._cancel(asked, wait_s)
            return await running.improved("return 'well'")

        for wait_s in (0.0, 0.01, 0.5):
            assert running.run(cancelled(wait_s)).value == "well"

    # --- load and call --------------------------------------------------------------------------

    def test_loading_says_how_a_program_fails_and_calls_nothing(self, running: Running) -> None:
        assert running.run(running.executor.load(Job(Program(LOOPS)))) is None
        failure = running.run(running.executor.load(Job(Program("def algorithm(:"))))
        assert failure is not None
        assert failure.kind == "syntax"

    def test_a_tool_is_called_at_once_by_many_and_mended_after_a_failure(
        self, running: Running
    ) -> None:
        job = Job(Program("def algorithm(x):\n    return x if x else 1 / 0\n"))

        async def all_at_once() -> Sequence[Any]:
            return await asyncio.gather(
                *(running.executor.call(job, (i % 3,), cpu_s=1.0, seed=0) for i in range(12))
            )

        for number, answer in enumerate(running.run(all_at_once())):
            if number % 3:
                assert answer == number % 3
            else:
                assert isinstance(answer, Failed)
                assert answer.kind == "raised"

    def _is_at(self, error: UtilityError, task: Task) -> None:
        """On the first line of its utility's body, wherever the file is installed there."""
        defined_at = task.defined_at()
        assert error.place is not None
        assert defined_at is not None
        assert (error.place[0].name, error.place[1]) == (defined_at[0].name, defined_at[1] + 1)

    async def _cancel(self, asked: asyncio.Task[Any], wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        asked.cancel()
        start_s = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert time.monotonic() - start_s < self.ends_within_s
