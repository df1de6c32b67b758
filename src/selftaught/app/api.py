"""The public functions: `score`, `improve`, `self_improve`, and their async forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from selftaught.app import core_thread
from selftaught.app.compose import run_study, score_once
from selftaught.app.config import (
    DEFAULT_MODEL,
    DEFAULT_STORE,
    ImproveConfig,
    ProviderConfig,
    RunConfig,
    ScoreConfig,
    make_config,
)
from selftaught.app.discovery import load_task
from selftaught.app.results import ImproveResult, SelfImproveResult, improve_result, stop_result
from selftaught.app.resume import StoredRun, check_versions
from selftaught.app.series import find_unfinished, resume_study, run_repeated
from selftaught.core.budget import Budget, ImproverLimits
from selftaught.core.errors import ConfigError
from selftaught.core.outcome import EvaluationOutcome
from selftaught.core.program import Program
from selftaught.core.seeds import STREAMS, Stream
from selftaught.core.task import Task
from selftaught.engine.evaluate import Question

TaskLike = Task | str | Path


def score(
    task: TaskLike,
    program: str | Path | Program,
    stream: Stream = "search",
    seed: int = 0,
    *,
    sandbox: Mapping[str, Any] | None = None,
    instance_key: str | None = None,
) -> EvaluationOutcome:
    """Score one program, in the sandbox.

    Args:
        task: a task, its name, or its file.
        program: source text, a file, or a `Program`; `task.seed` is the task's own, wherever that
            is taken from.
        stream: whose instances: search, val or test.
        seed: from which the instances derive.
        sandbox, instance_key: as in `improve`.
    Returns: Scored, or Failed.
    Raises: ConfigError; SandboxUnavailable.
    """
    return core_thread.run(_score(task, program, stream, seed, sandbox, instance_key))


async def score_async(
    task: TaskLike,
    program: str | Path | Program,
    stream: Stream = "search",
    seed: int = 0,
    *,
    sandbox: Mapping[str, Any] | None = None,
    instance_key: str | None = None,
) -> EvaluationOutcome:
    """`score`, from an event loop."""
    work = _score(task, program, stream, seed, sandbox, instance_key)
    return await core_thread.run_async(work)


def improve(
    task: TaskLike,
    *,
    improver: str | Path = "seed",
    model: str = DEFAULT_MODEL,
    budget: Budget | None = None,
    limits: ImproverLimits | None = None,
    patience: int | None = None,
    seed: int = 0,
    store: str = DEFAULT_STORE,
    provider: Mapping[str, Any] | None = None,
    sandbox: Mapping[str, Any] | None = None,
    instance_key: str | None = None,
    resume: str | None = None,
) -> ImproveResult:
    """Improve a task's program: improver runs, each from the best so far.

    Args:
        task: a task, its name, or its file.
        improver: name or file of the improver.
        model: `provider:model`.
        budget: the whole run's limits; without it and without patience, one improver run.
        limits: each improver run's limits.
        patience: improver runs in a row that may find nothing better.
        seed: of everything random.
        store: URL of the journal.
        provider: how the model is asked, by the names of the configuration, such as
            `{"base_url": "http://127.0.0.1:8000/v1", "max_tokens": 1024, "price_in": 1.0}`. A key
            comes from the environment or from a file, `api_key_file`.
        sandbox: limits of each generated program, by the names of the configuration's section
            `sandbox`, such as `{"memory_mb": 2048, "modules": ["scipy"]}`.
        instance_key: what instances derive from besides the seed; by default a key of this
            user's own, with `public` the seed alone.
        resume: id of a run in `store` to go on with; the task must be as it was, and all else is as
            the run was started, whatever is given here.
    Raises: ConfigError, SandboxUnavailable, InfrastructureError.
    """
    return core_thread.run(_improve(**locals()))


async def improve_async(
    task: TaskLike,
    *,
    improver: str | Path = "seed",
    model: str = DEFAULT_MODEL,
    budget: Budget | None = None,
    limits: ImproverLimits | None = None,
    patience: int | None = None,
    seed: int = 0,
    store: str = DEFAULT_STORE,
    provider: Mapping[str, Any] | None = None,
    sandbox: Mapping[str, Any] | None = None,
    instance_key: str | None = None,
    resume: str | None = None,
) -> ImproveResult:
    """`improve`, from an event loop."""
    return await core_thread.run_async(_improve(**locals()))


def self_improve(
    tasks: Sequence[TaskLike],
    *,
    iterations: int = 4,
    improver: str | Path = "seed",
    model: str = DEFAULT_MODEL,
    accept: str = "strict",
    budget: Budget | None = None,
    limits: ImproverLimits | None = None,
    seed: int = 0,
    store: str = DEFAULT_STORE,
    runs: Mapping[str, int] | None = None,
    repeats: int = 1,
    baselines: bool | None = None,
    provider: Mapping[str, Any] | None = None,
    sandbox: Mapping[str, Any] | None = None,
    instance_key: str | None = None,
    resume: str | None = None,
) -> SelfImproveResult:
    """STOP: an improver improves itself, judged by what it reaches on the tasks.

    Args:
        tasks: downstream tasks, their names, or files.
        iterations: T.
        accept: what becomes of a proposal: strict, revert or paper.
        runs: improver runs a task on each stream, such as `{"search": 5, "val": 15}`.
        repeats: independent runs, with seeds `seed`, `seed + 1` and so on, that share the budget.
        baselines: whether the final improver is compared to chain of thought, greedy iteration and
            best of n, too, at as many samples; by default where there are several runs.
        improver, model, budget, limits, seed, store, provider, sandbox, instance_key, resume: as in
            `improve`.
    Raises: ConfigError, SandboxUnavailable, InfrastructureError.
    """
    return core_thread.run(_self_improve(**locals()))


async def self_improve_async(
    tasks: Sequence[TaskLike],
    *,
    iterations: int = 4,
    improver: str | Path = "seed",
    model: str = DEFAULT_MODEL,
    accept: str = "strict",
    budget: Budget | None = None,
    limits: ImproverLimits | None = None,
    seed: int = 0,
    store: str = DEFAULT_STORE,
    runs: Mapping[str, int] | None = None,
    repeats: int = 1,
    baselines: bool | None = None,
    provider: Mapping[str, Any] | None = None,
    sandbox: Mapping[str, Any] | None = None,
    instance_key: str | None = None,
    resume: str | None = None,
) -> SelfImproveResult:
    """`self_improve`, from an event loop."""
    return await core_thread.run_async(_self_improve(**locals()))


async def _score(
    task: TaskLike,
    program: str | Path | Program,
    stream: Stream,
    seed: int,
    sandbox: Mapping[str, Any] | None,
    instance_key: str | None,
) -> EvaluationOutcome:
    if stream not in STREAMS:
        raise ConfigError(f"unknown stream {stream!r}: use one of {', '.join(STREAMS)}")
    found = _task(task)
    config = make_config(
        ScoreConfig, {"seed": seed, "sandbox": dict(sandbox or {}), "instance_key": instance_key}
    )
    outcome: EvaluationOutcome = await score_once(
        found, _program(program, found), Question(found, stream, "score"), config
    )
    return outcome


async def _improve(
    task: TaskLike, patience: int | None, resume: str | None, **common: Any
) -> ImproveResult:
    found = _task(task)
    if resume is not None:
        stored = _stored(common["store"], resume, [found])
        if not isinstance(stored.config, ImproveConfig):
            raise ConfigError(f"run {stored.run_id} is a STOP run: st.self_improve resumes it")
        data = await run_study(stored.config, [found], improver=stored.improver, resumed=stored)
    else:
        name = task if isinstance(task, (str, Path)) else None
        values = {**_common(**common), "patience": patience, "task": name and str(name)}
        data = await run_study(make_config(ImproveConfig, values), [found])
    return improve_result(data, common["store"])


async def _self_improve(
    tasks: Sequence[TaskLike],
    iterations: int,
    accept: str,
    runs: Mapping[str, int] | None,
    repeats: int,
    baselines: bool | None,
    resume: str | None,
    **common: Any,
) -> SelfImproveResult:
    found = [_task(task) for task in tasks]
    if resume is not None:
        stored = _stored(common["store"], resume, found)
        if not isinstance(stored.config, RunConfig):
            raise ConfigError(f"run {stored.run_id} is an improve run: st.improve resumes it")
        return stop_result(await resume_study(stored, found), common["store"])
    values = {
        **_common(**common),
        "iterations": iterations,
        "accept": accept,
        "runs": dict(runs or {}),
        "repeats": repeats,
        "baselines": baselines,
        "tasks": tuple(task.name if isinstance(task, Task) else str(task) for task in tasks),
    }
    return stop_result(await run_repeated(make_config(RunConfig, values), found), common["store"])


def _stored(store: str, run: str, tasks: Sequence[Task]) -> StoredRun:
    """A run to go on with, of these tasks. Raises: ConfigError."""
    stored = find_unfinished(store, run)
    check_versions(stored, tasks)
    return stored


def _common(
    improver: str | Path,
    model: str,
    budget: Budget | None,
    limits: ImproverLimits | None,
    seed: int,
    store: str,
    provider: Mapping[str, Any] | None,
    sandbox: Mapping[str, Any] | None,
    instance_key: str | None,
) -> dict[str, Any]:
    unknown = sorted(set(provider or {}) - set(ProviderConfig.model_fields))
    if unknown:
        raise ConfigError(f"unknown setting of the provider: {', '.join(unknown)}")
    return {
        **(provider or {}),
        "improver": str(improver),
        "model": model,
        "seed": seed,
        "store": store,
        "budget": _fields(budget or Budget()),
        "limits": _fields(limits or ImproverLimits()),
        "sandbox": dict(sandbox or {}),
        "instance_key": instance_key,
    }


def _fields(value: Budget | ImproverLimits) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _task(task: TaskLike) -> Task:
    return task if isinstance(task, Task) else load_task(task)


def _program(program: str | Path | Program, task: Task) -> Program:
    if isinstance(program, Program):
        return program
    if isinstance(program, str):
        return Program(program, task.entry)
    if not isinstance(program, Path):
        raise ConfigError(
            f"task {task.name}: program must be source text, a Path or a Program, not {program!r}"
        )
    # A relative path is that of the caller's file, unless it is the very one that the task gave.
    if program is task.seed or (program == task.seed and not program.exists()):
        return task.seed_program()
    try:
        return Program(program.read_text(encoding="utf-8"), task.entry)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the program {program}: {error}") from None
