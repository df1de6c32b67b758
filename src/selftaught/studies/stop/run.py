"""`selftaught run`: STOP over downstream tasks, measured on val and test at every step."""

from __future__ import annotations

from dataclasses import replace

from selftaught.acceptance import policy
from selftaught.algorithm import Decision, Improver, Rest, stop
from selftaught.core.concurrency import together
from selftaught.core.errors import BudgetExceeded
from selftaught.core.outcome import Failed
from selftaught.core.statistics import Estimate
from selftaught.engine.context import RunContext
from selftaught.engine.describe import describe_meta_utility
from selftaught.engine.invoke import SandboxedImprover, builder
from selftaught.engine.keys import make_key
from selftaught.engine.ledger import NOTHING, Amounts
from selftaught.engine.utilities import CachedMetaUtility, DownstreamTask, MetaQuery
from selftaught.journal.codec import as_json
from selftaught.journal.events import Phase
from selftaught.journal.study_events import Iteration, Proposal, StepProposal
from selftaught.studies.first_program import with_seed, with_seed_value
from selftaught.studies.improvers import load_improver
from selftaught.studies.stop.baselines import SHIPPED, Baselines
from selftaught.studies.stop.study import RunConfig
from selftaught.studies.study import Asked, Ended, NothingMeasured


async def stop_run(context: RunContext, asked: Asked[RunConfig]) -> Ended:
    """Run STOP.

    Raises: NothingMeasured if the budget ended before t = 0 was measured.
    """
    try:
        tasks = await together(with_seed(context, task) for task in asked.tasks)
    except BudgetExceeded as error:
        raise NothingMeasured(f"{error}; there is no first program: give it more") from None
    tasks = await together(with_seed_value(context, task) for task in tasks)
    return await _Study(context, replace(asked, tasks=tasks)).run()


class _Study:
    def __init__(self, context: RunContext, asked: Asked[RunConfig]) -> None:
        self._context = context
        self._config, self._tasks = asked.config, asked.tasks
        self._runs = asked.config.runs.resolved(len(asked.tasks))
        downstream = [DownstreamTask(context, task) for task in asked.tasks]
        self._u_meta = CachedMetaUtility(context, downstream, self._runs, builder(context, "inner"))
        self._baselines = Baselines(context, asked.tasks, self._runs["test"])
        self._others = SHIPPED if asked.config.with_baselines else ()
        self._seed = SandboxedImprover(context, asked.improver, "inner")
        self._final: Improver = self._seed
        self._has_measured = False

    async def run(self) -> Ended:
        context, tasks, runs = self._context, self._tasks, self._runs
        description = describe_meta_utility(tasks, runs, context.limits, context.modules)
        queried = MetaQuery(context, self._u_meta, description)
        try:
            await stop(
                SandboxedImprover(context, self._seed.program, "proposal"),
                self._u_meta,
                queried,
                context.model,
                self._config.iterations,
                build=builder(context, "proposal"),
                accept=policy(self._config.accept),
                report=self._report,
            )
            ended = Ended()
        except BudgetExceeded as error:
            if not self._has_measured:
                raise NothingMeasured(f"{error}; nothing was measured: give it more") from None
            ended = Ended("budget", str(error))
        finally:
            await self._u_meta.aclose()
        context.ledger.hold_back(NOTHING)
        context.begin(Phase("comparison", closing=True))
        try:
            await self._compare()
        except BudgetExceeded as error:
            ended = Ended("budget", str(error))
        return ended

    # --- reports --------------------------------------------------------------------------------

    async def _report(
        self,
        t: int,
        improver: Improver,
        proposal: Improver | Failed | None,
        decision: Decision | None,
    ) -> Rest:
        """Val decides, so it is there first; test is measured beside the next step, unless a budget
        could be spent on that before this one is measured."""
        if decision is not None:
            self._record_proposal(t, proposal, decision)
        if self._context.ledger.is_unlimited:
            await self._u_meta.score(improver, "val")
            return self._measured(t, improver, proposal, decision)
        await self._measured(t, improver, proposal, decision)
        return _nothing()

    async def _measured(
        self,
        t: int,
        improver: Improver,
        proposal: Improver | Failed | None,
        decision: Decision | None,
    ) -> None:
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
        self._has_measured = True
        key = make_key(self._context.root, "iteration", t)
        self._context.record(iteration, key, (improver.program.source,))
        self._context.tell("iteration", **as_json(iteration))

    def _hold_back(self, improver: Improver) -> None:
        """Keep back what the end will take, judged by the improver that stands now."""
        took = self._baselines.taken(improver.program)
        # As much for each that is restarted, and once more for worst cases reserved at once.
        times = 2 + len(self._others)
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

    async def _compare(self) -> None:
        """On test, paired: the final improver against the seed improver at the same limits, and
        against it and the baselines restarted to as many samples as the final one drew.

        Raises: BudgetExceeded.
        """
        for improver in (self._seed, self._final):
            await self._u_meta.score(improver, "test")
        final = self._final.program
        await self._baselines.measure("seed", self._seed.program, final)
        for name in self._others:
            self._context.begin(Phase("comparison", baseline=name, closing=True))
            await self._baselines.measure(name, load_improver(name), final)


async def _nothing() -> None:
    """What is left to be done of a step that is measured."""


def _id(proposal: Improver | Failed | None) -> str | None:
    return None if proposal is None or isinstance(proposal, Failed) else proposal.program.id


def _decided(decision: Decision) -> tuple[bool, Estimate | None, str]:
    return decision.accepted, decision.val_difference, decision.reason
