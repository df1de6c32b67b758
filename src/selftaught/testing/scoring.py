"""`st.score` for tests, which score many programs: with one sandbox for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from typing import Any

from selftaught.app import core_thread
from selftaught.app.parts import executor_for
from selftaught.core.outcome import EvaluationOutcome
from selftaught.core.program import Program
from selftaught.core.seeds import PUBLIC_KEY, Stream
from selftaught.core.task import Task
from selftaught.engine.evaluate import Evaluator, Question
from selftaught.studies.common_config import ScoreConfig
from selftaught.studies.settings import make_config
from selftaught.testing.task_conformance import Scorer


@contextmanager
def scorer(sandbox: Mapping[str, Any] | None = None) -> Iterator[Scorer]:
    """A function that scores programs as `st.score` does, each time anew; ends its sandbox at last.

    Instances follow from the seed alone, so that tests come out the same for everybody.

    Args:
        sandbox: limits of each generated program, as in `st.score`.
    Raises: ConfigError; SandboxUnavailable.
    """
    config = make_config(ScoreConfig, {"sandbox": dict(sandbox or {})}).sandbox
    stack = AsyncExitStack()
    executor = core_thread.run(stack.enter_async_context(executor_for(slots=1, config=config)))

    async def ask(task: Task, program: Program, stream: Stream, seed: int) -> EvaluationOutcome:
        evaluator = Evaluator(executor, seed, PUBLIC_KEY, config.limits(), most_trials=1)
        try:
            return await evaluator.score(program, Question(task, stream, "score"))
        finally:
            await evaluator.aclose()

    def score(
        task: Task, program: str, *, stream: Stream = "search", seed: int = 0
    ) -> EvaluationOutcome:
        return core_thread.run(ask(task, Program(program, task.entry), stream, seed))

    try:
        yield score
    finally:
        core_thread.run(stack.aclose())
