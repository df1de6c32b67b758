"""Running an improver: `I(u, s, M)` of the paper, in a guest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from selftaught.algorithm import LanguageModel, Utility
from selftaught.core.budget import Usage
from selftaught.core.outcome import Failed
from selftaught.core.ports import Job
from selftaught.core.program import Program
from selftaught.core.seeds import derive, guest_root
from selftaught.engine.broker import Broker
from selftaught.engine.context import RunContext
from selftaught.engine.record import usage_json
from selftaught.engine.utilities import QueriedUtility

Role: TypeAlias = Literal["proposal", "inner", "restart", "improve"]


@dataclass(frozen=True, slots=True)
class SandboxedImprover:
    """An improver program with what it needs to run.

    Attributes:
        context: the run.
        program: the improver's program.
        role: what it is run for; part of its invocations' keys.
        samples_cap: samples that each run may draw, or None for what its limits allow.
    """

    context: RunContext
    program: Program
    role: Role
    samples_cap: int | None = None

    async def __call__(self, u: Utility, s: Program, M: LanguageModel) -> Program | Failed:  # noqa: N803
        """An improved `s`, or how the run failed. M is the run's model: there is no other.

        Raises: BudgetExceeded of the run; InfrastructureError; UtilityError.
        """
        if not isinstance(u, QueriedUtility) or M is not self.context.model:
            raise TypeError("an improver runs with utilities and the model of its own run")
        result, usage = await self.run(u, s)
        self.context.samples_drawn[self.program.id, u.key] = usage.samples
        return result

    async def run(self, u: QueriedUtility, s: Program) -> tuple[Program | Failed, Usage]:
        """The same, with what the run used of the model."""
        context = self.context
        context.ledger.check_wall()
        key = context.key(u.key, self.role, self.program.id, s.id)
        broker = Broker(context, key, u, s.entry, context.limits, self.samples_cap)
        self._record_start(key, u)
        result = await context.executor.improve(
            Job(
                self.program,
                context.guest_limits,
                seed=derive("guest", guest_root(context.seed), key) >> 64,
            ),
            s.source,
            _facts(broker),
            depth=u.depth,
            cpu_s=context.limits.cpu_s,
            serve=broker.serve,
        )
        outcome = _read(result.value, s.entry)
        self._record_end(key, broker, outcome, result.cpu_s)
        return outcome, broker.usage

    def _record_start(self, key: str, u: QueriedUtility) -> None:
        body = {"role": self.role, "parent": u.key, "improver": self.program.id, **u.facts()}
        self.context.record("invocation", key, body, (self.program.source,))
        self.context.tell("invocation_started", role=self.role, **u.facts())

    def _record_end(
        self, key: str, broker: Broker, outcome: Program | Failed, cpu_s: float
    ) -> None:
        failed = isinstance(outcome, Failed)
        body: dict[str, Any] = {
            "outcome": outcome.kind if isinstance(outcome, Failed) else "returned",
            "detail": outcome.detail if isinstance(outcome, Failed) else "",
            "program": None if isinstance(outcome, Failed) else outcome.id,
            "cpu_s": cpu_s,
            "usage": usage_json(broker.usage),
            "utility_uses": broker.uses,
        }
        texts = () if isinstance(outcome, Failed) else (outcome.source,)
        self.context.record("invocation_end", key, body, texts)
        self.context.tell("invocation_ended", role=self.role, failed=failed)


def builder(context: RunContext, role: Role) -> Callable[[Program], SandboxedImprover]:
    """Makes improvers of programs, for one role."""
    return lambda program: SandboxedImprover(context, program, role)


def _facts(broker: Broker) -> dict[str, Any]:
    return {
        "description": broker.utility.description,
        "calls": broker.limits.calls,
        "samples_per_call": broker.limits.samples_per_call,
        "utility_uses": broker.limits.utility_uses,
    }


def _read(value: Any, entry: str) -> Program | Failed:
    if isinstance(value, Failed):
        return value
    if not isinstance(value, str):
        return Failed("no_code", f"the improver returned {type(value).__name__}, not a program")
    return Program(value, entry)
