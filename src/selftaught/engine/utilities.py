"""The utilities that improvers are given: a task's on some instances, or the meta-utility."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any, TypedDict

from selftaught.core.concurrency import SingleFlight
from selftaught.core.errors import CUT_SHORT, Enough
from selftaught.core.evolve_block import LOST, frame_of
from selftaught.core.outcome import EvaluationOutcome, Failed, Scored, stopped
from selftaught.core.program import Program
from selftaught.core.seeds import Stream
from selftaught.core.task import Task
from selftaught.core.utility import RACED
from selftaught.engine.context import RunContext
from selftaught.engine.describe import describe_task
from selftaught.engine.evaluate import Question
from selftaught.engine.keys import make_key
from selftaught.engine.utility_error import ON_CANDIDATE
from selftaught.journal.events import Evaluation
from selftaught.journal.race_events import Raced
from selftaught.journal.study_events import MetaEvaluation
from selftaught.meta_utility import Improver, MetaScore, MetaUtility


class Facts(TypedDict):
    """What the journal says of a utility."""

    task: str | None
    stream: str | None
    repeat: str | None


class QueriedUtility(ABC):
    """A utility as the broker needs it.

    Attributes:
        key: names it in the keys of improver runs.
        depth: slots that improvers of it run in: 0 for improvers of improvers, else 1.
        lowest: what a failure is worth.
    """

    key: str
    depth: int
    description: str
    lowest: float

    def restored(self, source: str) -> str | None:
        """A program with what may not change as it was; None where that cannot be told."""
        return source

    @abstractmethod
    async def query(self, program: Program) -> tuple[float, str]:
        """Value and feedback. A failed program is worth the lowest value."""

    async def raced(self, program: Program, against: Program) -> tuple[float, str, Fraction]:
        """The same, and what share of a use it took: less than 1 if the program was stopped, since
        it would not have come to be better than the other, which has been scored. Then the value is
        an estimate."""
        return *await self.query(program), Fraction(1)

    @abstractmethod
    def facts(self) -> Facts:
        """What the journal says of it."""

    async def past_of(self, program: Program) -> dict[str, Any]:
        """What a guest that improves the program is told of it besides."""
        return {}

    async def __call__(self, s: Program) -> float:
        return (await self.query(s))[0]


class TaskUtility(QueriedUtility):
    """A task's utility on the instances of one stream and repeat; raw or normalised values.

    What it is asked for is worth more if it is better; outcomes have the task's own values.
    """

    depth = 1

    def __init__(
        self,
        context: RunContext,
        task: Task,
        stream: Stream,
        repeat: str,
        *,
        normalised: bool = False,
    ) -> None:
        self._context = context
        self._question = Question(task, stream, repeat)
        self._normalised = normalised
        self._version = task.version_by(context.version_scheme)
        self.key = make_key(context.root, "task", task.name, self._version, stream, repeat)
        self.description = describe_task(task, context.modules, context.version_scheme)
        self.lowest = task.lowest
        self._frame = frame_of(task.seed_program().source)
        for secret in task.secrets if context.version_scheme > 2 else ():
            context.notice(f"{secret} looks like a secret: the model is not shown it")

    async def __call__(self, s: Program) -> float:
        worth, _ = await self.query(s)
        task = self._question.task
        return task.normalised(task.worth(worth)) if self._normalised else worth

    def restored(self, source: str) -> str | None:
        return source if self._frame is None else self._frame.restored(source)

    async def query(self, program: Program) -> tuple[float, str]:
        outcome = await self.outcome(program)
        value, said = self.lowest, str(outcome.kind)
        if isinstance(outcome, Failed):
            said = f"{said}: {outcome.detail}" if outcome.detail else said
        else:
            # Here, and nowhere else, costs become what improvers make higher.
            value, said = self._question.task.worth(outcome.value), outcome.feedback
        if outcome.printed:
            said = "\n".join(filter(None, (said, "The program printed:", outcome.printed)))
        return value, said

    async def outcome(self, program: Program) -> EvaluationOutcome:
        """The whole outcome; journalled when it is new."""
        context = self._context
        source = self.restored(program.source)
        program = program if source is None else Program(source, program.entry)
        key = make_key(self.key, program.id)
        known = context.history.evaluation(key, program)
        stands = context.history.scored(known)
        if isinstance(known, Scored):
            context.evaluator.works(self._question.task)
        if stands is not None:
            return stands
        record = partial(self._record, key, program)
        if source is None:
            outcome: EvaluationOutcome = Failed("no_code", LOST)
            record(outcome)
        else:
            outcome = await context.evaluator.score(program, self._question, record)
        return outcome if known is None else known

    async def raced(self, program: Program, against: Program) -> tuple[float, str, Fraction]:
        task, best = self._question.task, await self.outcome(against)
        if isinstance(task.utility, RACED) and isinstance(best, Scored):
            lost = stopped(await self._race(program, against, best))
            if lost is not None:
                return max(self.lowest, task.worth(lost.value)), lost.feedback, lost.share
        return await super().raced(program, against)

    async def _race(self, program: Program, against: Program, best: Scored) -> EvaluationOutcome:
        """What it comes to, journalled when new; of one that is not stopped, that it was not."""
        source, other = self.restored(program.source), self.restored(against.source)
        if source is None or other is None:
            return Failed("no_code", LOST)
        program, against = Program(source, program.entry), Program(other, against.entry)
        whole = make_key(self.key, program.id)
        key = make_key(whole, "against", against.id)
        known = self._context.history.evaluation(key, program)
        if (stands := self._context.history.scored(known)) is not None:
            return stands
        outcome = await self._context.evaluator.race(
            program,
            self._question,
            against,
            best,
            partial(self._record_race, key, program, against),
            partial(self._record, whole, program),
        )
        return outcome if known is None else known

    def facts(self) -> Facts:
        question = self._question
        return {"task": question.task.name, "stream": question.stream, "repeat": question.repeat}

    def _record(self, key: str, program: Program, outcome: EvaluationOutcome) -> None:
        scored = None if isinstance(outcome, Failed) else outcome
        body = Evaluation(
            **self._asked(program, outcome),
            outcome=outcome.kind,
            value=outcome.value,
            detail=outcome.detail if isinstance(outcome, Failed) else "",
            feedback=scored.feedback if scored else "",
            per_instance=tuple(map(_finite, scored.per_instance)) if scored else (),
            metrics={k: _finite(v) for k, v in scored.metrics.items()} if scored else {},
            printed=outcome.printed,
            drew=scored.drew if scored else True,
        )
        self._context.record(body, key, (program.source,))
        if isinstance(outcome, Failed) and outcome.detail.startswith(ON_CANDIDATE):
            self._context.notice(
                f"task {self._question.task.name}: {outcome.detail} for what a candidate returned, "
                "which counts as its failure; check outputs before you use them"
            )
        self._tell(outcome)

    def _record_race(
        self, key: str, program: Program, against: Program, outcome: EvaluationOutcome
    ) -> None:
        lost = stopped(outcome)
        done, of = (lost.share if lost else Fraction(1)).as_integer_ratio()
        body = Raced(
            **self._asked(program, outcome),
            against=against.id,
            value=lost.value if lost else None,
            feedback=lost.feedback if lost else "",
            per_instance=lost.per_instance if lost else (),
            done=done,
            of=of,
        )
        self._context.record(body, key, (program.source,))
        if lost is not None:
            self._tell(lost)

    def _asked(self, program: Program, outcome: EvaluationOutcome) -> dict[str, Any]:
        said = {"program": program.id, "task_version": self._version, "cpu_s": outcome.cpu_s}
        return {**self.facts(), **said, "tier": self._context.executor.tier}

    def _tell(self, outcome: EvaluationOutcome) -> None:
        self._context.tell(
            "candidate_scored",
            task=self._question.task.name,
            stream=self._question.stream,
            outcome=outcome.kind,
            value=outcome.value,
        )


class DownstreamTask:
    """A task as the meta-utility sees it: instances of its own for each stream and run."""

    def __init__(self, context: RunContext, task: Task) -> None:
        self._context = context
        self._task = task
        self._seed = task.seed_program()

    @property
    def name(self) -> str:
        return self._task.name

    @property
    def s(self) -> Program:
        return self._seed

    def searched(self, stream: Stream, run: int | str) -> TaskUtility:
        return TaskUtility(self._context, self._task, "search", _repeat(stream, run))

    def judged(self, stream: Stream, run: int | str) -> TaskUtility:
        repeat = _repeat(stream, run)
        return TaskUtility(self._context, self._task, stream, repeat, normalised=True)


class CachedMetaUtility(MetaUtility):
    """The meta-utility with a memory: an improver is scored once on each stream."""

    def __init__(
        self,
        context: RunContext,
        tasks: list[DownstreamTask],
        runs: dict[Stream, int],
        build: Callable[[Program], Improver],
    ) -> None:
        """`build` makes the improvers that run on tasks, whatever was to be scored."""
        super().__init__(tasks, context.model, runs)
        self._context = context
        self.build = build
        self._scores = SingleFlight[tuple[str, Stream], MetaScore]()

    async def score(self, I: Improver, stream: Stream) -> MetaScore:  # noqa: E741, N803
        return await self._scores.get((I.program.id, stream), lambda: self._score_anew(I, stream))

    async def pairs(
        self,
        new: Improver,
        old: Improver,
        stream: Stream,
        name: str,
        rounds: range,
    ) -> dict[str, list[tuple[float, float]]]:
        """As there.

        Raises: Enough if the budget cut one of them short: it would seem to be a worse improver.
        """
        new, old = (self.build(one.program) for one in (new, old))
        found = await super().pairs(new, old, stream, name, rounds)
        own = _repeat(stream, f"{name}-")
        if any(one is not None and one.startswith(own) for one in self._context.short):
            raise Enough(CUT_SHORT)
        return found

    async def aclose(self) -> None:
        """Stop what is under way."""
        await self._scores.aclose()

    async def _score_anew(self, improver: Improver, stream: Stream) -> MetaScore:
        score = await super().score(self.build(improver.program), stream)
        score = replace(score, bounds=self._context.bounds)
        key = make_key(self._context.root, "meta", improver.program.id, stream)
        found = score.estimate
        body = MetaEvaluation(
            improver=improver.program.id,
            stream=stream,
            mean=found.mean,
            ci95=found.ci95,
            n=found.n,
            values={task: tuple(values) for task, values in score.values.items()},
        )
        self._context.record(body, key, (improver.program.source,))
        return score


def _repeat(stream: Stream, run: int | str) -> str:
    """Instances of a run, in whatever stream: search instances of a val run are no others' too."""
    return f"{stream}-{run}"


def _finite(value: float) -> float | None:
    """JSON has no NaN and no infinities."""
    return value if math.isfinite(value) else None
