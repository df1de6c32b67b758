"""What an improver of improvers reads: the meta-utility, rendered from the run's real limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from selftaught.core.budget import ImproverLimits
from selftaught.core.seeds import Stream
from selftaught.core.task import Task


def describe_meta_utility(
    tasks: Sequence[Task],
    runs: Mapping[Stream, int],
    limits: ImproverLimits,
    modules: Sequence[str] = (),
) -> str:
    """The description of the meta-utility, in the form of a program.

    Args:
        runs: improver runs a task on each stream.
        modules: what guests can import besides the usual modules.
    """
    per_task = "\n".join(
        f"    {task.name!r},  # {'a cost, ' if task.minimize else ''}{task.scale.said}"
        for task in tasks
    )
    *names, last = ("the standard library", "numpy", *modules)
    importable = f"{', '.join(names)} and {last}"
    return f'''# The interface of an improver, and how improvers are scored.
#
# def improve_algorithm(initial_solution: str, utility, language_model) -> str
#   utility(solution) -> float, higher is better, with .feedback: str
#   utility.map(solutions) -> list[float], scored concurrently
#   utility.str: the utility's description; utility.budget = {limits.utility_uses}; utility.uses
#   language_model.prompt(expertise, message, n_responses=1, temperature=0.7) -> list[str]
#   language_model.batch_prompt(expertise, message_batch, temperature=0.7) -> list[str]
#   language_model.max_responses_per_call = {limits.samples_per_call}
#   language_model.budget = {limits.calls} calls; language_model.times_used
# A call past the model's budget raises an exception; a use past the utility's budget is worth the
# lowest value. Responses past max_responses_per_call are not drawn. One batch_prompt is one call.
# `from helpers import extract_code`: the code of the largest fenced block of a response, or None;
# of a list of responses, a list. Only {importable} can be imported.
# An improver run may use {limits.cpu_s:g} CPU seconds of its own.

DOWNSTREAM_TASKS = [
{per_task}
]
RUNS_PER_TASK = {runs["search"]}


def meta_utility(improver):
    """Mean normalised utility that the improver reaches on the downstream tasks."""
    values = []
    for task in DOWNSTREAM_TASKS:
        for run in range(RUNS_PER_TASK):  # each with random instances of its own
            solution = improver(task.seed_program, task.utility, language_model)
            values.append(task.normalised(task.utility(solution)))  # 0 if the run fails
    return sum(values) / len(values)
'''
