"""What every engine is given: a model behind OpenAI's protocol, and an evaluator; both count.

One host serves one arm, an engine on a task with a seed. A response of the model is a sample. All
programs are scored contained, on the search instances of the arm's seed, which are the same for all
engines; the same program is scored once, and asked for as often as one likes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web
from proposer import in_form, normal, read_prompt, unmarked

from selftaught.app.serving import SteadyModel, running_model
from selftaught.core.errors import ModelFailure
from selftaught.core.language_model import Completions, Prompt
from selftaught.core.outcome import EvaluationOutcome, Failed
from selftaught.core.program import Program
from selftaught.core.seeds import PUBLIC_KEY, Stream, derive
from selftaught.core.task import Task
from selftaught.engine.evaluate import Evaluator, Question
from selftaught.studies.improve.finalists import SEARCHED
from selftaught.web.chat_server import chat_app
from selftaught.web.listening import serve

MODEL = "local:mutator"
WELL = "well"


@dataclass(slots=True)
class Host:
    """Counts of one arm.

    Attributes:
        programs: of each sample the program that it held, in its normal form; None without one.
        scored: what was asked to be scored, in order: text, and worth.
        unread: prompts in which no program to change was found.
    """

    task: Task
    seed: int
    most: int
    model: SteadyModel
    evaluator: Evaluator
    programs: list[str | None] = field(default_factory=list)
    scored: list[tuple[str, float]] = field(default_factory=list)
    unread: int = 0
    scoring: int = 0
    drawing: int = 0
    active_at: float = field(default_factory=time.monotonic)

    # --- the model ------------------------------------------------------------------------------

    async def sample(self, prompt: Prompt) -> Completions:
        """Replies in the form asked for; seeds follow from the arm's and the count of samples.

        Raises: ModelFailure once all samples are drawn.
        """
        begun = len(self.programs)
        if begun + prompt.n > self.most:
            raise ModelFailure(f"all {self.most} samples are drawn", kind="prompt")
        self.programs += [None] * prompt.n
        self.drawing += 1
        try:
            return await self._sample(prompt, begun)
        finally:
            self.drawing -= 1
            self.active_at = time.monotonic()

    async def _sample(self, prompt: Prompt, begun: int) -> Completions:
        reading = read_prompt(prompt.system, prompt.user)
        if reading is None:
            self.unread += 1
            return Completions(("I found no program to change.",) * prompt.n, None, MODEL)
        places = range(begun, begun + prompt.n)
        seeds = tuple(derive("peers", self.seed, place) >> 65 for place in places)
        asked = replace(prompt, system="", user=reading.shown, seeds=seeds)
        answer = await self.model.sample(asked)
        replies = [in_form(reading, text) for text in answer.texts]
        for place, (_, program) in zip(places, replies, strict=True):
            self.programs[place] = None if program is None else normal(program)
        return replace(answer, texts=tuple(text for text, _ in replies))

    # --- the evaluator --------------------------------------------------------------------------

    async def score(self, request: web.Request) -> web.Response:
        """`{"program"}` -> `{"worth": higher is better, "failed", "feedback", "parts"}`."""
        text = (await request.json())["program"]
        self.scoring += 1
        try:
            outcome = await self.outcome(text, "search", SEARCHED)
        finally:
            self.scoring -= 1
            self.active_at = time.monotonic()
        worth = self.worth(outcome)
        self.scored.append((text, worth))
        if isinstance(outcome, Failed):
            said = {"failed": outcome.kind, "feedback": outcome.detail}
            parts: tuple[float, ...] = ()
        else:
            said, parts = {"failed": "", "feedback": outcome.feedback}, outcome.per_instance
        worths = [self.task.worth(part) for part in parts]
        return web.json_response({"worth": worth, **said, "parts": worths})

    async def outcome(self, text: str, stream: Stream, repeat: str) -> EvaluationOutcome:
        question = Question(self.task, stream, repeat)
        return await self.evaluator.score(Program(unmarked(text), self.task.entry), question)

    def worth(self, outcome: EvaluationOutcome) -> float:
        if isinstance(outcome, Failed):
            return self.task.lowest
        return self.task.worth(outcome.value)

    # --- the end --------------------------------------------------------------------------------

    @property
    def lost(self) -> list[int]:
        """Which samples' programs were not scored, not as an equal one either."""
        known = {normal(text) for text, _ in self.scored}
        return [i for i, program in enumerate(self.programs, 1) if program not in known]

    def is_done(self, patience_s: float) -> bool:
        """All is drawn, and scored; or nobody has asked for anything for so long since."""
        if len(self.programs) < self.most or self.scoring or self.drawing:
            return False
        is_idle = time.monotonic() - self.active_at > patience_s
        return is_idle or not self.lost


@asynccontextmanager
async def hosted(task: Task, seed: int, most: int) -> AsyncIterator[tuple[Host, str]]:
    """A host while the context is open, and its URL."""
    async with running_model(MODEL) as model:
        evaluator = Evaluator(model.executor, seed, PUBLIC_KEY)
        host = Host(task, seed, most, model, evaluator)
        app = chat_app(MODEL, host.sample, max_tokens=4096)
        app.router.add_post("/score", host.score)
        try:
            async with serve(app, "127.0.0.1", 0) as port:
                yield host, f"http://127.0.0.1:{port}"
        finally:
            await evaluator.aclose()


async def until_done(host: Host, process: asyncio.subprocess.Process, patience_s: float) -> str:
    """How an engine's process ended: `WELL` if by itself, or once it has had all its samples."""
    while process.returncode is None:
        if host.is_done(patience_s):
            return WELL
        await asyncio.sleep(0.2)
    return f"failed with exit code {process.returncode}" if process.returncode else WELL


def facts(host: Host) -> dict[str, Any]:
    return {
        "samples": len(host.programs),
        "evaluated": len(host.programs) - len(host.lost),
        "lost": host.lost,
        "scorings": len(host.scored),
        "unread": host.unread,
    }
