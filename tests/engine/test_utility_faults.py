"""Whose fault it is when a utility raises: its author's, or that of what one candidate returned."""

from __future__ import annotations

import argparse
import asyncio
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_support import FakeExecutor, LoggedModel, World, make_context

from sandbox_support import HONEST
from selftaught.core.errors import InfrastructureError
from selftaught.core.outcome import EvaluationOutcome, Failed, Scored
from selftaught.core.program import Program
from selftaught.core.seeds import PUBLIC_KEY
from selftaught.core.task import Measure, SandboxedProgram, Task, per_instance
from selftaught.engine.evaluate import MOST_TRIALS, Evaluator, Question
from selftaught.engine.history import History, Memory
from selftaught.engine.utilities import TaskUtility
from selftaught.engine.utility_error import UtilityError
from selftaught.executors.daemon_threads import DaemonThreads

Rng = np.random.Generator


def make_task(utility: Any, seed: str | None = None, **how: Any) -> Task:
    return Task("mine", seed, utility, **{"range": (0.0, 1.0), "description": "a test's", **how})


def careless(program: SandboxedProgram, rng: Rng) -> float:
    return program(1)[0] / 2  # type: ignore[no-any-return]


def programs(count: int) -> list[Program]:
    return [Program(f"{HONEST}# {index}") for index in range(count)]


def outcomes(
    task: Task, listed: list[Program], answers: Callable[[Any], Any], **how: Any
) -> list[EvaluationOutcome]:
    """Of the programs, one after the other, all of which answer the same."""

    async def run() -> list[EvaluationOutcome]:
        evaluator = Evaluator(FakeExecutor(answers), 0, PUBLIC_KEY, **how)
        question = Question(task, "search", "0")
        return [await evaluator.score(program, question) for program in listed]

    return asyncio.run(run())


# --- a utility that has scored nothing yet --------------------------------------------------------


def test_a_utility_that_fails_on_every_program_is_at_fault_after_so_many() -> None:
    task = make_task(careless)
    spared = outcomes(task, programs(MOST_TRIALS - 1), lambda x: None)
    assert {outcome.kind for outcome in spared} == {"bad_output"}
    with pytest.raises(UtilityError, match="has scored none yet") as told:
        outcomes(task, programs(MOST_TRIALS), lambda x: None)
    line = careless.__code__.co_firstlineno + 1
    assert f"raised TypeError: 'NoneType' object is not subscriptable ({__file__}:{line})" in str(
        told.value
    )
    assert f"on each of {MOST_TRIALS} different programs" in str(told.value)


def test_one_program_that_fails_again_and_again_says_nothing_of_the_utility() -> None:
    async def run() -> None:
        evaluator = Evaluator(FakeExecutor(lambda x: None), 0, PUBLIC_KEY)
        for repeat in range(2 * MOST_TRIALS):
            question = Question(make_task(careless), "search", f"{repeat}")
            assert isinstance(await evaluator.score(Program(HONEST), question), Failed)

    asyncio.run(run())


@pytest.mark.parametrize("returned", [2.0, None], ids=["out of its range", "no score"])
def test_what_is_no_score_every_time_is_the_utilitys_fault_too(returned: object) -> None:
    def utility(program: SandboxedProgram, rng: Rng) -> Any:
        program(1)
        return returned

    with pytest.raises(UtilityError, match="has scored none yet"):
        outcomes(make_task(utility), programs(MOST_TRIALS), lambda x: 0)


def test_failures_at_other_lines_or_of_other_kinds_are_counted_apart() -> None:
    def utility(program: SandboxedProgram, rng: Rng) -> float:
        which = program() % 4
        if which == 0:
            return 1 / 0
        if which == 1:
            return 2 / 0
        return [3.0, "no score"][which - 2]  # type: ignore[return-value]

    async def run() -> None:
        executor = FakeExecutor(lambda x: 0)
        evaluator = Evaluator(executor, 0, PUBLIC_KEY)
        question = Question(make_task(utility), "search", "0")
        for which, program in enumerate(programs(4 * (MOST_TRIALS - 1))):
            executor.outcome = partial(int, which)
            assert isinstance(await evaluator.score(program, question), Failed)

    asyncio.run(run())


def test_a_score_shows_that_a_utility_works_and_a_programs_own_failure_does_not() -> None:
    def run(first: Any) -> list[EvaluationOutcome]:
        answers = iter([first])

        def answer(x: Any) -> Any:
            return next(answers, None)

        return outcomes(make_task(careless), programs(1 + MOST_TRIALS), answer)

    scored, *others = run([1])
    assert scored == replace(Scored(0.5, tier="fake"), cpu_s=scored.cpu_s, drew=False)
    assert {outcome.kind for outcome in others} == {"bad_output"}
    with pytest.raises(UtilityError):
        run(Failed("raised", "its own"))


@pytest.mark.parametrize("works", [True, False])
def test_on_the_users_own_seed_a_utility_must_work_at_once_unless_it_has_before(
    works: bool,
) -> None:
    async def run() -> EvaluationOutcome:
        task = make_task(careless, HONEST)
        evaluator = Evaluator(FakeExecutor(lambda x: None), 0, PUBLIC_KEY)
        if works:
            evaluator.works(task)
        return await evaluator.score(Program(HONEST), Question(task, "search", "0"))

    if works:
        assert asyncio.run(run()).kind == "bad_output"
    else:
        with pytest.raises(UtilityError, match="TypeError"):
            asyncio.run(run())


def test_a_utility_that_raises_before_it_calls_the_program_is_at_fault_even_if_it_has_worked() -> (
    None
):
    async def run() -> None:
        task = make_task(lambda program, rng: undefined + 1)  # type: ignore[name-defined]  # noqa: F821
        evaluator = Evaluator(FakeExecutor(lambda x: 0), 0, PUBLIC_KEY)
        evaluator.works(task)
        await evaluator.score(Program(HONEST), Question(task, "search", "0"))

    with pytest.raises(UtilityError, match=r"NameError.*test_utility_faults\.py:\d+"):
        asyncio.run(run())


def test_a_run_that_goes_on_knows_of_the_scores_that_it_has() -> None:
    """Else the program that the model wrote as a seed would be taken for one that must work."""

    async def run(context: Any) -> EvaluationOutcome:
        task = make_task(careless, HONEST)
        known = TaskUtility(context, task, "search", "0")
        await known.outcome(Program(HONEST))
        return await TaskUtility(context, task, "val", "0").outcome(Program(HONEST))

    first = make_context(FakeExecutor(lambda x: [1]))
    assert asyncio.run(run(first)).kind == "scored"
    keys = [key for kind, key, _ in first.journal.events if kind == "evaluation"]  # type: ignore[attr-defined]
    resumed = make_context(FakeExecutor(lambda x: None))
    resumed.history = History(Memory(evaluations={keys[0]: Scored(0.5)}))
    assert asyncio.run(run(resumed)).kind == "bad_output"


def test_who_scores_one_program_is_told_of_the_utilitys_error() -> None:
    with pytest.raises(UtilityError, match="TypeError") as told:
        outcomes(make_task(careless), programs(1), lambda x: None, most_trials=1)
    assert "different programs" not in str(told.value)


def test_a_broken_utility_of_a_task_without_a_seed_ends_the_run_soon(world: World) -> None:
    def utility(program: SandboxedProgram, rng: Rng) -> float:
        return float(program(1) * undefined)  # type: ignore[name-defined]  # noqa: F821

    async def run() -> None:
        task = make_task(utility)
        context = make_context(world.executor, LoggedModel())
        u = TaskUtility(context, task, "search", "0")
        for program in programs(3 * MOST_TRIALS):
            await u.query(program)

    with pytest.raises(UtilityError, match=r"NameError.*undefined.*test_utility_faults\.py:\d+"):
        world.run(run())


# --- whatever a utility raises ------------------------------------------------------------------


class Odd(BaseException):
    """One that nobody expects, and that cannot be told."""

    def __str__(self) -> str:
        raise SystemExit(7)


def exits(program: SandboxedProgram, rng: Rng) -> float:
    program(1)
    sys.exit(3)


def exits_without_a_word(program: SandboxedProgram, rng: Rng) -> float:
    program(1)
    sys.exit()


def parses_arguments(program: SandboxedProgram, rng: Rng) -> float:
    program(1)
    argparse.ArgumentParser().parse_args(["--frob"])
    return 0.0


def interrupts(program: SandboxedProgram, rng: Rng) -> float:
    program(1)
    raise KeyboardInterrupt


def cancels(program: SandboxedProgram, rng: Rng) -> float:
    program(1)
    raise asyncio.CancelledError


def closes(program: SandboxedProgram, rng: Rng) -> float:
    program(1)
    raise GeneratorExit


def raises_what_cannot_be_told(program: SandboxedProgram, rng: Rng) -> float:
    program(1)
    raise Odd


async def exits_in_a_coroutine(program: SandboxedProgram, rng: Rng) -> float:
    program(1)
    await asyncio.sleep(0)
    sys.exit(3)


async def interrupts_in_a_coroutine(program: SandboxedProgram, rng: Rng) -> float:
    program(1)
    await asyncio.sleep(0)
    raise KeyboardInterrupt


async def exits_in_a_task(program: SandboxedProgram, rng: Rng) -> float:
    async def background() -> None:
        sys.exit(3)

    program(1)
    task = asyncio.create_task(background())
    await asyncio.sleep(1)
    await task
    return 0.0


async def exits_in_a_thread_of_its_own(program: SandboxedProgram, rng: Rng) -> float:
    program(1)
    await asyncio.to_thread(lambda: sys.exit(3))
    return 0.0


def exits_where_inputs_are_made(program: SandboxedProgram, rng: Rng) -> float:
    program(1)
    program.map(sys.exit(3) for _ in range(2))
    return 0.0


class Exits:
    """A number that is none."""

    def __float__(self) -> float:
        sys.exit(3)

    def __str__(self) -> str:
        sys.exit(3)


def exits_where_its_score_is_read(program: SandboxedProgram, rng: Rng) -> Any:
    program(1)
    return Exits()


def exits_where_its_feedback_is_read(program: SandboxedProgram, rng: Rng) -> Measure:
    program(1)
    return Measure(0.5, feedback=Exits())  # type: ignore[arg-type]


EXITS = [
    exits,
    exits_without_a_word,
    parses_arguments,
    interrupts,
    cancels,
    closes,
    raises_what_cannot_be_told,
    exits_in_a_coroutine,
    interrupts_in_a_coroutine,
    exits_in_a_task,
    exits_in_a_thread_of_its_own,
    exits_where_inputs_are_made,
    exits_where_its_score_is_read,
    exits_where_its_feedback_is_read,
    per_instance(lambda rng: [1], lambda program, x: sys.exit(int(program(x)))),
]


@pytest.mark.parametrize("utility", EXITS, ids=lambda one: getattr(one, "__name__", "per_instance"))
def test_whatever_a_utility_raises_is_its_authors_error_and_ends_nothing_else(
    utility: Any, world: World
) -> None:
    async def run() -> EvaluationOutcome:
        evaluator = Evaluator(world.executor, 0, PUBLIC_KEY)
        task = make_task(utility, HONEST)
        with pytest.raises(UtilityError, match=r"raised \w+: .*test_utility_faults\.py:\d+"):
            await evaluator.score(Program(HONEST), Question(task, "search", "0"))
        # The loop, the slot and its guest go on.
        honest = make_task(lambda program, rng: program(0.25), HONEST)
        evaluator.works(honest)
        assert (await evaluator.score(Program(HONEST), Question(task, "search", "1"))).value is None
        return await Evaluator(world.executor, 0, PUBLIC_KEY).score(
            Program(HONEST), Question(honest, "search", "0")
        )

    assert world.run(run(), 20).value == 0.5


def test_an_error_in_a_library_is_told_with_the_line_that_called_it() -> None:
    def utility(program: SandboxedProgram, rng: Rng) -> float:
        program(1)
        return float(np.linalg.inv(np.zeros((2, 2)))[0, 0])

    with pytest.raises(UtilityError, match="LinAlgError") as told:
        outcomes(make_task(utility, HONEST), [Program(HONEST)], lambda x: 0)
    assert told.value.place == (Path(__file__), utility.__code__.co_firstlineno + 2)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
def test_what_would_end_a_loop_comes_out_of_a_thread_as_our_failure(error: BaseException) -> None:
    def work() -> None:
        raise error

    async def run() -> None:
        pool = DaemonThreads(2, "test")
        loop = asyncio.get_running_loop()
        with pytest.raises(InfrastructureError, match=type(error).__name__):
            await loop.run_in_executor(pool, work)
        assert await loop.run_in_executor(pool, threading.active_count) >= 1
        pool.shutdown()

    asyncio.run(run())
