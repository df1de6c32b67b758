"""The first program of a task without one: the model writes it from the utility's description.

As in Zelikman et al. 2024 (arXiv 2310.02304), where the initial solutions of the transfer tasks
are written by the model that improves them.
"""

from __future__ import annotations

from dataclasses import replace

from selftaught.core.errors import SelfTaughtError
from selftaught.core.outcome import Failed
from selftaught.core.task import Task
from selftaught.engine.context import RunContext
from selftaught.engine.invoke import SandboxedImprover
from selftaught.engine.utilities import TaskUtility
from selftaught.studies.improvers import own_program

# The set of instances on which a seed is measured by which values are normalised.
SCALE = "scale"


class NoFirstProgram(SelfTaughtError):
    """The model wrote no program that scores at all."""


async def with_seed(context: RunContext, task: Task, samples_cap: int | None = None) -> Task:
    """The task with a seed program: its own, or one that the model writes.

    Args:
        samples_cap: responses that may be drawn for it, or None for what the limits allow.
    Raises: NoFirstProgram; BudgetExceeded.
    """
    if task.seed is not None:
        return task
    u = TaskUtility(context, task, "search", "first")
    stub = task.seed_program()
    writer = SandboxedImprover(context, own_program("first_program"), "first", samples_cap)
    result, usage = await writer.run(u, stub)
    if isinstance(result, Failed):
        raise NoFirstProgram(_said(task, usage.samples, f"{result.kind}: {result.detail}"))
    outcome = await u.outcome(result)
    if isinstance(outcome, Failed) or result.id == stub.id:
        raise NoFirstProgram(_said(task, usage.samples, "none of them scores"))
    return replace(task, seed=result.source)


async def with_seed_value(context: RunContext, task: Task) -> Task:
    """A task that has no known range, with what its seed is worth: once a run, on search."""
    if task.scale.is_bounded:
        return task
    outcome = await TaskUtility(context, task, "search", SCALE).outcome(task.seed_program())
    scaled = replace(task, seed_value=outcome.value)
    context.notice(f"task {task.name}: {scaled.scale.said}")
    return scaled


def _said(task: Task, samples: int, why: str) -> str:
    return (
        f"task {task.name} has no seed, and the model wrote no first program in {samples} "
        f"responses ({why}): give it Task(seed=...), another model (local:mutator "
        "edits programs and writes none), or a longer Task(description=...)"
    )
