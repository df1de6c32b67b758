"""Running an improver: `I(u, s, M)` of the paper, in a guest."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from selftaught.core.budget import ImproverLimits, Usage
from selftaught.core.errors import BudgetExceeded, JournalEnds
from selftaught.core.language_model import LanguageModel
from selftaught.core.outcome import Failed
from selftaught.core.ports import Job
from selftaught.core.program import MAX_PROGRAM_CHARS, Program, too_long
from selftaught.core.seeds import derive, guest_root
from selftaught.engine.broker import Broker
from selftaught.engine.context import RunContext
from selftaught.engine.utilities import QueriedUtility
from selftaught.journal.events import Diverged, Invocation, InvocationEnd
from selftaught.meta_utility import Utility

Role: TypeAlias = Literal["first", "proposal", "inner", "restart", "improve"]


# Outcomes that depend on how fast the machine is, or how much it holds: the journal's count.
_OF_THE_MACHINE = ("timeout", "memory", "crashed")


@dataclass(frozen=True, slots=True)
class SandboxedImprover:
    """An improver program with what it needs to run.

    Attributes:
        role: what it is run for; part of its improver runs' keys.
        samples_cap: samples that each run may draw, or None for what its limits allow.
        limits: of each run, where they are not those of all.
        draws_all: whether these are what the run's budget allows (see `Broker`).
        is_traced: whether the journal says what each run scored, and when.
    """

    context: RunContext
    program: Program
    role: Role
    samples_cap: int | None = None
    limits: ImproverLimits | None = None
    draws_all: bool = False
    is_traced: bool = False

    async def __call__(self, u: Utility, s: Program, M: LanguageModel) -> Program | Failed:  # noqa: N803
        """An improved `s`, or how the run failed. M is the run's model: there is no other.

        Raises: BudgetExceeded of the run; InfrastructureError; UtilityError.
        """
        if not isinstance(u, QueriedUtility) or M is not self.context.model:
            raise TypeError("an improver runs with utilities and the model of its own run")
        result, usage = await self.run(u, s)
        self.context.drawn[self.program.id, u.key] = usage
        return result

    def next_key(self, u: QueriedUtility, s: Program) -> str:
        """The key of its next run on these, another each time."""
        return self.context.key(u.key, self.role, self.program.id, s.id)

    async def run(
        self, u: QueriedUtility, s: Program, key: str | None = None
    ) -> tuple[Program | Failed, Usage]:
        """The same, with what the run used of the model; `key`: its own, if that was taken."""
        context = self.context
        key = key or self.next_key(u, s)
        done = context.history.run(key, s.entry)
        if done is None:
            outcome, broker = await self._run(key, u, s)
            self._note(u, broker.is_short)
            return outcome, broker.usage
        # A replay cannot tell what did not come because of the budget: the journal does.
        self._note(u, context.history.was_short(key))
        if (stands := context.history.derived(done)) is not None:
            return stands
        return await self._run_again(key, u, s, done)

    def _note(self, u: QueriedUtility, is_short: bool) -> None:
        if is_short:
            self.context.short.add(u.facts()["repeat"])

    async def _run(
        self, key: str, u: QueriedUtility, s: Program
    ) -> tuple[Program | Failed, Broker]:
        """In a guest, with what the journal holds of its model calls."""
        context = self.context
        context.ledger.check_wall()
        limits = self.limits or context.limits
        broker = Broker(context, key, u, s.entry, limits, self.samples_cap, s.source)
        broker.draws_all = self.draws_all
        broker.scored = [] if self.is_traced else None
        past = await u.past_of(s)
        self._record_start(key, u)
        with context.improver_run(self.role, **u.facts()):
            try:
                result = await context.executor.improve(
                    Job(
                        self.program,
                        context.guest_limits,
                        seed=derive("guest", guest_root(context.seed), key) >> 64,
                    ),
                    s.source,
                    guest_facts(context, s.entry, u.description, limits) | past,
                    depth=u.depth,
                    cpu_s=limits.cpu_s,
                    serve=broker.serve,
                )
                await broker.finish()
            except BudgetExceeded:
                await broker.finish()
                raise
            except BaseException:
                await broker.abandon()
                raise
        if broker.ended is not None:  # whatever the guest made of that
            raise broker.ended
        outcome = _read(result.value, s.entry)
        forgotten = context.history.memory.calls_of.get(key, frozenset()) - broker.asked
        if forgotten:
            self._record_divergence(key, f"did not ask again: calls {', '.join(sorted(forgotten))}")
        self._record_end(key, broker, outcome, result.cpu_s)
        return outcome, broker

    async def _run_again(
        self, key: str, u: QueriedUtility, s: Program, done: tuple[Program | Failed, Usage]
    ) -> tuple[Program | Failed, Usage]:
        """What the journal says; the program runs again, to see whether it does the same."""
        if isinstance(done[0], Failed) and done[0].kind in _OF_THE_MACHINE:
            return done
        try:
            outcome, _ = await self._run(key, u, s)
        except JournalEnds as diverged:  # for the guest, which has ended in the journal
            self._record_divergence(key, diverged.what)
            return done
        if outcome != done[0] and not _both_failed_alike(outcome, done[0]):
            self._record_divergence(key, "returned another program")
        return done

    def _record_divergence(self, key: str, detail: str) -> None:
        self.context.record(Diverged(self.role, detail), key)
        self.context.tell("notice", detail=f"improver run {key} diverged: it {detail}")

    def _record_start(self, key: str, u: QueriedUtility) -> None:
        body = Invocation(self.role, u.key, self.program.id, **u.facts())
        self.context.record(body, key, (self.program.source,))

    def _record_end(
        self, key: str, broker: Broker, outcome: Program | Failed, cpu_s: float
    ) -> None:
        failed = isinstance(outcome, Failed)
        body = InvocationEnd(
            outcome=outcome.kind if isinstance(outcome, Failed) else "returned",
            detail=outcome.detail if isinstance(outcome, Failed) else "",
            program=None if isinstance(outcome, Failed) else outcome.id,
            cpu_s=cpu_s,
            usage=broker.usage,
            utility_uses=math.ceil(broker.uses),
            short=broker.is_short,
        )
        if self.is_traced:
            trace, scored = broker.trace()
            self.context.record(trace, key, tuple(scored))
        texts = () if isinstance(outcome, Failed) else (outcome.source,)
        self.context.record(body, key, texts)
        self.context.tell("improver_run_ended", role=self.role, failed=failed)


def _both_failed_alike(one: Program | Failed, other: Program | Failed) -> bool:
    """Failures are compared by kind and words, not by the CPU time that they took."""
    return (
        isinstance(one, Failed)
        and isinstance(other, Failed)
        and (one.kind, one.detail) == (other.kind, other.detail)
    )


def builder(context: RunContext, role: Role) -> Callable[[Program], SandboxedImprover]:
    """Makes improvers of programs, for one role."""
    traced = context.tells_past and role == "inner"
    return lambda program: SandboxedImprover(context, program, role, is_traced=traced)


def guest_facts(
    context: RunContext, entry: str, description: str, limits: ImproverLimits
) -> dict[str, Any]:
    """What an improver's guest is told of what it improves, and of its limits."""
    return {
        "entry": entry if context.reply_scheme > 1 else None,
        "shows_parts": context.reply_scheme > 2,
        "description": description,
        "calls": limits.calls,
        "samples_per_call": limits.samples_per_call,
        "utility_uses": limits.utility_uses,
        "models": [one.name for one in context.requesters],
        "prompt_chars": context.prompt_chars,
    }


def _read(value: Any, entry: str) -> Program | Failed:
    if isinstance(value, Failed):
        return value
    if not isinstance(value, str):
        return Failed("no_code", f"the improver returned {type(value).__name__}, not a program")
    if len(value) > MAX_PROGRAM_CHARS:
        return Failed("output_limit", f"the improver returned {too_long(value)}")
    return Program(value, entry)
