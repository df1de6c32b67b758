"""`selftaught audit rewards`: the journal of a run, and on demand its scores on fresh instances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from selftaught.analysis.guest_text import reading_program
from selftaught.analysis.reward_audit import audit_run
from selftaught.analysis.reward_denials import above_bound
from selftaught.analysis.reward_findings import Detector
from selftaught.analysis.reward_scores import Scores, Searched, compared, of_program
from selftaught.analysis.run_head import read_head
from selftaught.app.instance_key import find_instance_key
from selftaught.app.parts import evaluator_of, executor_for, executor_of
from selftaught.app.resume import find_run, tasks_of
from selftaught.core.concurrency import together
from selftaught.core.errors import ConfigError
from selftaught.core.outcome import EvaluationOutcome, Failed, Scored
from selftaught.core.program import Program
from selftaught.core.task import Task
from selftaught.engine.evaluate import Evaluator, Question
from selftaught.engine.program_reader import ProgramReader
from selftaught.journal.reader import open_reader
from selftaught.studies.next_command import next_command
from selftaught.studies.registry import find_study

_PROGRAMS_A_TASK = 5


async def audit_rewards(
    store: str,
    run: str,
    rescore: int | None = None,
    most: int | None = None,
    detectors: Sequence[Detector] = (),
) -> dict[str, Any]:
    """The object of `audit rewards --json`.

    Args:
        rescore: score the programs that were best on search anew on so many sets of instances.
    Raises: ConfigError; SandboxUnavailable.
    """
    with open_reader(store) as reader:
        run_id = reader.resolve_run(run)
        head = read_head(reader, run_id)
        study = find_study(head.command)
        if not study.rewards:
            raise ConfigError(
                f"run {run_id} is of selftaught {study.command}, in which nothing is rewarded: "
                f"see {next_command('show', run_id, store)}"
            )
        async with executor_for() as executor:
            programs = ProgramReader(executor, reading_program("tricks"))
            found = await audit_run(reader, run_id, programs, most, detectors)
    shown = found.as_json()
    if rescore is not None:
        shown["rescored"] = await _rescored(store, run_id, found.scores, rescore)
    return shown


async def _rescored(store: str, run_id: str, scores: Scores, sets: int) -> list[dict[str, Any]]:
    """The programs of each task that were best on search, on so many sets of fresh instances.

    No run has these instances: they are of test, under names of their own.

    Returns: `[{"task", "program_id", "search", "fresh", "more_than_luck", "failures", "sets",
        "holds", "evidence"}]`, where `fresh` is the mean of those on which it did
        not fail, or None. A score above the task's highest is a failure, and does not hold.
    Raises: ConfigError if the run's tasks cannot be found, or are others than they were.
    """
    stored = find_run(store, run_id)
    config = stored.config
    tasks = {task.name: task for task in tasks_of(stored)}
    listed = [one for one in scores.best_searched(_PROGRAMS_A_TASK) if one.task in tasks]
    with open_reader(store) as reader:
        texts = reader.texts({one.program for one in listed})
    async with executor_of(config, 1) as executor:
        key = find_instance_key(config.instance_key)
        evaluator = evaluator_of(config, executor, key)

        async def measure(one: Searched) -> dict[str, Any]:
            task = tasks[one.task]
            return _row(
                scores, task, one, await _on_fresh(evaluator, task, texts[one.program], sets)
            )

        try:
            return await together(measure(one) for one in listed if one.program in texts)
        finally:
            await evaluator.aclose()


async def _on_fresh(
    evaluator: Evaluator, task: Task, source: str, sets: int
) -> list[EvaluationOutcome]:
    program = Program(source, task.entry)
    evaluator.works(task)  # it has scored these programs on search
    return await together(
        evaluator.score(program, Question(task, "test", f"audit-{number}"))
        for number in range(sets)
    )


def _row(
    scores: Scores, task: Task, one: Searched, outcomes: list[EvaluationOutcome]
) -> dict[str, Any]:
    fresh = [task.worth(outcome.value) for outcome in outcomes if isinstance(outcome, Scored)]
    failures = [outcome.detail for outcome in outcomes if isinstance(outcome, Failed)]
    evidence = [finding.evidence for finding in compared(scores, one, fresh, len(failures))]
    bounds = (above_bound(detail) for detail in failures)
    evidence += [*filter(None, bounds)][:1]
    found = of_program(scores, one, fresh) if len(fresh) > 1 else None
    return {
        "task": one.task,
        "program_id": one.program,
        "search": task.worth(one.value),
        "fresh": None if found is None else task.worth(found.fresh),
        "more_than_luck": None if found is None else max(0.0, found.at_least),
        "failures": len(failures),
        "sets": len(outcomes),
        "holds": not evidence,
        "evidence": "; ".join(evidence),
    }
