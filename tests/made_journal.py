"""Journals of any size, made in seconds: real studies, whose guests are functions of this process.

Everything that writes events is the engine's own, so that a journal is one that a run could have
written, and `verify` finds nothing. The improver is the greedy one, the model changes a number in
the program that it is shown, and what a program is worth follows from its text.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from selftaught.analysis.recorded_run import RecordedRun, no_text
from selftaught.analysis.run_head import RunHead
from selftaught.app.discovery import load_task
from selftaught.app.parts import run_context
from selftaught.app.resume import told_tasks
from selftaught.core.language_model import Prompt
from selftaught.core.messages import PromptRequest, ScoreRequest
from selftaught.core.outcome import Scored
from selftaught.core.ports import Evaluation, GuestResult, Job, RequestHandler
from selftaught.core.seeds import PUBLIC_KEY
from selftaught.core.task import VERSION_SCHEME
from selftaught.engine.evaluate import Evaluator
from selftaught.engine.ledger import Ledger
from selftaught.journal.events import Run
from selftaught.journal.journal import open_journal
from selftaught.models.scripted import Scripted
from selftaught.studies.bookkeeping import recorded_run
from selftaught.studies.improvers import load_improver
from selftaught.studies.registry import find_study
from selftaught.studies.settings import as_json, make_config
from selftaught.studies.study import Asked
from selftaught_guest.helpers import extract_code
from selftaught_guest.reply import find_program
from selftaught_guest.reply_files import programs_of

# `search` is an `improve` of one improver run, whose calls draw so many responses.
Shape: TypeAlias = Literal["run", "improve", "search"]
SEARCH_SAMPLES = 31

_VARIANT = re.compile(r"\n# Variant \w+\.\n\Z")


def _variants(prompt: Prompt) -> list[str]:
    """The program of the prompt, with another last line."""
    _, _, rest = prompt.user.partition("```python\n")
    program = _VARIANT.sub("\n", rest.partition("\n```")[0] + "\n")
    return [
        f"This should help.\n```python\n{program}# Variant {seed:x}.\n```\n"
        for seed in prompt.seeds[: prompt.n]
    ]


@dataclass(frozen=True, slots=True)
class _Executor:
    """An executor without guests."""

    tier: str = "sealed"
    candidates: int = 2

    async def evaluate(self, evaluation: Evaluation) -> Scored:
        question = evaluation.question
        asked = f"{evaluation.program.id}{question.stream}{question.repeat}"
        digest = hashlib.blake2b(asked.encode(), digest_size=4).digest()
        values = tuple(byte / 256 for byte in digest)
        return Scored(sum(values) / 4, per_instance=values, cpu_s=0.002, tier=self.tier)

    async def improve(
        self,
        job: Job,
        solution: str,
        facts: Mapping[str, Any],
        *,
        depth: int,
        cpu_s: float,
        serve: RequestHandler,
    ) -> GuestResult:
        """What the greedy improver does."""
        best = (await _values(serve, [solution]))[0], solution
        for _ in range(facts["calls"]):
            message = f"Here is a program:\n```python\n{best[1]}\n```\n{facts['description']}"
            asked = PromptRequest("You know Python.", (message,), facts["samples_per_call"], 0.7)
            replies = (await serve(asked)).data["responses"]
            programs = [str(extract_code(reply)) for reply in replies]
            best = max(best, *zip(await _values(serve, programs), programs, strict=True))
        return GuestResult(best[1], 0.1)

    async def load(self, job: Job) -> None:
        """Every program loads."""

    async def call(self, job: Job, args: Sequence[Any], *, cpu_s: float, seed: int) -> Any:
        """What replies hold, which are ours and need no guest."""
        entry, solution, message, texts = args
        shown = programs_of(message, entry) or [solution]
        found = [list(find_program(text, entry, shown)) for text in texts]
        return [shown[0] if shown else None, found]


async def _values(serve: RequestHandler, programs: Sequence[str]) -> list[float]:
    values: list[float] = (await serve(ScoreRequest(tuple(programs)))).data["values"]
    return values


def settings(shape: Shape, events: int) -> dict[str, Any]:
    """Those with which a run comes to about so many events."""
    match shape:
        case "run":
            runs = {"search": max(1, (events - 300) // 850), "val": 2, "test": 2}
            return {"tasks": ("flow_shop",), "iterations": 1, "runs": runs}
        case "improve":
            return {"task": "flow_shop", "budget": {"lm_calls": max(4, events // 9)}}
        case "search":
            calls = max(1, events // (SEARCH_SAMPLES + 2))
            each = {
                "calls": calls,
                "samples_per_call": SEARCH_SAMPLES,
                "utility_uses": max(32, events),
            }
            return {"task": "flow_shop", "limits": each, "budget": {"lm_calls": calls}}


async def make_journal(store: str, run_id: str, shape: Shape, events: int) -> None:
    """Append a run of about so many events to a store."""
    study = find_study("run" if shape == "run" else "improve")
    config = make_config(study.config, {**settings(shape, events), "seed": 1, "store": store})
    tasks = [load_task("flow_shop")]
    asked = Asked(config, tasks, load_improver("greedy"))
    executor, model = _Executor(), Scripted("scripted:variants", _variants)
    evaluator = Evaluator(executor, config.seed, PUBLIC_KEY)
    journal = open_journal(store)
    context = run_context(
        *(run_id, config, [model], executor, evaluator),
        journal=journal,
        ledger=Ledger(config.budget.value()),
    )
    head = Run(
        command=study.name,
        config={**as_json(config.settled(1)), "instance_key": PUBLIC_KEY},
        version="0",
        seed=config.seed,
        model=model.name,
        tier=executor.tier,
        tasks=tuple(told_tasks(tasks, VERSION_SCHEME)),
        task_version_scheme=VERSION_SCHEME,
        improver=asked.improver.id,
        started="2026-01-01T00:00:00+00:00",
    )
    so_far = RecordedRun(RunHead(run_id, head, head, None), (), no_text)
    try:
        await recorded_run(study, context, asked, so_far, head)
    finally:
        await evaluator.aclose()
        await journal.aclose()
