"""`selftaught run`: STOP over downstream tasks, measured on val and test at every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from selftaught.acceptance import policy
from selftaught.algorithm import Decision, Improver, stop
from selftaught.core.concurrency import together
from selftaught.core.errors import BudgetExceeded
from selftaught.core.outcome import Failed
from selftaught.core.program import Program
from selftaught.core.seeds import Stream
from selftaught.core.statistics import Estimate, paired_difference
from selftaught.core.task import Task
from selftaught.engine.context import RunContext
from selftaught.engine.describe import describe_meta_utility
from selftaught.engine.invoke import SandboxedImprover, builder
from selftaught.engine.keys import make_key
from selftaught.engine.ledger import NOTHING, Amounts
from selftaught.engine.utilities import CachedMetaUtility, DownstreamTask, MetaQuery
from selftaught.journal.codec import as_json
from selftaught.journal.events import Run
from selftaught.journal.study_events import Iteration, Proposal, StepProposal
from selftaught.studies.bookkeeping import Closing, NothingMeasured, recorded_run
from selftaught.studies.first_program import with_seed
from selftaught.studies.stop.baselines import Baselines


@dataclass(frozen=True, slots=True)
class StopPlan:
    """What a STOP run does.

    Attributes:
        seed_improver: the improver at t = 0.
        tasks: the downstream tasks.
        iterations: T.
        accept: name of the acceptance policy.
        runs: improver runs a task on each stream.
        head: what the journal says of the run at its start.
        baselines: improvers by name, with which the final one is compared at equal samples,
            besides the seed improver.
    """

    seed_improver: Program
    tasks: Sequence[Task]
    iterations: int
    accept: str
    runs: dict[Stream, int]
    head: Run | None = None
    baselines: Mapping[str, Program] = field(default_factory=dict)


async def stop_run(context: RunContext, plan: StopPlan) -> dict[str, Any]:
    """Run STOP; the object of `run --json`.

    Raises: NothingMeasured if the budget ended before t = 0 was measured.
    """
    async with recorded_run(context, plan.head, plan.seed_improver) as closing:
        try:
            tasks = await together(with_seed(context, task) for task in plan.tasks)
        except BudgetExceeded as error:
            raise NothingMeasured(f"{error}; there is no first program: give it more") from None
        await _Study(context, replace(plan, tasks=tasks), closing).run()
    return closing.result


class _Study:
    def __init__(self, context: RunContext, plan: StopPlan, closing: Closing) -> None:
        self._context = context
        self._plan = plan
        self._closing = closing
        downstream = [DownstreamTask(context, task) for task in plan.tasks]
        self._u_meta = CachedMetaUtility(context, downstream, plan.runs, builder(context, "inner"))
        self._baselines = Baselines(context, plan.tasks, plan.runs["test"])
        self._seed = SandboxedImprover(context, plan.seed_improver, "inner")
        self._final: Improver = self._seed
        self._iterations: list[Iteration] = []

    async def run(self) -> None:
        context, plan = self._context, self._plan
        description = describe_meta_utility(plan.tasks, plan.runs, context.limits, context.modules)
        queried = MetaQuery(context, self._u_meta, description)
        try:
            await stop(
                SandboxedImprover(context, plan.seed_improver, "proposal"),
                self._u_meta,
                queried,
                context.model,
                plan.iterations,
                build=builder(context, "proposal"),
                accept=policy(plan.accept),
                report=self._report,
            )
            self._closing.state = "done"
        except BudgetExceeded as error:
            if not self._iterations:
                raise NothingMeasured(f"{error}; nothing was measured: give it more") from None
            self._closing.state = "budget"
            self._closing.detail = str(error)
        finally:
            await self._u_meta.aclose()
        context.ledger.hold_back(NOTHING)
        context.tell("phase", name="comparison")
        self._closing.result = self._result(await self._comparison())

    # --- reports --------------------------------------------------------------------------------

    async def _report(
        self,
        t: int,
        improver: Improver,
        proposal: Improver | Failed | None,
        decision: Decision | None,
    ) -> None:
        if decision is not None:
            self._record_proposal(t, proposal, decision)
        # At once: a slow model is waited for once, and not twice.
        val, test = await together(self._u_meta.score(improver, s) for s in ("val", "test"))
        self._hold_back(improver)
        self._final = improver
        iteration = Iteration(
            t,
            improver.program.id,
            val.estimate,
            test.estimate,
            None if decision is None else StepProposal(_id(proposal), *_decided(decision)),
        )
        self._iterations.append(iteration)
        key = make_key(self._context.root, "iteration", t)
        self._context.record(iteration, key, (improver.program.source,))
        self._context.tell("iteration", **as_json(iteration))

    def _hold_back(self, improver: Improver) -> None:
        """Keep back what the end will take, judged by the improver that stands now."""
        took = self._baselines.taken(improver.program)
        # As much for each that is restarted, and once more for worst cases reserved at once.
        times = 2 + len(self._plan.baselines)
        self._context.ledger.hold_back(
            Amounts(
                lm_calls=times * took.lm_calls,
                samples=times * took.samples,
                tokens=times * (took.tokens_in + took.tokens_out),
                usd=times * took.usd,
            )
        )

    def _record_proposal(
        self, t: int, proposal: Improver | Failed | None, decision: Decision
    ) -> None:
        failed = proposal is None or isinstance(proposal, Failed)
        body = Proposal(t, self._final.program.id, _id(proposal), *_decided(decision))
        texts = () if failed else (proposal.program.source,)  # type: ignore[union-attr]
        key = make_key(self._context.root, "proposal", t)
        self._context.record(body, key, texts)

    # --- the end --------------------------------------------------------------------------------

    async def _comparison(self) -> dict[str, Any]:
        """On test, paired: the final improver against the seed improver at the same limits, and
        against it and the baselines restarted to as many samples as the final one drew."""
        seed = await self._u_meta.score(self._seed, "test")
        final = await self._u_meta.score(self._final, "test")
        comparison: dict[str, Any] = {
            "seed": seed.estimate.as_json(),
            "seed_restarted": None,
            "final": final.estimate.as_json(),
            "vs_seed": paired_difference(final.values, seed.values).as_json(),
            "vs_seed_restarted": None,
        }
        if self._plan.baselines:
            comparison["baselines"] = dict.fromkeys(self._plan.baselines)
        program = self._final.program
        drawn = self._baselines.samples(program)
        try:
            restarted = await self._baselines.measure("seed", self._seed.program, program)
            comparison["seed_restarted"] = restarted.score.estimate.as_json()
            difference = paired_difference(final.values, restarted.score.values)
            comparison["vs_seed_restarted"] = difference.as_json()
            for name, improver in self._plan.baselines.items():
                self._context.tell("phase", name="comparison", baseline=name)
                baseline = await self._baselines.measure(name, improver, program)
                comparison["baselines"][name] = baseline.compared(final, drawn)
        except BudgetExceeded as error:
            self._closing.state = "budget"
            self._closing.detail = str(error)
        return comparison

    def _result(self, comparison: dict[str, Any]) -> dict[str, Any]:
        return {
            "run_id": self._context.run_id,
            "state": self._closing.state,
            "model": self._context.model.name,
            "sandbox_tier": self._context.executor.tier,
            "iterations": [as_json(iteration) for iteration in self._iterations],
            "comparison": comparison,
            "usage": {},
            "wall_s": 0.0,
            "best_improver_id": self._final.program.id,
        }


def _id(proposal: Improver | Failed | None) -> str | None:
    return None if proposal is None or isinstance(proposal, Failed) else proposal.program.id


def _decided(decision: Decision) -> tuple[bool, Estimate | None, str]:
    return decision.accepted, decision.val_difference, decision.reason
