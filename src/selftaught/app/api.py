"""The public functions: `score`, `improve`, `self_improve`, and their async forms."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from selftaught.app import core_thread
from selftaught.app.compose import score_once
from selftaught.app.in_python import (
    ModelLike,
    TaskLike,
    in_python,
    model_name,
    program_of,
    settings,
    task_of,
)
from selftaught.app.results import (
    ImproveResult,
    SelfImproveResult,
    Stopped,
    improve_result,
    stop_result,
)
from selftaught.app.resume import StoredRun, check_versions
from selftaught.app.series import find_unfinished, resume_study, run_repeated, so_far
from selftaught.core.betting import PAIRS
from selftaught.core.budget import Budget, ImproverLimits
from selftaught.core.errors import ConfigError
from selftaught.core.outcome import EvaluationOutcome
from selftaught.core.program import Program
from selftaught.core.progress import Listener, Progress, silent
from selftaught.core.seeds import STREAMS, Stream
from selftaught.core.task import Task
from selftaught.engine.evaluate import Question
from selftaught.studies.common_config import DEFAULT_MODEL, DEFAULT_STORE, ScoreConfig
from selftaught.studies.improve.study import DRAWS_ALL, ImproveConfig
from selftaught.studies.improvers import fitting, load_improver
from selftaught.studies.next_command import next_call
from selftaught.studies.registry import find_study
from selftaught.studies.settings import make_config
from selftaught.studies.stop.study import RunConfig
from selftaught.studies.study import Asked

P = ParamSpec("P")
R = TypeVar("R")
Found = TypeVar("Found", ImproveResult, SelfImproveResult)


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


def improve(
    task: TaskLike,
    *,
    improver: str | Path = DRAWS_ALL,
    model: ModelLike = DEFAULT_MODEL,
    budget: Budget | Mapping[str, float] | None = None,
    limits: ImproverLimits | None = None,
    patience: int | None = None,
    target: float | None = None,
    confirm: int | None = None,
    test_repeats: int | None = None,
    seed: int = 0,
    store: str = DEFAULT_STORE,
    provider: Mapping[str, Any] | None = None,
    sandbox: Mapping[str, Any] | None = None,
    instance_key: str | None = None,
    seed_may_fail: bool = False,
    prompt_kb: int = 256,
    tier: str = "auto",
    slots: int | None = None,
    utility_threads: int | None = None,
    resume: str | None = None,
    progress: bool | None = None,
    on_event: Listener | None = None,
    finish: bool = False,
) -> ImproveResult:
    """Improve a task's program: improver runs, each from the best so far.

    Args:
        task: a task, its name, or its file.
        improver: name or file of the improver. `evolve` draws the whole budget in one improver run,
            unless limits or a patience are given; others begin again until it is spent.
        model: `provider:model`; several, as a list, or by name with the share of each; or a
            function, plain (called in threads) or async, that takes a `Prompt` and returns a list
            of texts, one a response.
        budget: the whole run's limits, as `{"lm_calls": 20}` too; without it and without patience,
            one improver run.
        limits: each improver run's limits.
        patience: improver runs in a row, each of limits of its own, that may find nothing better.
        target: value on search at which the search ends; by default the best known, or the top of
            the range.
        confirm: programs, the best on search, that are measured on val; the seed comes besides.
        test_repeats: sets of instances on test and, at most, on val.
        seed: of everything random.
        store: URL of the journal.
        provider: how the model is asked, by the names of the configuration, such as
            `{"base_url": "http://127.0.0.1:8000/v1", "max_tokens": 1024, "price_in": 1.0}`. A key
            comes from the environment (`api_key_env`) or from a file (`api_key_file`).
        sandbox: limits of each generated program, by the names of the configuration's section
            `sandbox`, such as `{"memory_mb": 2048, "modules": ["scipy"]}`.
        instance_key: what instances derive from besides the seed; by default a key of this
            user's own, with `public` the seed alone.
        seed_may_fail: begin also with a seed that fails, which is refused otherwise.
        prompt_kb: size of a prompt at most, in KiB.
        tier: of the sandbox: auto, namespaced or sealed.
        slots: candidates at a time; by default one a core.
        utility_threads: utilities at a time; 1 for one that nothing may run beside.
        resume: id of a run in `store` to go on with; the task must be as it was, and all else is as
            the run was started, whatever is given here; but a `budget` that is given holds from
            now on, what the run has spent included, and takes a run further that its budget ended.
            A model that is a function is given again.
        progress: whether it is shown on stderr: by default bars on a terminal, lines in a
            notebook, and elsewhere every ten seconds what is waited for.
        on_event: is called with each `Progress`, in a thread of ours, which waits for it. What it
            raises ends the run, which can be gone on with.
        finish: with `resume`, measure the best so far on val and test, and spend nothing else.
    Raises: ConfigError, SandboxUnavailable, InfrastructureError; Stopped on Ctrl-C.
    """
    return _to_the_end(_improve, improve_result, locals())


def self_improve(
    tasks: TaskLike | Sequence[TaskLike],
    *,
    iterations: int = 4,
    improver: str | Path = "seed",
    model: ModelLike = DEFAULT_MODEL,
    accept: str = "strict",
    certify_pairs: int = PAIRS,
    select: str = "latest",
    proposals: int = 1,
    history: bool = False,
    budget: Budget | Mapping[str, float] | None = None,
    limits: ImproverLimits | None = None,
    seed: int = 0,
    store: str = DEFAULT_STORE,
    runs: Mapping[str, int] | None = None,
    repeats: int = 1,
    baselines: bool | None = None,
    provider: Mapping[str, Any] | None = None,
    sandbox: Mapping[str, Any] | None = None,
    instance_key: str | None = None,
    seed_may_fail: bool = False,
    prompt_kb: int = 256,
    tier: str = "auto",
    slots: int | None = None,
    utility_threads: int | None = None,
    resume: str | None = None,
    progress: bool | None = None,
    on_event: Listener | None = None,
) -> SelfImproveResult:
    """STOP: an improver improves itself, judged by what it reaches on the tasks.

    Args:
        tasks: downstream tasks, their names, or files; or one of them.
        iterations: T.
        accept: what becomes of a proposal: strict, revert, paper or certified.
        certify_pairs: pairs of improver runs by which certified decides a proposal at most.
        select: who proposes, of all that was adopted: latest (the paper's), best, thompson, novel.
        proposals: a step, side by side.
        history: whether improvers can read what became of the improver that they improve.
        runs: improver runs a task on each stream, such as `{"search": 5, "val": 15}`.
        repeats: independent runs, with seeds `seed`, `seed + 1` and so on, that share the budget.
        baselines: whether the final improver is compared to chain of thought, greedy iteration and
            best of n, too, at as many samples; by default where there are several runs.
        improver, model, budget, limits, seed, store, provider, sandbox, instance_key,
            seed_may_fail, prompt_kb, tier, slots, utility_threads, resume, progress, on_event: as
            in `improve`.
    Raises: as `improve`.
    """
    return _to_the_end(_self_improve, stop_result, locals())


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
    found = task_of(task)
    config = make_config(
        ScoreConfig, {"seed": seed, "sandbox": dict(sandbox or {}), "instance_key": instance_key}
    )
    outcome: EvaluationOutcome = await score_once(
        found, program_of(program, found), Question(found, stream, "score"), config
    )
    return outcome


def _to_the_end(
    work: Callable[..., Coroutine[Any, Any, Found]],
    result_of: Callable[[dict[str, Any], str], Found],
    arguments: dict[str, Any],
) -> Found:
    """Raises: Stopped on Ctrl-C, once there is a run."""
    started: list[str] = []

    def listen(progress: Progress) -> None:
        if progress.kind == "run_started":
            started.append(progress.facts["run_id"])

    try:
        return core_thread.run(work(**arguments, listener=listen))
    except KeyboardInterrupt:
        if not started:
            raise
        store = arguments["store"]
        stands = so_far(store, started[-1])
        result = None if stands is None else result_of(stands, store)
        function = "improve" if result_of is improve_result else "self_improve"
        raise Stopped(started[-1], result, next_call(function, started[-1], store)) from None


async def _improve(task: TaskLike, **arguments: Any) -> ImproveResult:
    found = task_of(task)
    if arguments["finish"] and arguments["resume"] is None:
        raise ConfigError("finish=True goes with resume=, the id of a run")
    name = str(task) if isinstance(task, (str, Path)) else None
    data = await _studied(ImproveConfig, [found], task=name, **arguments)
    return improve_result(data, arguments["store"])


async def _self_improve(
    tasks: TaskLike | Sequence[TaskLike], **arguments: Any
) -> SelfImproveResult:
    tasks = [tasks] if isinstance(tasks, (Task, str, Path)) else tasks
    found = [task_of(task) for task in tasks]
    names = tuple(task.name if isinstance(task, Task) else str(task) for task in tasks)
    data = await _studied(RunConfig, found, tasks=names, **arguments)
    return stop_result(data, arguments["store"])


async def _studied(
    kind: type[ImproveConfig | RunConfig],
    found: Sequence[Task],
    store: str,
    resume: str | None,
    model: ModelLike,
    progress: bool | None,
    on_event: Listener | None,
    finish: bool = False,
    listener: Listener = silent,
    **arguments: Any,
) -> dict[str, Any]:
    """A run that is started, or gone on with; the object of `--json`."""
    function = model if callable(model) else None
    name = find_study(kind.command).function
    with in_python(progress, on_event, store, name, listener) as listener:
        if resume is not None:
            stored = _stored(store, resume, found, arguments["budget"], finish)
            study = find_study(stored.config.command)
            if not isinstance(stored.config, kind):
                other = f": st.{study.function} resumes it" if study.function else ""
                raise ConfigError(f"run {stored.run_id} is of selftaught {study.command}{other}")
            return await resume_study(stored, found, listener, function, finish=finish)
        values = settings(store=store, model=model_name(model), **arguments)
        config = make_config(kind, values)
        asked = Asked(config, found, fitting(load_improver(config.improver), found), function)
        return await run_repeated(asked, listener)


def _stored(
    store: str,
    run: str,
    tasks: Sequence[Task],
    budget: Budget | Mapping[str, float] | None,
    finish: bool,
) -> StoredRun:
    """A run to go on with, of these tasks. Raises: ConfigError."""
    limits = asdict(budget) if isinstance(budget, Budget) else budget or {}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    stored = find_unfinished(store, run, given, finish=finish)
    check_versions(stored, tasks)
    return stored


def _awaited(
    plain: Callable[P, R], work: Callable[..., Coroutine[Any, Any, R]]
) -> Callable[P, Coroutine[Any, Any, R]]:
    """The form of a public function for event loops: it takes what the plain one takes."""
    signature = inspect.signature(plain)

    @wraps(plain)
    async def awaited(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return await core_thread.run_async(work(**bound.arguments))

    awaited.__name__ = awaited.__qualname__ = f"{plain.__name__}_async"
    awaited.__doc__ = f"`{plain.__name__}`, from an event loop."
    return awaited


score_async = _awaited(score, _score)
improve_async = _awaited(improve, _improve)
self_improve_async = _awaited(self_improve, _self_improve)
