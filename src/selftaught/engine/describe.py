"""What improvers read of what they improve for.

Of a task what it shows, and what a program can import; of the meta-utility its rendering, from the
run's real limits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from selftaught.core.budget import ImproverLimits
from selftaught.core.evolve_block import frame_of
from selftaught.core.guest_modules import PRELOADED
from selftaught.core.program import REPLY_SCHEME, files_of
from selftaught.core.seeds import Stream
from selftaught.core.task import VERSION_SCHEME, Task

_MARKED = """\
# Only what stands between # EVOLVE-BLOCK-START and # EVOLVE-BLOCK-END may change, and the marks
# must stay: all else is put back before a program is scored."""
_SEVERAL = """\
# A program has several files here, each below a line `# ==== file: PATH ====`. Each is imported by
# its name; main.py defines the entry, or else the only file that does. Give the files that you
# change, each whole in a code block of its own that begins with that line, or SEARCH/REPLACE edits
# below a line with the PATH. Files that are not given stay as they are."""
_HELPERS = {
    1: """\
# `from helpers import extract_code`: the code of the largest fenced block of a response, or None;
# of a list of responses, a list.""",
    2: """\
# `from helpers import extract_code, apply_edits`: extract_code(response) is the program in it, or
# None; of a list of responses, a list. apply_edits(program, response) is the program with the
# SEARCH/REPLACE blocks or the diff of a response, or raises a ValueError that says why not.""",
}

_MODELS = """
#   language_model.models = [{}]
#   prompt, batch_prompt and start take model=NAME, to ask that one; without it the model of each
#   response is drawn"""

_HISTORY = """
# `from helpers import history`: history() is what is known of what is improved, as data:
#   {"search": its meta-utility or None, "runs": [{"task", "outcome", "detail", "calls", "samples",
#   "scored", "asked": prompts, "failures": {kind: count}, "best": [[samples, value], ...]}, ...],
#   "proposals": [{"adopted", "failed", "search", "changes"}, ...]}
# with each of its improver runs in meta_utility, and what was proposed for it before."""


def describe_task(task: Task, modules: Sequence[str] = (), scheme: int = VERSION_SCHEME) -> str:
    """What a task shows of itself, and what its programs can import.

    Prompts that results were published with name no modules: those of installed tasks, unless there
    are further ones, and those of runs of earlier schemes.
    """
    described = task.described_by(scheme)
    seed = task.seed_program().source
    if frame_of(seed) is not None:
        described = f"{described}\n\n{_MARKED}"
    if files_of(seed) is not None:
        described = f"{described}\n\n{_SEVERAL}"
    if scheme < 3 or not (modules or task.is_own) or task.kind == "text":
        return described
    usual = ", ".join(name for name in PRELOADED if not name.startswith("encodings."))
    further = f"{', '.join(modules)}; {usual}" if modules else usual
    return f"{described}\n\n# A program can import these modules and no others: {further}"


def describe_meta_utility(
    tasks: Sequence[Task],
    runs: Mapping[Stream, int],
    limits: ImproverLimits,
    modules: Sequence[str] = (),
    reply_scheme: int = REPLY_SCHEME,
    models: Sequence[str] = (),
    *,
    history: bool = False,
) -> str:
    """The description of the meta-utility, in the form of a program.

    Args:
        models: their names, where the run has several.
        history: whether improvers can read what became of what they improve.
    """
    told = _HISTORY if history else ""
    choice = _MODELS.format(", ".join(map(repr, models))) if models else ""
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
#   language_model.budget = {limits.calls} calls; language_model.times_used{choice}
# A call past the model's budget raises an exception; a use past the utility's budget is worth the
# lowest value. Responses past max_responses_per_call are not drawn. One batch_prompt is one call.
{_HELPERS[min(reply_scheme, 2)]} Only {importable} can be imported.{told}
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
