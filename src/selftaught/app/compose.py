"""Putting a study together from its configuration, and running or replaying it."""

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
from selftaught.app.audits import sandbox_audit_plan
from selftaught.app.common_config import BudgetConfig, ScoreConfig
from selftaught.app.config import AuditConfig, RunConfig, StudyConfig, TransferConfig
from selftaught.app.discovery import check_distinct, check_model_name, load_improver
from selftaught.app.instance_key import find_instance_key
from selftaught.app.parts import Services, executor_for, executor_of, opened_model, run_context
from selftaught.app.resume import StoredRun, events_of, find_run, told_tasks
from selftaught.app.settings import as_json
from selftaught.app.stop import stop_plan
from selftaught.app.transfer import transfer_plan
from selftaught.core.budget import Budget
from selftaught.core.errors import ConfigError
from selftaught.core.outcome import Failed
from selftaught.core.ports import Executor, GuestLimits, Job
from selftaught.core.program import Program
from selftaught.core.progress import Listener, silent
from selftaught.core.task import VERSION_SCHEME, Task
from selftaught.engine.context import RunContext
from selftaught.engine.evaluate import Evaluator, Question
from selftaught.engine.history import History, Replay
from selftaught.engine.ledger import Ledger
from selftaught.engine.memory import Memory
from selftaught.journal.events import Run, SeriesPlace
from selftaught.journal.journal import open_journal
from selftaught.journal.location import check_writable
from selftaught.journal.run_id import new_run_id
from selftaught.journal.run_lock import hold_run
from selftaught.studies.improve.run import ImprovePlan, improve_run
from selftaught.studies.replay import ReplayJournal, Silent, compared, replayed
from selftaught.studies.sandbox_audit.run import sandbox_audit
from selftaught.studies.stop.run import stop_run
from selftaught.studies.transfer.run import transfer


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
    check_distinct(tasks)
    if isinstance(config, RunConfig):
        for task in tasks:
            task.normalised(task.lowest)  # raises if the task has no finite range
    prepared = _Prepared(
        improver or load_improver(config.improver), tasks, listener, resumed, place
    )
    async with _context(config, prepared) as (context, head):
        if isinstance(config, RunConfig):
            head.config["runs"] = config.runs.resolved(len(tasks))
        return await _study(config, tasks, prepared.improver, head)(context)


Study: TypeAlias = Callable[[RunContext], Coroutine[Any, Any, dict[str, Any]]]


def _study(
    config: StudyConfig, tasks: Sequence[Task], improver: Program, head: Run | None
) -> Study:
    """The study of a configuration: the one place to add another."""
    if isinstance(config, RunConfig):
        return partial(stop_run, plan=stop_plan(config, tasks, improver, head))
    if isinstance(config, TransferConfig):
        return partial(transfer, plan=transfer_plan(config, tasks, improver, head))
    if isinstance(config, AuditConfig):
        return partial(sandbox_audit, plan=sandbox_audit_plan(config, tasks, improver, head))
    budgeted = config.budget != BudgetConfig()
    improve_plan = ImprovePlan(improver, tasks[0], budgeted, config.patience, config.repeats, head)
    return lambda context: improve_run(context, improve_plan)


async def replay_run(
    stored: StoredRun, tasks: Sequence[Task], *, rescore: bool, listener: Listener = silent
) -> dict[str, Any]:
    """A run once more from its journal, with no model; the object of `replay --json`."""
    config, memory = stored.config, stored.memory
    journal = ReplayJournal()
    async with executor_of(config) as executor:
        key = find_instance_key(config.instance_key)
        evaluator = Evaluator(executor, config.seed, key, config.sandbox.limits())
        services = Services(executor, evaluator, journal)
        ledger = Ledger(Budget(), usage=memory.usage)
        model = Silent(stored.head.model)
        context = replace(
            run_context(stored.run_id, config, model, services, ledger, listener),
            history=Replay(memory, rescores=rescore),
            modules=stored.head.modules_told,
            version_scheme=stored.head.version_scheme,
        )
        await replayed(_study(config, tasks, stored.improver, None)(context))
        await evaluator.aclose()
    return compared(events_of(config.store, stored.run_id), journal, rescored=rescore)


async def score_once(task: Task, program: Program, question: Question, config: ScoreConfig) -> Any:
    """One evaluation, with no journal."""
    key = find_instance_key(config.instance_key)
    async with executor_for(slots=1, config=config.sandbox) as executor:
        limits = config.sandbox.limits()
        evaluator = Evaluator(executor, config.seed, key, limits, most_trials=1)
        return await evaluator.score(program, question)


@asynccontextmanager
async def _context(
    config: StudyConfig, prepared: _Prepared
) -> AsyncIterator[tuple[RunContext, Run]]:
    """Check everything, start everything, and only then open the journal."""
    check_model_name(config.model)
    check_writable(config.store)
    instance_key = find_instance_key(config.instance_key)
    resumed, place = prepared.resumed, prepared.place
    scheme = VERSION_SCHEME if resumed is None else resumed.head.version_scheme
    told = told_tasks(prepared.tasks, scheme)
    async with AsyncExitStack() as stack:
        executor = await stack.enter_async_context(executor_of(config))
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
        run_id = new_run_id(datetime.now(UTC), os.urandom(2)) if resumed is None else resumed.run_id
        if place is not None and place.index == 0:
            run_id = place.series_id
        stack.enter_context(hold_run(config.store, run_id))
        # What another process wrote before we held the run is read now, and not before.
        memory = Memory() if resumed is None else _memory(config, run_id)
        journal = await asyncio.to_thread(open_journal, config.store)
        stack.push_async_callback(journal.aclose)
        stack.push_async_callback(evaluator.aclose)  # before the journal, to which it writes
        modules = _modules_told(config, prepared)
        head = Run(
            command=config.command,
            config={**as_json(config), "instance_key": instance_key},
            version=__version__,
            seed=config.seed,
            model=model.name,
            tier=executor.tier,
            tasks=tuple(told),
            task_version_scheme=scheme,
            improver=prepared.improver.id,
            resumed=resumed is not None,
            cut_requests=len(memory.open_requests),
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            modules_told=modules,
            series=place,
        )
        ledger = Ledger(
            config.budget.value(),
            usage=memory.usage,
            elapsed_s=memory.elapsed_s + (place.wall_s if place else 0.0),
            before=place.usage if place else None,
        )
        services = Services(executor, evaluator, journal)
        context = run_context(run_id, config, model, services, ledger, prepared.listener)
        yield (
            replace(context, history=History(memory), modules=modules, version_scheme=scheme),
            head,
        )


def _memory(config: StudyConfig, run_id: str) -> Memory:
    return find_run(config.store, run_id, budget=config.budget.value()).memory


def _modules_told(config: StudyConfig, prepared: _Prepared) -> tuple[str, ...]:
    """The modules that improvers are told of: prompts of a run, or a series, that goes on stay
    what they were, and runs of older versions told of none."""
    if prepared.resumed is not None:
        return prepared.resumed.head.modules_told
    if prepared.place is not None and prepared.place.index > 0:
        return find_run(config.store, prepared.place.series_id).head.modules_told
    return config.sandbox.modules


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
