"""What everything within one run shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from selftaught.core.budget import ImproverLimits
from selftaught.core.errors import InfrastructureError
from selftaught.core.ports import (
    Completions,
    Executor,
    GuestLimits,
    Journal,
    LanguageModel,
    Prompt,
)
from selftaught.core.progress import Listener, Progress, ProgressKind, silent
from selftaught.engine.evaluate import Evaluator
from selftaught.engine.keys import Occurrences, make_key
from selftaught.engine.ledger import Cost, Ledger
from selftaught.engine.model_wrappers import Recorder

# A token has at least one byte, so the bytes of a prompt bound its tokens from above.
_PROMPT_OVERHEAD_TOKENS = 64


@dataclass(slots=True)
class RunContext:
    """One run: its seed, its limits, its ledger, its journal, and what serves it.

    `samples_drawn` tells what an improver drew, by its program's id and the key of the utility.
    """

    run_id: str
    seed: int
    limits: ImproverLimits
    max_tokens: int
    model: LanguageModel
    executor: Executor
    evaluator: Evaluator
    journal: Journal
    ledger: Ledger
    listener: Listener = silent
    guest_limits: GuestLimits = field(default_factory=GuestLimits)
    occurrences: Occurrences = field(default_factory=Occurrences)
    samples_drawn: dict[tuple[str, str], int] = field(default_factory=dict)

    def key(self, parent: str, *path: str | int) -> str:
        return self.occurrences.key(parent, *path)

    @property
    def root(self) -> str:
        """The key of the run itself; the same for equal runs."""
        return make_key("run", self.seed)

    def record(
        self, kind: str, key: str, body: Mapping[str, Any], texts: tuple[str, ...] = ()
    ) -> None:
        self.journal.append(self.run_id, kind, key, body, texts)

    def tell(self, kind: ProgressKind, **facts: object) -> None:
        self.listener(Progress(kind, facts))

    def worst_case(self, prompt: Prompt) -> Cost:
        """What one call may take at most, apart from money, which providers price."""
        size = len(prompt.system.encode("utf-8", "replace"))
        size += len(prompt.user.encode("utf-8", "replace"))
        return Cost(size + _PROMPT_OVERHEAD_TOKENS, prompt.max_tokens)

    async def sample(self, key: str, invocation: str, prompt: Prompt) -> Completions:
        """One request to the model, journalled before and after."""
        recorder = Recorder(self.journal, self.run_id)
        recorder.asked(key, invocation, prompt)
        try:
            answer = await self.model.sample(prompt)
        except InfrastructureError as error:
            recorder.failed(key, invocation, error)
            raise
        await recorder.answered(key, invocation, answer)
        self.tell("model_answered", samples=len(answer.texts))
        return answer
