"""Tasks for people and for programs."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from selftaught.app.discovery import load_task, task_names
from selftaught.core.errors import ConfigError
from selftaught.core.task import Task
from selftaught.engine.describe import describe_task
from selftaught.pages import words
from selftaught.pages.blocks import Block, Facts, Listing, Paragraph, Table


def listed_tasks() -> list[dict[str, Any]]:
    """Every installed task; one that cannot be loaded says why in place of its facts."""
    return [_listed(name) for name in task_names()]


def shown_task(name: str) -> dict[str, Any]:
    """One task with what the model is shown of it, and its seed. Raises: ConfigError."""
    task = load_task(name)
    return _facts(task) | {
        "version": task.version,
        "description": describe_task(task),
        "secrets": list(task.secrets),
        "seed": task.seed_program().source,
    }


def tasks_blocks(tasks: list[dict[str, Any]]) -> Iterator[Block]:
    """In two lines a task: its numbers, and where it comes from."""
    facts = [("task", "range", "best", "seed")]
    below = ["source"]
    for task in tasks:
        if "error" in task:
            facts.append((task["name"], "", "", ""))
            below.append(task["error"])
        else:
            facts.append((task["name"], _range(task), _best(task), _seed_score(task)))
            below.append(task["source"] or task["summary"])
    widths = [max(map(len, column)) for column in zip(*facts, strict=True)]
    heading, *rows = (
        (line,)
        for row, said in zip(facts, below, strict=True)
        for line in ("  ".join(map(str.ljust, row, widths)).rstrip(), f"  {said}")
    )
    note = "best: the optimum or best value known, or a bound; seed: what the seed scores"
    yield Table("", heading, tuple(rows), note)
    yield Paragraph("more: selftaught tasks NAME, which shows what the model will see")


def task_blocks(task: dict[str, Any]) -> Iterator[Block]:
    yield Facts((), f"{task['name']}: {task['summary']}")
    yield Paragraph(f"range {_range(task)}; entry {task['entry']}; version {task['version']}")
    yield Paragraph(f"best {_best(task)}; seed {_seed_score(task)}")
    if task["source"]:
        yield Paragraph(f"source: {task['source']}")
    if task["references"]:
        rows = [
            (words.number(one["value"]), f"{one['what']}; {one['source']}")
            for one in task["references"]
        ]
        yield Table("Published values", ("value", "of; source"), tuple(rows))
    yield Listing("What the model is shown", task["description"])
    for secret in task["secrets"]:
        yield Paragraph(f"{secret} looks like a secret: the model is not shown it")
    yield from Listing.of_program("The seed", task["seed"])


def _listed(name: str) -> dict[str, Any]:
    try:
        return _facts(load_task(name))
    except ConfigError as error:
        return {"name": name, "error": str(error)}


def _facts(task: Task) -> dict[str, Any]:
    return {
        "name": task.name,
        "range": [float(end) if math.isfinite(end) else None for end in task.range],
        "entry": task.entry,
        "summary": _summary(task),
        "minimize": task.minimize,
        "best_known": task.best_known,
        "seed_score": None if task.seed_score is None else list(task.seed_score),
        "source": task.source,
        "references": [asdict(reference) for reference in task.references],
    }


def _summary(task: Task) -> str:
    """The first sentence of the utility's docstring, or of the description."""
    own = inspect.getdoc(task.scored_by) if inspect.isroutine(task.scored_by) else None
    text = own or task.description or ""
    paragraph = " ".join(text.strip().partition("\n\n")[0].split())
    return paragraph.partition(". ")[0].rstrip(".")


def _best(task: dict[str, Any]) -> str:
    if task["best_known"] is not None:
        return words.plain(task["best_known"])
    if task["minimize"] and task["range"][0] is not None:
        return f">= {words.plain(task['range'][0])}"
    return "-" if task["range"][1] is None else f"<= {words.plain(task['range'][1])}"


def _seed_score(task: dict[str, Any]) -> str:
    if task["seed_score"] is None:
        return "-"
    low, high = (words.plain(value) for value in task["seed_score"])
    return low if low == high else f"{low} to {high}"


def _range(task: dict[str, Any]) -> str:
    low, high = ("any" if end is None else words.plain(end) for end in task["range"])
    goal = ", lower is better" if task["minimize"] else ""
    return f"{low} to {high}{goal}"
