"""Scoring a program: the user's utility on the host, the program in the sandbox."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeAlias

from selftaught.core.concurrency import SingleFlight
from selftaught.core.errors import SelfTaughtError
from selftaught.core.examples import Examples
from selftaught.core.outcome import EvaluationOutcome, Scored, stopped
from selftaught.core.ports import (
    CandidateSlot,
    Evaluation,
    Executor,
    GuestLimits,
)
from selftaught.core.ports import Question as Question
from selftaught.core.program import Program
from selftaught.core.seeds import draws, instance_generator
from selftaught.core.task import ProgramFailed, Task
from selftaught.core.utility import RACED, Race
from selftaught.engine.handle import Handle
from selftaught.engine.utility_error import Trials, UtilityError, checked
from selftaught.engine.watch import Watch

# So many different programs do not all return what a utility cannot be expected to take.
MOST_TRIALS = 12


# Runs blocking work on a thread that holds a slot, and waits for it.
RunInSlot: TypeAlias = Callable[
    [Callable[[CandidateSlot], EvaluationOutcome]], Awaitable[EvaluationOutcome]
]


class Evaluator:
    """Scores programs. Identical questions about one program are asked once in a run."""

    def __init__(
        self,
        executor: Executor,
        run_seed: int,
        instance_key: str,
        limits: GuestLimits | None = None,
        most_trials: int = MOST_TRIALS,
        at_once: int | None = None,
    ) -> None:
        """`at_once`: utilities at a time, at most; None for as many as the executor takes."""
        self.at_once = min(executor.candidates, at_once or executor.candidates)
        self._places = asyncio.Semaphore(self.at_once)
        self._executor = executor
        self._run_seed = run_seed
        self._instance_key = instance_key
        self._limits = limits or GuestLimits()
        self._trials = Trials(most_trials)
        self._answers = SingleFlight[tuple[str, ...], EvaluationOutcome]()

    async def score(
        self,
        program: Program,
        question: Question,
        record: Callable[[EvaluationOutcome], None] | None = None,
        found: EvaluationOutcome | None = None,
    ) -> EvaluationOutcome:
        """The outcome.

        Args:
            record: is told of a new outcome, once, even if whoever asked first has gone; not of the
                answer to an earlier, equal question.
            found: the outcome, where a race has come to it.
        Raises: InfrastructureError; UtilityError if the utility itself is at fault.
        """

        async def anew() -> EvaluationOutcome:
            outcome = found or await self._evaluate(program, question)
            if record is not None:
                record(outcome)
            return outcome

        return await self._answers.get(_key(program, question), anew)

    async def race(
        self,
        program: Program,
        question: Question,
        against: Program,
        scored: Scored,
        record: Callable[[EvaluationOutcome], None],
        record_whole: Callable[[EvaluationOutcome], None],
    ) -> EvaluationOutcome:
        """The outcome of a race against a program that has scored so much; of one that is not
        stopped, that is what it would be without a race, and `score` knows it then.

        What others have found out of the program does not count, so that what a race comes to does
        not depend on who is first.

        Args:
            record, record_whole: as of `score`, of the race, and of an outcome that is whole.
        """

        async def anew() -> EvaluationOutcome:
            outcome = await self._evaluate(program, question, scored)
            if stopped(outcome) is None:
                await self.score(program, question, record_whole, outcome)
            record(outcome)
            return outcome

        return await self._answers.get((*_key(program, question), against.id), anew)

    def works(self, task: Task) -> None:
        """The task's utility has scored a program before."""
        self._trials.works(task)

    async def aclose(self) -> None:
        """Stop what is under way."""
        await self._answers.aclose()

    async def _evaluate(
        self, program: Program, question: Question, against: Scored | None = None
    ) -> EvaluationOutcome:
        evaluation = Evaluation(
            program, question, self._run_seed, self._instance_key, self._limits, against
        )
        try:
            async with self._places:
                outcome = await self._executor.evaluate(evaluation)
        except UtilityError as error:
            return self._trials.verdict(error, question.task, program)
        if isinstance(outcome, Scored):
            self._trials.works(question.task)
        return outcome


def _key(program: Program, question: Question) -> tuple[str, ...]:
    return program.id, question.task.name, question.stream, question.repeat


async def evaluate_watched(evaluation: Evaluation, run_in_slot: RunInSlot) -> EvaluationOutcome:
    """One evaluation in a slot of this process: what an executor does there, or a worker of one.

    Raises: UtilityError, also once the utility has hung for `utility_wall_s`; InfrastructureError.
    """
    task, watch = evaluation.question.task, Watch()
    try:
        async with watch.at_most(task.utility_wall_s):
            return await run_in_slot(lambda slot: evaluate_in_slot(slot, evaluation, watch))
    except TimeoutError:
        defined_at = task.defined_at()
        raise UtilityError(
            task,
            f"has not returned for {task.utility_wall_s:g} s, calls of the program aside",
            fault="hangs",
            place=watch.where(defined_at and defined_at[0]),
            asked=False,
            then="; mend it, or give Task(utility_wall_s=...)",
        ) from None


def evaluate_in_slot(
    slot: CandidateSlot, evaluation: Evaluation, watch: Watch | None = None
) -> EvaluationOutcome:
    """One evaluation, blocking, in the slot of the calling thread.

    Raises: UtilityError; InfrastructureError.
    """
    question = evaluation.question
    task = question.task
    watch = watch or Watch()
    watch.begin()
    rng = instance_generator(
        evaluation.instance_key,
        evaluation.run_seed,
        task.name,
        question.stream,
        question.repeat,
    )
    before = draws(rng)
    handle = Handle(slot, evaluation, watch)
    is_text = task.kind == "text"
    given: Any = evaluation.program.source if is_text else handle
    try:
        utility = task.utility
        if isinstance(utility, Examples):
            utility = utility.of(question.stream, question.repeat)
        if evaluation.against is not None and isinstance(utility, RACED):
            result: Any = utility(given, rng, Race(evaluation.against, -1 if task.minimize else 1))
        else:
            result = utility(given, rng)
        if inspect.isawaitable(result):
            result = asyncio.run(_awaited(result))
        scored = checked(
            task,
            result,
            asked=is_text or handle.asked,
            cpu_s=handle.cpu_s,
            printed=handle.printed,
            tier=slot.tier,
        )
        if isinstance(scored, Scored):
            has_parts = isinstance(task.utility, Examples)  # of which each is another
            scored = replace(scored, drew=has_parts or draws(rng) != before)
    except ProgramFailed as error:
        handle.raise_trouble()
        return replace(error.failure, cpu_s=handle.cpu_s, printed=handle.printed)
    except SelfTaughtError:
        handle.raise_trouble()
        raise
    except BaseException as error:
        # Signals go to the main thread: SystemExit and KeyboardInterrupt are the utility's, too,
        # and would end the loop of whoever waits.
        handle.raise_trouble()
        raise UtilityError.raised(task, error, asked=is_text or handle.asked) from error
    finally:
        handle.close()
    handle.raise_trouble()
    return scored


async def _awaited(result: Any) -> Any:
    return await result
