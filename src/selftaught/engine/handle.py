"""The program as a utility sees it: calls of it in the sandbox."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from selftaught.core.errors import InfrastructureError
from selftaught.core.messages import PRINTED_CHARS
from selftaught.core.outcome import Failed
from selftaught.core.ports import CandidateSlot, Evaluation, Job, ProgramSession
from selftaught.core.seeds import solution_seed
from selftaught.core.utility import ProgramFailed
from selftaught.engine.watch import Watch, is_awaited
from selftaught_guest.wire import WireError

# `map` always makes this many groups, so that results do not depend on the machine.
MAP_GROUPS = 4

# A function of the program, and keyword arguments; None for its entry without any.
_Named: TypeAlias = tuple[str, Mapping[str, Any]] | None


class Handle:
    """The program as the utility sees it. It remembers every failure of ours."""

    def __init__(self, slot: CandidateSlot, evaluation: Evaluation, watch: Watch) -> None:
        self._slot = slot
        self._question = evaluation.question
        self._watch = watch
        program = replace(evaluation.program, entry=self._question.task.entry)
        self._job = Job(program, evaluation.limits, seed=self._seed(-1))
        self._session: ProgramSession = slot.session(self._job)
        self._turn = asyncio.Lock()
        self._calls = 0
        self._mapped_cpu_s = 0.0
        self._mapped: dict[int, str] = {}
        self._trouble: InfrastructureError | None = None
        self._lost: Failed | None = None  # a guest with the state of a task that keeps it
        self.limits = evaluation.limits

    @property
    def asked(self) -> bool:
        """Whether the program was called."""
        return self._calls > 0

    @property
    def cpu_s(self) -> float:
        return self._session.cpu_s + self._mapped_cpu_s

    @property
    def printed(self) -> str:
        """The beginning of what the program printed, guests of `map` in the order of groups."""
        parts = (self._session.printed, *(self._mapped[first] for first in sorted(self._mapped)))
        return "".join(parts)[:PRINTED_CHARS]

    def __call__(self, *args: Any, cpu_s: float | None = None, **keywords: Any) -> Any:
        named = (self._question.task.entry, keywords) if keywords else None
        return self._at_once(args, cpu_s, named, is_awaited(sys._getframe(1)))

    def call(self, name: str, *args: Any, cpu_s: float | None = None, **keywords: Any) -> Any:
        return self._at_once(args, cpu_s, (name, keywords), is_awaited(sys._getframe(1)))

    def _at_once(self, args: Any, cpu_s: float | None, named: _Named, awaited: bool) -> Any:
        index = self._calls
        self._calls += 1

        def call() -> Any:
            with self._watch.paused():
                result = self._call(self._session, args, cpu_s, index, named)
            return _value_or_raise(result)

        return self._in_turn(call) if awaited else call()

    async def _in_turn(self, call: Callable[[], Any]) -> Any:
        """The call in a thread, when those before it have ended: the utility's loop goes on."""
        async with self._turn:
            return await asyncio.to_thread(call)

    def map(
        self,
        inputs: Iterable[Any],
        *,
        cpu_s: float | None = None,
        failures: Literal["raise", "return"] = "raise",
    ) -> list[Any]:
        listed = list(inputs)
        first = self._calls
        self._calls += len(listed)
        if self._question.task.stateful:
            with self._watch.paused():
                return _listed(
                    [
                        self._call(self._session, (one,), cpu_s, first + index)
                        for index, one in enumerate(listed)
                    ],
                    failures,
                )
        groups = [range(start, len(listed), MAP_GROUPS) for start in range(MAP_GROUPS)]
        results: list[Any] = [None] * len(listed)

        def run_groups(slot: CandidateSlot, share: list[range]) -> float:
            used_s = 0.0
            for group in filter(len, share):
                session = slot.session(self._job)
                try:
                    for index in group:
                        args = (listed[index],)
                        results[index] = self._call(session, args, cpu_s, first + index)
                finally:
                    session.close()
                used_s += session.cpu_s
                self._mapped[first + group.start] = session.printed
            return used_s

        with self._watch.paused(), self._slot.spares(len(groups) - 1) as spares:
            slots = [self._slot, *spares]
            with ThreadPoolExecutor(len(slots)) as pool:
                shares = [groups[place :: len(slots)] for place in range(len(slots))]
                running = [
                    pool.submit(run_groups, slot, share)
                    for slot, share in zip(slots, shares, strict=True)
                ]
                self._mapped_cpu_s += sum(future.result() for future in running)
        return _listed(results, failures)

    def close(self) -> None:
        self._session.close()

    def raise_trouble(self) -> None:
        """Raise what failed on our side, whatever the utility made of it."""
        if self._trouble is not None:
            raise self._trouble

    def _call(
        self,
        session: ProgramSession,
        args: Any,
        cpu_s: float | None,
        index: int,
        named: _Named = None,
    ) -> Any:
        if self._lost is not None:
            return self._lost
        if cpu_s is None:
            cpu_s = self._job.limits.cpu_s
        if not (isinstance(cpu_s, (int, float)) and 0 < cpu_s < math.inf):
            raise ValueError(f"cpu_s must be a number of seconds above 0, not {cpu_s!r}")
        try:
            keeps = self._question.task.stateful
            result = session.call(
                args,
                cpu_s=float(cpu_s),
                seed=self._seed(index),
                named=named,
                tries=1 if keeps else 2,
            )
            self._lost = result if keeps and isinstance(result, Failed) else None
            return result
        except InfrastructureError as error:
            self._trouble = error
            raise
        except WireError as error:
            raise TypeError(f"an argument cannot be sent to the program: {error}") from None

    def _seed(self, index: int) -> int:
        return solution_seed(self._question.stream, self._question.repeat, index)


def _listed(results: list[Any], failures: str) -> list[Any]:
    for result in results if failures == "raise" else ():
        _value_or_raise(result)
    return results


def _value_or_raise(result: Any) -> Any:
    if isinstance(result, Failed):
        raise ProgramFailed(result)
    return result
