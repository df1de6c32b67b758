"""The meta-utility of STOP (Zelikman et al., arXiv 2310.02304), and what it is made of.

    u_meta(I) = mean over (u, s) of u(I(u, s, M))

What the paper leaves open: each downstream pair (u, s) is a `Downstream` task with three streams of
instances.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from selftaught.core.concurrency import together
from selftaught.core.language_model import LanguageModel
from selftaught.core.outcome import Failed
from selftaught.core.program import Program
from selftaught.core.seeds import Stream
from selftaught.core.statistics import Bounds, Estimate, estimate


class Utility(Protocol):
    """u: scores a program."""

    async def __call__(self, s: Program) -> float: ...


class Improver(Protocol):
    """I: an untrusted program, run in the sandbox. I(u, s, M) is an improved s, or a failure."""

    @property
    def program(self) -> Program: ...

    async def __call__(self, u: Utility, s: Program, M: LanguageModel) -> Program | Failed: ...


class Downstream(Protocol):
    """A downstream pair (u, s): a seed program, and utilities on each stream's instances."""

    @property
    def name(self) -> str: ...

    @property
    def s(self) -> Program: ...

    def searched(self, stream: Stream, run: int | str) -> Utility:
        """What the improver may query in this run: instances of `search`, never of the others."""
        ...

    def judged(self, stream: Stream, run: int | str) -> Utility:
        """What its result is worth: the normalised utility on the stream's own instances."""
        ...


@dataclass(frozen=True, slots=True)
class MetaScore:
    """An improver's meta-utility: one normalised value an improver run, by task.

    `bounds` are theirs, as far as intervals know of them.
    """

    values: Mapping[str, tuple[float, ...]]
    bounds: Bounds | None = None

    @property
    def estimate(self) -> Estimate:
        return estimate(self.values, self.bounds)


class MetaUtility:
    """u_meta: the mean utility that an improver reaches on the downstream tasks."""

    def __init__(
        self, tasks: Sequence[Downstream], M: LanguageModel, runs: Mapping[Stream, int]
    ) -> None:
        self.tasks = tasks
        self.runs = runs
        self.M = M

    async def score(self, I: Improver, stream: Stream) -> MetaScore:
        """u_meta(I) on a stream: each task over `runs[stream]` improver runs, all at once."""
        return await self.score_in(I, stream, range(self.runs[stream]))

    async def score_in(self, I: Improver, stream: Stream, names: Sequence[int | str]) -> MetaScore:
        """The same in runs of these names."""
        runs = [(task, run) for task in self.tasks for run in names]
        values = await together(self._run(I, task, stream, run) for task, run in runs)
        by_task: dict[str, list[float]] = {task.name: [] for task in self.tasks}
        for (task, _), value in zip(runs, values, strict=True):
            by_task[task.name].append(value)
        return MetaScore({name: tuple(listed) for name, listed in by_task.items()})

    async def pairs(
        self, new: Improver, old: Improver, stream: Stream, name: str, rounds: range
    ) -> dict[str, list[tuple[float, float]]]:
        """Values of both by task, paired: each pair on instances that no other run has, of this
        name or another, so that all pairs are independent."""
        runs = [
            (task, f"{name}-{one * len(self.tasks) + place}")
            for one in rounds
            for place, task in enumerate(self.tasks)
        ]
        arms = [self._run(I, task, stream, run) for task, run in runs for I in (new, old)]
        values = iter(await together(arms))
        by_task: dict[str, list[tuple[float, float]]] = {task.name: [] for task in self.tasks}
        for task, _ in runs:
            by_task[task.name].append((next(values), next(values)))
        return by_task

    async def _run(
        self,
        I: Improver,
        task: Downstream,
        stream: Stream,
        run: int | str,
    ) -> float:
        """One improver run: u(I(u, s, M)). A run that fails is worth the lowest value, 0."""
        s = await I(task.searched(stream, run), task.s, self.M)
        if isinstance(s, Failed):
            return 0.0
        return await task.judged(stream, run)(s)
