"""`selftaught run`: STOP over downstream tasks, measured on val and test at every step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from selftaught.acceptance import policy
from selftaught.algorithm import Rest, Tried, stop
from selftaught.analysis.improver_past import improver_past
from selftaught.analysis.recorded_run import RecordedRun
from selftaught.core.betting import looks
from selftaught.core.budget import ImproverLimits, Usage
from selftaught.core.concurrency import together
from selftaught.core.errors import BudgetExceeded
from selftaught.core.outcome import Failed
from selftaught.core.program import Program
from selftaught.core.seeds import Stream
from selftaught.engine.context import RunContext
from selftaught.engine.describe import describe_meta_utility, describe_task
from selftaught.engine.invoke import SandboxedImprover, builder
from selftaught.engine.keys import make_key, of_step
from selftaught.engine.ledger import NOTHING, amounts_of
from selftaught.engine.meta_query import MetaQuery
from selftaught.engine.utilities import CachedMetaUtility, DownstreamTask
from selftaught.journal.codec import as_json
from selftaught.journal.events import Phase
from selftaught.journal.study_events import (
    Certificate,
    Iteration,
    Proposal,
    StepProposal,
)
from selftaught.meta_utility import Improver
from selftaught.selection import Remembering, selection
from selftaught.studies.first_program import with_seed, with_seed_value
from selftaught.studies.improvers import check_starts, load_improver
from selftaught.studies.rehearsals import Rehearsals, Step
from selftaught.studies.stop.baselines import SHIPPED, Baselines, scales
from selftaught.studies.stop.study import RunConfig
from selftaught.studies.study import Asked, Ended, NothingMeasured


async def stop_run(
    context: RunContext, asked: Asked[RunConfig], recorded: Callable[[], RecordedRun]
) -> Ended:
    """Run STOP.

    Raises: NothingMeasured if the budget ended before t = 0 was measured.
    """
    try:
        tasks = await together(with_seed(context, task) for task in asked.tasks)
    except BudgetExceeded as error:
        raise NothingMeasured(f"{error}; there is no first program: give it more") from None
    tasks = await together(with_seed_value(context, task) for task in tasks)
    return await _Study(context, replace(asked, tasks=tasks), recorded).run()


def most_runs(
    limits: ImproverLimits,
    tasks: int,
    runs: Mapping[Stream, int],
    rounds: int = 0,
    proposals: int = 1,
    *,
    history: bool = False,
) -> int:
    """Improver runs of one step at most: its proposals', those that they ask for, those of pairs
    that decide, those that measure on val what they are, and on test what stands after it; and
    those on search of what is improved, if that is told."""
    asked = (limits.utility_uses + history) * runs["search"]
    each = 1 + tasks * (asked + 2 * rounds + runs["val"])
    return proposals * each + tasks * runs["test"]


def _looks(config: RunConfig, tasks: int) -> list[int]:
    """Rounds after which pairs decide a step; the last is the most there are."""
    return looks(config.certify_pairs, tasks) if config.accept == "certified" else [0]


async def stop_steps(rehearsals: Rehearsals, asked: Asked[RunConfig]) -> list[Step]:
    """Each step of the run, in order; baselines are rehearsed, too."""
    tasks, seed, limits = asked.tasks, asked.improver, rehearsals.limits
    runs = asked.config.runs.resolved(len(tasks))
    drawn: list[Usage] = []  # in one run on each task
    for task in tasks:
        described = describe_task(task, rehearsals.modules)
        taken, _ = await rehearsals.rehearse(seed, task.seed_program(), described)
        drawn.append(taken)
    inner = sum(drawn, Usage())
    config = asked.config
    description = describe_meta_utility(
        *(tasks, runs, limits, rehearsals.modules),
        models=rehearsals.several,
        history=config.history,
    )
    outer, scored = await rehearsals.rehearse(seed, seed, description, depth=0)
    judged = runs["val"] + runs["test"]
    steps = [Step("t = 0", inner * judged, rehearsals.most_run * (len(tasks) * judged))]
    first = [await rehearsals.first_program(task) for task in tasks]
    if any(task.seed is None for task in tasks):
        likely, most = (sum(amounts, Usage()) for amounts in zip(*first, strict=True))
        steps.insert(0, Step("first programs", likely, most))
    rounds = _looks(asked.config, len(tasks))
    decides = 2 * rounds[len(rounds) // 2]  # no more than that, as most proposals
    asks = (scored + config.history) * runs["search"] + runs["val"] + decides
    for t in range(1, config.iterations + 1):
        likely = outer * config.proposals + inner * (asks * config.proposals + runs["test"])
        most = rehearsals.most_run * most_runs(
            *(limits, len(tasks), runs, rounds[-1], config.proposals), history=config.history
        )
        steps.append(Step(f"t = {t}", likely, most))
    restarted = rehearsals.most_restarted * (len(tasks) * runs["test"])
    steps.append(Step("comparison", inner * runs["test"], restarted))
    for name in SHIPPED if asked.config.with_baselines else ():
        likely = Usage()
        for task, taken in zip(tasks, drawn, strict=True):
            likely = likely + await rehearsals.restarted(load_improver(name), task, taken.samples)
        steps.append(Step(name, likely * runs["test"], restarted))
    return steps


class _Study:
    def __init__(
        self,
        context: RunContext,
        asked: Asked[RunConfig],
        recorded: Callable[[], RecordedRun],
    ) -> None:
        self._context, self._recorded = context, recorded
        context.tells_past = asked.config.history
        self._config, self._tasks = asked.config, asked.tasks
        self._runs = asked.config.runs.resolved(len(asked.tasks))
        downstream = [DownstreamTask(context, task) for task in asked.tasks]
        self._u_meta = CachedMetaUtility(context, downstream, self._runs, builder(context, "inner"))
        self._baselines = Baselines(context, asked.tasks, self._runs["test"])
        self._others = SHIPPED if asked.config.with_baselines else ()
        # What the end takes, in evaluations on test: one for each that is restarted, and once more
        # for worst cases reserved at once.
        self._held = 2 + len(self._others)
        self._seed = SandboxedImprover(context, asked.improver, "inner")
        self._final: Improver = self._seed
        self._pasts: dict[str, dict[str, Any]] = {}
        self._has_measured = False

    async def run(self) -> Ended:
        context, tasks, runs, config = self._context, self._tasks, self._runs, self._config
        description = describe_meta_utility(
            *(tasks, runs, context.limits, context.modules, context.reply_scheme),
            models=context.several,
            history=config.history,
        )
        queried = MetaQuery(
            context, self._u_meta, description, self._past_of if config.history else None
        )
        select = selection(config.select, self._u_meta, config.proposals, context.seed)
        if config.history:
            select = Remembering(select, self._remember)
        try:
            await stop(
                SandboxedImprover(context, self._seed.program, "proposal"),
                self._u_meta,
                queried,
                context.model,
                config.iterations,
                build=builder(context, "proposal"),
                select=select,
                accept=policy(config.accept, config.decisions, config.certify_pairs),
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

    async def _past_of(self, program: Program) -> dict[str, Any]:
        return self._pasts[program.id]

    async def _remember(self, improved: Sequence[Improver]) -> None:
        """What proposals of a step are told, before any of them begins: so it is the same whichever
        is first."""
        distinct = {J.program.id: J for J in improved}
        await together(self._u_meta.score(J, "search") for J in distinct.values())
        self._pasts = {one: improver_past(self._recorded(), one) for one in distinct}

    # --- reports --------------------------------------------------------------------------------

    async def _report(self, t: int, improver: Improver, tried: Sequence[Tried]) -> Rest:
        """Val decides, so it is there first; test is measured beside the next step, where that
        changes nothing: where the budget covers both at their worst, and what will then be held
        back for the end, so that neither waits for the other, or is refused because of it."""
        for k, one in enumerate(tried):
            self._record_proposal(k, one)
        config, n_tasks, runs = self._config, len(self._tasks), self._runs
        others = self._held * runs["test"] + (0 if tried else runs["val"])
        step = most_runs(
            *(self._context.limits, n_tasks, runs, _looks(config, n_tasks)[-1], config.proposals),
            history=config.history,
        )
        most = self._context.most(step + n_tasks * others)
        if self._context.ledger.covers(most):
            await self._u_meta.score(improver, "val")
            return self._measured(t, improver, tried)
        await self._measured(t, improver, tried)
        return _nothing()

    async def _measured(self, t: int, improver: Improver, tried: Sequence[Tried]) -> None:
        # At once: a slow model is waited for once, and not twice.
        val, test = await together(self._u_meta.score(improver, s) for s in ("val", "test"))
        if t == 0:
            check_starts(improver.program, self._recorded())
        self._hold_back(improver)
        self._final = improver
        proposals = tuple(map(_of_step, tried))
        standing = (one for one in proposals if one.improver_id == improver.program.id)
        iteration = Iteration(
            t,
            improver.program.id,
            val.estimate,
            test.estimate,
            next((one for one in standing if one.accepted), next(iter(proposals), None)),
            proposals if len(proposals) > 1 else (),
        )
        self._has_measured = True
        key = make_key(self._context.root, "iteration", t)
        self._context.record(iteration, key, (improver.program.source,))
        self._context.tell("iteration", **as_json(iteration))

    def _hold_back(self, improver: Improver) -> None:
        """Keep back what the end will take, judged by the improver that stands now."""
        took = amounts_of(self._baselines.taken(improver.program))
        self._context.ledger.hold_back(NOTHING.plus(took, self._held))

    def _record_proposal(self, k: int, tried: Tried) -> None:
        said, parent, pairs = _of_step(tried), tried.improved.program, tried.decision.pairs
        own = tried.proposer.program.id != parent.id
        body = Proposal(
            *(tried.t, parent.id, said.improver_id, said.accepted, said.val_difference),
            reason=said.reason,
            k=k,
            proposer=tried.proposer.program.id if own else None,
        )
        texts = () if isinstance(tried.proposal, Failed) else (tried.proposal.program.source,)
        place = of_step(tried.t, k)
        if pairs is not None:
            assert body.improver is not None  # it ran
            certificate = Certificate(
                improver=body.improver,
                parent=body.parent,
                values={task: tuple(ones) for task, ones in pairs.items()},
                t=tried.t,
                k=k,
                **scales(self._tasks),
            )
            key = make_key(self._context.root, "certificate", *place)
            self._context.record(certificate, key, texts)
        self._context.record(body, make_key(self._context.root, "proposal", *place), texts)

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


def _of_step(tried: Tried) -> StepProposal:
    proposal, decision = tried.proposal, tried.decision
    return StepProposal(
        None if isinstance(proposal, Failed) else proposal.program.id,
        *(decision.accepted, decision.val_difference, decision.reason),
    )
