"""Putting a study together from its configuration, and running or replaying it."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any

from msgspec import structs

from selftaught import __version__
from selftaught.analysis.recorded_run import RecordedRun, Text, no_text, recorded
from selftaught.analysis.run_head import RunHead
from selftaught.app.discovery import check_distinct, check_model_name
from selftaught.app.instance_key import find_instance_key
from selftaught.app.parts import (
    evaluator_of,
    executor_for,
    executor_of,
    opened_model,
    run_context,
)
from selftaught.app.resume import StoredRun, find_run, told_tasks
from selftaught.core.budget import Budget
from selftaught.core.errors import ConfigError
from selftaught.core.hidden import without_keys
from selftaught.core.language_model import LanguageModel, prompt_chars
from selftaught.core.outcome import Failed
from selftaught.core.ports import Executor, Job
from selftaught.core.program import REPLY_SCHEME, Program
from selftaught.core.progress import Listener, silent
from selftaught.core.task import VERSION_SCHEME, Task
from selftaught.engine.context import RunContext
from selftaught.engine.evaluate import Evaluator, Question
from selftaught.engine.history import History, Memory, Replay
from selftaught.engine.ledger import Ledger
from selftaught.journal.codec import Event
from selftaught.journal.events import Evaluation, Run, SeriesPlace
from selftaught.journal.journal import open_journal
from selftaught.journal.location import check_writable
from selftaught.journal.reader import open_reader
from selftaught.journal.record import EventRecord
from selftaught.journal.run_id import new_run_id
from selftaught.journal.run_lock import hold_run
from selftaught.studies.bookkeeping import recorded_run
from selftaught.studies.checking import check_prompt
from selftaught.studies.common_config import CommonConfig, SandboxConfig, ScoreConfig
from selftaught.studies.registry import find_study
from selftaught.studies.replay import ReplayJournal, Silent, compared, replayed
from selftaught.studies.results import STOPPED
from selftaught.studies.settings import as_json
from selftaught.studies.study import Asked, Study

# How a guest's import of what is not there fails.
_MISSING = re.compile(r"no module '([\w.]+)' in the sandbox")


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a run starts from.

    Attributes:
        place: of the run in its series, whose runs share the budget; the first has its id.
    """

    listener: Listener
    resumed: StoredRun | None = None
    place: SeriesPlace | None = None


async def run_study(
    asked: Asked[Any],
    listener: Listener = silent,
    *,
    resumed: StoredRun | None = None,
    place: SeriesPlace | None = None,
) -> dict[str, Any]:
    """What is asked for; the object of `--json`.

    Args:
        resumed: the run that is gone on with; what is asked is then its own.
    Raises: ConfigError; SandboxUnavailable; InfrastructureError; NothingMeasured.
    """
    study = find_study(asked.config.command)
    if study.has_tasks:
        check_distinct(asked.tasks)
    study.check(asked)
    async with _context(study, asked, _Start(listener, resumed, place)) as (context, so_far):
        return await recorded_run(study, context, asked, so_far, so_far.head.start)


async def replay_run(
    stored: StoredRun, tasks: Sequence[Task], *, rescore: bool, listener: Listener = silent
) -> dict[str, Any]:
    """A run once more from its journal, with no model; the object of `replay --json`."""
    config, memory = stored.config, stored.memory
    study = find_study(config.command)
    asked = Asked(config, tasks, stored.improver, finish=stored.head.state == STOPPED)
    journal = ReplayJournal()
    async with AsyncExitStack() as stack:
        before = recorded(
            stack.enter_context(open_reader(config.store)), stored.run_id, study.events()
        )
        executor = await stack.enter_async_context(executor_of(config, study.nesting))
        evaluator = evaluator_of(config, executor, find_instance_key(config.instance_key))
        context = run_context(
            stored.run_id,
            config,
            [Silent(name) for name in config.models],
            executor,
            evaluator,
            journal=journal,
            ledger=Ledger(Budget(), usage=memory.usage),
            listener=listener,
            history=Replay(memory, rescores=rescore),
            modules=stored.head.modules_told,
            version_scheme=stored.head.version_scheme,
            reply_scheme=stored.head.start.reply_scheme,
            prompt_chars=stored.head.start.prompt_chars,
            bounds=stored.head.unit,
        )
        so_far = _read_by_replays(study, before, tasks)
        await replayed(recorded_run(study, context, asked, so_far, None))
        await evaluator.aclose()
    return compared(study, before.events, journal, rescored=rescore)


def _read_by_replays(study: Study[Any], run: RecordedRun, tasks: Sequence[Task]) -> RecordedRun:
    """What a replay does not come to itself: its tasks, and what was found by scoring."""
    told = tuple(told_tasks(tasks, run.head.version_scheme))
    start = structs.replace(run.head.start, tasks=told)
    kinds: tuple[type[EventRecord], ...] = (Evaluation, *study.scores())
    scores = tuple(event for event in run.events if isinstance(event.body, kinds))
    return RecordedRun(replace(run.head, start=start, end=None), scores, run.text)


async def score_once(task: Task, program: Program, question: Question, config: ScoreConfig) -> Any:
    """One evaluation, with no journal."""
    key = find_instance_key(config.instance_key)
    async with executor_for(slots=1, config=config.sandbox) as executor:
        limits = config.sandbox.limits()
        evaluator = Evaluator(executor, config.seed, key, limits, most_trials=1)
        return await evaluator.score(program, question)


@asynccontextmanager
async def _context(
    study: Study[Any], asked: Asked[Any], start: _Start
) -> AsyncIterator[tuple[RunContext, RecordedRun]]:
    """Check everything, start everything, and only then open the journal."""
    config, resumed, place = asked.config, start.resumed, start.place
    for name in config.models:
        check_model_name(name)
    check_writable(config.store)
    instance_key = find_instance_key(config.instance_key)
    scheme = VERSION_SCHEME if resumed is None else resumed.head.version_scheme
    reply_scheme = REPLY_SCHEME if resumed is None else resumed.head.start.reply_scheme
    told = told_tasks(asked.tasks, scheme)
    for task in asked.tasks if resumed is None else ():
        for line, _ in without_keys(task.seed_program().source).secrets:
            raise ConfigError(
                f"line {line} of the seed of task {task.name} holds what looks like a secret, and "
                "the model is sent the whole program: take it out"
            )
    async with AsyncExitStack() as stack:
        executor = await stack.enter_async_context(executor_of(config, study.nesting))
        models: list[LanguageModel] = []
        for name, one in config.models.items():
            if asked.finish:
                models.append(Silent(name))
                continue
            opened = opened_model(name, one.provider, executor, function=asked.function)
            models.append(await stack.enter_async_context(opened))
            if config.budget.usd is not None and models[-1].most_usd(1, 1) is None:
                raise ConfigError(
                    f"the price of {name} is not known, so --usd could not be kept: "
                    "give --price-in and --price-out, USD per million tokens"
                )
        evaluator = evaluator_of(config, executor, instance_key)
        stack.push_async_callback(evaluator.aclose)
        await _check_programs(executor, evaluator, asked, tries=study.rewards and resumed is None)
        run_id = new_run_id(datetime.now(UTC), os.urandom(2)) if resumed is None else resumed.run_id
        if place is not None and place.index == 0:
            run_id = place.series_id
        stack.enter_context(hold_run(config.store, run_id))
        # What another process wrote before we held the run is read now, and not before.
        memory = Memory()
        events: tuple[Event, ...] = ()
        text: Text = no_text
        if resumed is not None:
            memory = find_run(config.store, run_id, budget=config.budget.value()).memory
        journal = await asyncio.to_thread(open_journal, config.store)
        stack.push_async_callback(journal.aclose)
        if resumed is not None:  # it closes before the journal, which tidies up the store
            reader = stack.enter_context(open_reader(config.store))
            events, text = tuple(reader.events(run_id, own=study.events())), reader.text
        stack.push_async_callback(evaluator.aclose)  # before the journal, to which it writes
        modules = _modules_told(config, start)
        settled = config.settled(len(asked.tasks))
        head = Run(
            command=config.command,
            config={**as_json(settled), "instance_key": instance_key},
            version=__version__,
            seed=config.seed,
            model=models[0].name if len(models) == 1 else config.model_label,
            tier=executor.tier,
            tasks=tuple(told),
            task_version_scheme=scheme,
            improver=asked.improver.id,
            resumed=resumed is not None,
            cut_requests=len(memory.open_requests),
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            modules_told=modules,
            series=place,
            bounded=resumed is None or resumed.head.start.bounded,
            reply_scheme=reply_scheme,
            interval_scheme=2 if resumed is None else resumed.head.start.interval_scheme,
            prompt_chars=(
                prompt_chars(models, config.max_tokens, config.prompt_kb << 10)
                if resumed is None
                else resumed.head.start.prompt_chars
            ),
        )
        ledger = Ledger(
            config.budget.value(),
            usage=memory.usage,
            elapsed_s=memory.elapsed_s + (place.wall_s if place else 0.0),
            before=place.usage if place else None,
        )
        told_of = RunHead(run_id, head, head, None)
        context = run_context(
            run_id,
            config,
            models,
            executor,
            evaluator,
            journal=journal,
            ledger=ledger,
            listener=start.listener,
            history=History(memory),
            modules=modules,
            version_scheme=scheme,
            reply_scheme=reply_scheme,
            prompt_chars=head.prompt_chars,
            bounds=told_of.unit,
        )
        yield context, RecordedRun(told_of, events, text)


def _modules_told(config: CommonConfig, start: _Start) -> tuple[str, ...]:
    """The modules that improvers are told of: prompts of a run, or a series, that goes on stay
    what they were, and runs of older versions told of none."""
    if start.resumed is not None:
        return start.resumed.head.modules_told
    if start.place is not None and start.place.index > 0:
        return find_run(config.store, start.place.series_id).head.modules_told
    return config.sandbox.modules


async def _check_programs(
    executor: Executor, evaluator: Evaluator, asked: Asked[Any], *, tries: bool
) -> None:
    """Errors in what the user brought, found before anything is written or paid.

    Args:
        tries: whether seeds that fail are refused: not where nothing follows from scores, nor in a
            run that goes on, which has begun with them.
    Raises: ConfigError.
    """
    config: CommonConfig = asked.config
    limits = config.sandbox.limits()
    for what, improver in {"the improver": asked.improver, **asked.others}.items():
        failure = await executor.load(Job(improver, limits))
        if failure is not None:
            raise ConfigError(f"{what} does not load: {_said(failure)}")
    for task in asked.tasks:
        seed = task.seed_program()
        failure = None if task.kind == "text" else await executor.load(Job(seed, limits))
        if failure is not None and failure.kind in ("syntax", "no_code"):
            raise ConfigError(f"the seed of task {task.name} does not load: {_said(failure)}")
        outcome = await evaluator.score(seed, Question(task, "search", "check"))
        may_fail = config.seed_may_fail or task.seed is None or not tries
        if isinstance(outcome, Failed) and not may_fail:
            raise ConfigError(
                f"the seed of task {task.name} fails, and what fails has no score: "
                f"{_said(outcome)}. {_advice(outcome, config.sandbox)}, or give "
                "--seed-may-fail to begin with it all the same"
            )
        check_prompt(f"task {task.name}", task.described(), seed, config.prompt_kb)


def _advice(failure: Failed, sandbox: SandboxConfig) -> str:
    """What to do about a seed that fails."""
    missing = _MISSING.search(failure.detail)
    if missing is not None:
        module = missing[1].partition(".")[0]
        if module in sys.stdlib_module_names or find_spec(module) is not None:
            return f"Give --module {module}"
        return (
            f"{module} is not installed here: install it (python -m pip install {module}, or what "
            f"its package is called), then give --module {module}"
        )
    if "PermissionError: [Errno 1]" in failure.detail:
        return "No program has files, processes or the network here: do without them"
    match failure.kind:
        case "timeout":
            return (
                "Make it faster, or raise its limit: program(..., cpu_s=...) in the utility, or "
                f"--call-cpu-s (now {sandbox.cpu_s:g}) where that gives none"
            )
        case "memory":
            return f"Make it take less, or give --memory-mb (now {sandbox.memory_mb:,})"
        case "output_limit":
            return (
                f"Make it say less, or give --output-mb (now {sandbox.output_mb:g}) or "
                f"--answer-mb (now {sandbox.answer_mb:g})"
            )
    return "Mend it"


def _said(failure: Failed) -> str:
    return f"{failure.kind}: {failure.detail}".partition("\n")[0]
