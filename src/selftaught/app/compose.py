"""Putting the parts together: the only place that knows concrete classes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeAlias

from selftaught import __version__
from selftaught.analysis.run_head import SeriesPlace
from selftaught.app.audits import sandbox_audit_plan
from selftaught.app.config import (
    AuditConfig,
    CommonConfig,
    ProviderConfig,
    RunConfig,
    SandboxConfig,
    ScoreConfig,
    StudyConfig,
    TransferConfig,
)
from selftaught.app.discovery import check_model_name, load_improver, make_model
from selftaught.app.instance_key import find_instance_key
from selftaught.app.resume import StoredRun, events_of, find_run
from selftaught.app.transfer import transfer_plan
from selftaught.core.budget import Budget
from selftaught.core.errors import ConfigError, TierProbe
from selftaught.core.language_model import LanguageModel, ModelServices
from selftaught.core.outcome import Failed
from selftaught.core.ports import Executor, GuestLimits, Job, Journal, Sandbox
from selftaught.core.program import Program
from selftaught.core.progress import Listener, silent
from selftaught.core.seeds import PUBLIC_KEY
from selftaught.core.task import Task
from selftaught.engine.context import RunContext
from selftaught.engine.evaluate import Evaluator, Question
from selftaught.engine.ledger import Ledger
from selftaught.engine.limit import AdaptiveLimit
from selftaught.engine.memory import Memory
from selftaught.engine.no_journal import NoJournal
from selftaught.engine.requests import Requester
from selftaught.executors.limits import CORES
from selftaught.executors.local import LocalExecutor
from selftaught.executors.probe import choose, probe
from selftaught.sandboxes.layout import find_layout
from selftaught.sandboxes.namespaced import NamespacedSandbox
from selftaught.sandboxes.sealed import SealedSandbox
from selftaught.store.journal import open_journal
from selftaught.store.location import check_writable
from selftaught.store.run_id import new_run_id
from selftaught.store.run_lock import hold_run
from selftaught.studies.baselines import SHIPPED
from selftaught.studies.estimate import MakeContext, estimate_stop, stop_steps, summed
from selftaught.studies.improve_run import ImprovePlan, improve_run
from selftaught.studies.replay import ReplayJournal, Silent, compared, replayed
from selftaught.studies.sandbox_audit import sandbox_audit
from selftaught.studies.stop_run import StopPlan, stop_run
from selftaught.studies.transfer import transfer
from selftaught.studies.transfer_estimate import estimate_transfer, transfer_steps


def sandboxes(tier: str = "auto", config: SandboxConfig | None = None) -> list[Sandbox]:
    """The tiers to try, strongest first. Raises: ConfigError if a module cannot be had."""
    config = config or SandboxConfig()
    layout = find_layout(config.modules, config.tmpdir_mb << 20)
    found: list[Sandbox] = [NamespacedSandbox(layout), SealedSandbox(layout)]
    return [sandbox for sandbox in found if tier in ("auto", sandbox.tier)]


def probe_all() -> tuple[TierProbe, ...]:
    """What each tier's probe finds here; blocking."""
    return tuple(probe(sandbox) for sandbox in sandboxes())


@asynccontextmanager
async def executor_for(
    tier: str = "auto", slots: int | None = None, config: SandboxConfig | None = None
) -> AsyncIterator[Executor]:
    """A running executor in the best tier that works here.

    Raises: SandboxUnavailable; ConfigError.
    """
    sandbox, _ = choose(sandboxes(tier, config))
    async with LocalExecutor(sandbox, candidates=slots or CORES).running() as executor:
        yield executor


@asynccontextmanager
async def opened_model(
    name: str, config: ProviderConfig, executor: Executor, *, will_ask: bool = True
) -> AsyncIterator[LanguageModel]:
    """A model, closed at the end. Raises: ConfigError."""
    services = ModelServices(executor, config.settings(), os.environ, will_ask)
    model = make_model(name, services)
    try:
        yield model
    finally:
        await model.aclose()


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What a run needs, checked; nothing has been written."""

    improver: Program
    tasks: Sequence[Task]
    listener: Listener
    resumed: StoredRun | None = None
    place: SeriesPlace | None = None


async def run_study(
    config: StudyConfig,
    tasks: Sequence[Task],
    listener: Listener = silent,
    improver: Program | None = None,
    resumed: StoredRun | None = None,
    place: SeriesPlace | None = None,
) -> dict[str, Any]:
    """What the configuration says, from `improver` or the configured one; the object of `--json`.

    Args:
        resumed: the run that is gone on with; `config` and `improver` are then its own.
        place: of the run in its series, whose runs share the budget; the first has the series' id.
    Raises: ConfigError; SandboxUnavailable; InfrastructureError.
    """
    _check_distinct(tasks)
    if isinstance(config, RunConfig):
        for task in tasks:
            task.normalised(task.lowest)  # raises if the task has no finite range
    prepared = _Prepared(
        improver or load_improver(config.improver), tasks, listener, resumed, place
    )
    async with _context(config, prepared) as (context, head):
        if isinstance(config, RunConfig):
            head["config"]["runs"] = config.runs.resolved(len(tasks))
        return await _study(config, tasks, prepared.improver, head)(context)


Study: TypeAlias = Callable[[RunContext], Coroutine[Any, Any, dict[str, Any]]]


def _study(
    config: StudyConfig, tasks: Sequence[Task], improver: Program, head: dict[str, Any]
) -> Study:
    """The study of a configuration: the one place to add another."""
    if isinstance(config, RunConfig):
        return partial(stop_run, plan=_stop_plan(config, tasks, improver, head))
    if isinstance(config, TransferConfig):
        return partial(transfer, plan=transfer_plan(config, tasks, improver, head))
    if isinstance(config, AuditConfig):
        return partial(sandbox_audit, plan=sandbox_audit_plan(config, tasks, improver, head))
    budgeted = bool(config.budget.model_dump(exclude_none=True))
    improve_plan = ImprovePlan(improver, tasks[0], budgeted, config.patience, config.repeats, head)
    return lambda context: improve_run(context, improve_plan)


def _stop_plan(
    config: RunConfig,
    tasks: Sequence[Task],
    improver: Program,
    head: dict[str, Any] | None = None,
) -> StopPlan:
    return StopPlan(
        improver,
        tasks,
        config.iterations,
        config.accept,
        config.runs.resolved(len(tasks)),
        head or {},
        {name: load_improver(name) for name in SHIPPED} if config.with_baselines else {},
    )


async def estimate_run(
    config: RunConfig, tasks: Sequence[Task], improver: Program | None = None
) -> dict[str, Any]:
    """What a STOP run would take of the model; asks it nothing, and writes nothing."""
    _check_distinct(tasks)
    check_model_name(config.model)
    plan = _stop_plan(config, tasks, improver or load_improver(config.improver))
    async with _rehearsals(config) as (rehearsed, model):
        return await estimate_stop(rehearsed, model, plan, config.budget.value(), config.repeats)


async def estimate_transfer_run(
    config: TransferConfig, tasks: Sequence[Task], seed_improver: Program
) -> dict[str, Any]:
    """What a transfer study would take of the model; asks it nothing, and writes nothing."""
    _check_distinct(tasks)
    check_model_name(config.model)
    plan = transfer_plan(config, tasks, seed_improver)
    async with _rehearsals(config) as (rehearsed, model):
        return await estimate_transfer(rehearsed, model, plan, config.budget.value())


async def estimate_protocol_run(
    config: RunConfig,
    tasks: Sequence[Task],
    then: TransferConfig,
    others: Sequence[Task],
    improver: Program,
) -> dict[str, Any]:
    """What runs and a transfer study after them would take of the model, in one budget."""
    _check_distinct(tasks)
    check_model_name(config.model)
    plan = _stop_plan(config, tasks, improver)
    transfer_after = transfer_plan(then, others, improver)
    async with _rehearsals(config) as (rehearsed, model):
        steps = await stop_steps(rehearsed, model, plan, config.repeats)
        steps += await transfer_steps(rehearsed, model, transfer_after)
        return summed(steps, model, config.budget.value())


@asynccontextmanager
async def _rehearsals(config: CommonConfig) -> AsyncIterator[tuple[MakeContext, LanguageModel]]:
    """What makes a run around a model that costs nothing, and the one that would be paid."""
    async with executor_for(config.tier, config.slots, config.sandbox) as executor:
        async with opened_model(config.model, config, executor, will_ask=False) as model:

            def rehearsed(free: LanguageModel) -> RunContext:
                evaluator = Evaluator(executor, config.seed, PUBLIC_KEY, config.sandbox.limits())
                services = _Services(executor, evaluator, NoJournal())
                return _run_context("estimate", config, free, services, Ledger(Budget()))

            yield rehearsed, model


async def replay_run(
    stored: StoredRun, tasks: Sequence[Task], *, rescore: bool, listener: Listener = silent
) -> dict[str, Any]:
    """A run once more from its journal, with no model; the object of `replay --json`."""
    config, memory = stored.config, stored.memory
    journal = ReplayJournal()
    async with executor_for(config.tier, config.slots, config.sandbox) as executor:
        key = find_instance_key(config.instance_key)
        evaluator = Evaluator(executor, config.seed, key, config.sandbox.limits())
        services = _Services(executor, evaluator, journal)
        ledger = Ledger(Budget(), usage=memory.usage)
        model = Silent(stored.head.model)
        context = replace(
            _run_context(stored.run_id, config, model, services, ledger, listener),
            memory=replace(memory, recorded=frozenset(), open_requests=(), elapsed_s=0.0),
            replays=True,
            rescores=rescore,
        )
        await replayed(_study(config, tasks, stored.improver, {})(context))
        await evaluator.aclose()
    return compared(events_of(config.store, stored.run_id), journal, rescored=rescore)


async def score_once(task: Task, program: Program, question: Question, config: ScoreConfig) -> Any:
    """One evaluation, with no journal."""
    key = find_instance_key(config.instance_key)
    async with executor_for(slots=1, config=config.sandbox) as executor:
        evaluator = Evaluator(executor, config.seed, key, config.sandbox.limits())
        outcome, _ = await evaluator.score(program, question)
        return outcome


@asynccontextmanager
async def _context(
    config: StudyConfig, prepared: _Prepared
) -> AsyncIterator[tuple[RunContext, dict[str, Any]]]:
    """Check everything, start everything, and only then open the journal."""
    check_model_name(config.model)
    check_writable(config.store)
    instance_key = find_instance_key(config.instance_key)
    versions = [{"name": task.name, "version": task.version} for task in prepared.tasks]
    async with AsyncExitStack() as stack:
        executor = await stack.enter_async_context(
            executor_for(config.tier, config.slots, config.sandbox)
        )
        model = await stack.enter_async_context(opened_model(config.model, config, executor))
        if config.budget.usd is not None and model.most_usd(1, 1) is None:
            raise ConfigError(
                f"the price of {config.model} is not known, so --usd could not be kept: "
                "give --price-in and --price-out, USD per million tokens"
            )
        limits = config.sandbox.limits()
        evaluator = Evaluator(executor, config.seed, instance_key, limits)
        stack.push_async_callback(evaluator.aclose)
        await _check_programs(executor, evaluator, prepared, limits)
        resumed, place = prepared.resumed, prepared.place
        run_id = new_run_id(datetime.now(UTC), os.urandom(2)) if resumed is None else resumed.run_id
        if place is not None and place.index == 0:
            run_id = place.series_id
        stack.enter_context(hold_run(config.store, run_id))
        # What another process wrote before we held the run is read now, and not before.
        memory = Memory() if resumed is None else find_run(config.store, run_id).memory
        journal = await asyncio.to_thread(open_journal, config.store)
        stack.push_async_callback(journal.aclose)
        head = {
            "command": config.command,
            "config": {**config.model_dump(mode="json"), "instance_key": instance_key},
            "version": __version__,
            "seed": config.seed,
            "model": model.name,
            "tier": executor.tier,
            "tasks": versions,
            "improver": prepared.improver.id,
            "resumed": resumed is not None,
            "cut_requests": len(memory.open_requests),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        if place is not None:
            head["series"] = place.as_json()
        ledger = Ledger(
            config.budget.value(),
            usage=memory.usage,
            elapsed_s=memory.elapsed_s + (place.wall_s if place else 0.0),
            before=place.usage if place else None,
        )
        services = _Services(executor, evaluator, journal)
        context = _run_context(run_id, config, model, services, ledger, prepared.listener)
        yield replace(context, memory=memory), head


@dataclass(frozen=True, slots=True)
class _Services:
    """What serves a run."""

    executor: Executor
    evaluator: Evaluator
    journal: Journal


def _run_context(
    run_id: str,
    config: CommonConfig,
    model: LanguageModel,
    services: _Services,
    ledger: Ledger,
    listener: Listener = silent,
) -> RunContext:
    return RunContext(
        run_id=run_id,
        seed=config.seed,
        limits=config.limits.value(),
        max_tokens=config.max_tokens,
        requester=Requester(model, AdaptiveLimit(config.concurrency)),
        executor=services.executor,
        evaluator=services.evaluator,
        journal=services.journal,
        ledger=ledger,
        listener=listener,
        guest_limits=config.sandbox.limits(),
        prompt_bytes=config.prompt_kb << 10,
    )


async def _check_programs(
    executor: Executor, evaluator: Evaluator, prepared: _Prepared, limits: GuestLimits
) -> None:
    """Errors in what the user brought, found before anything is written or paid."""
    failure = await executor.load(Job(prepared.improver, limits))
    if failure is not None:
        raise ConfigError(f"the improver does not load: {_said(failure)}")
    for task in prepared.tasks:
        seed = task.seed_program()
        failure = await executor.load(Job(seed, limits))
        if failure is not None and failure.kind in ("syntax", "no_code"):
            raise ConfigError(f"the seed of task {task.name} does not load: {_said(failure)}")
        await evaluator.score(seed, Question(task, "search", "check"))


def _said(failure: Failed) -> str:
    return f"{failure.kind}: {failure.detail}".partition("\n")[0]


def _check_distinct(tasks: Sequence[Task]) -> None:
    names = [task.name for task in tasks]
    if not names:
        raise ConfigError("no tasks were given")
    if len(set(names)) < len(names):
        raise ConfigError(f"each task can be given once: {', '.join(names)}")
