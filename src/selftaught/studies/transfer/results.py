"""What the events of a transfer study come to, and what must hold of those that it alone writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

from selftaught.analysis.recorded_run import RecordedRun, latest, said_result
from selftaught.core.program import content_id
from selftaught.engine.keys import make_key
from selftaught.journal.codec import Event
from selftaught.journal.events import TaskVersion
from selftaught.journal.study_events import Transfer, TransferRestart
from selftaught.studies.checking import key_problem
from selftaught.studies.transfer.table import TransferredTask, transfer_rows


def transfer_result(run: RecordedRun) -> dict[str, Any] | None:
    """A row a task that was measured, in their order."""
    measured: dict[str, Transfer] = {one.task: one for one in latest(run.events, Transfer).values()}
    if not measured:
        return None
    restarted: dict[str, TransferRestart] = {
        one.task: one for one in latest(run.events, TransferRestart).values()
    }
    config = run.head.config
    told, references = {task.name: task for task in run.head.tasks}, _references(run)
    tasks = {
        name: TransferredTask(
            name,
            **_worth(one, told[name]),
            **_worth(restarted.get(name), told[name]),
            minimize=told[name].minimize,
            bounds=run.head.bounds(told[name]),
        )
        for name, one in measured.items()
    }
    counts = {name: _counts(one, restarted.get(name)) for name, one in measured.items()}
    return {
        "origin": config["origin"],
        "seed_improver_id": run.head.improver_id,
        "improved_improver_id": content_id(config["improved"]),
        "runs": config["runs"]["test"],
        "tasks": [
            {
                **row,
                **({"minimize": True} if told[row["task"]].minimize else {}),
                "took_part": row["task"] in config["took_part"],
                "imp_at_k": tasks[row["task"]].improvements(counts[row["task"]]["samples"]),
                **counts[row["task"]],
                "references": references.get(row["task"], []),
            }
            for row in transfer_rows([*tasks.values()])
        ],
        "not_measured": [name for name in run.head.task_names if name not in measured],
    }


def _worth(body: Transfer | TransferRestart | None, told: TaskVersion) -> dict[str, Any]:
    """What each came to by what reached it; a failure is worth the lowest."""
    if body is None:
        return {}
    return {
        name: [body.failed if value is None else told.worth(value) for value in values]
        for name, values in body.values.items()
    }


def _counts(measured: Transfer, restarted: TransferRestart | None) -> dict[str, Any]:
    """What the improvers drew, and how often what they returned failed on test."""
    bodies = [measured] if restarted is None else [measured, restarted]
    drawn = {name: sum(ones) for body in bodies for name, ones in body.samples.items()}
    return {
        "samples": {name: count for name, count in drawn.items() if name != "seed_program"},
        "failures": {
            name: sum(value is None for value in values)
            for body in bodies
            for name, values in body.values.items()
        },
    }


def _references(run: RecordedRun) -> Mapping[str, Sequence[Any]]:
    """What is published of each task; older runs say it in their results alone."""
    told = {task.name: task.references for task in run.head.tasks}
    if all(references is not None for references in told.values()):
        return {
            name: [asdict(one) for one in references or ()] for name, references in told.items()
        }
    said = said_result(run.events) or {}
    return {row["task"]: row["references"] for row in said.get("tasks", ())}


Body: TypeAlias = Transfer | TransferRestart

_RESTARTED = "seed_restarted"


def transfer_problems(event: Event, before: RecordedRun) -> Iterator[str]:
    """How an event is not what those before it come to."""
    match event.body:
        case Transfer() | TransferRestart() as body:
            root = make_key("run", before.head.seed)
            yield from key_problem(root, event, event.kind, body.task)
            told = {task.name: task for task in before.head.tasks}
            yield from _problems(before, body, told[body.task])


def _problems(before: RecordedRun, body: Body, told: TaskVersion) -> Iterator[str]:
    """What it says that the events before it do not."""
    past, task = before.past(), body.task
    for name, programs in body.programs.items():
        values, samples = body.values[name], body.samples[name]
        if not len(programs) == len(values) == len(samples):
            yield f"{name} has not as many values and samples as programs"
            continue
        improver = body.improvers.get(name)
        for run, (program, value, drawn) in enumerate(zip(programs, values, samples, strict=True)):
            where = f"{name}, run {run},"
            repeat = f"transfer-{run}"
            if improver is not None:
                role = "restart" if name == _RESTARTED else "inner"
                returned = past.best(role, improver, told, repeat, body.failed)
                if program != returned:
                    yield f"{where} returned {returned}, and it says {program}"
                found = past.drawn(role, improver, task, repeat)
                if drawn != found:
                    yield f"{where} drew {found} samples, and it says {drawn}"
            worth = past.values.get((program or "", task, "test", repeat))
            if value != worth:
                yield f"{where} is worth {worth} on test, and it says {value}"
