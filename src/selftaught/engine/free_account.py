"""Books of requests for which nobody keeps a ledger: what they took, and what was found out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from selftaught.core.budget import Usage
from selftaught.core.errors import ModelFailure
from selftaught.core.language_model import Completions, Prompt


@dataclass(slots=True)
class FreeAccount:
    """An `Account` without a limit.

    Attributes:
        usage: of all answers so far; their money where it is known.
        answers: each answer, as it came.
        failures: each request that failed.
        notices: what was found out about the model.
    """

    usage: Usage = field(default_factory=Usage)
    answers: list[Completions] = field(default_factory=list)
    failures: list[ModelFailure] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    async def open(self, prompt: Prompt) -> _FreeRequest:
        self.usage = replace(self.usage, requests=self.usage.requests + 1)
        return _FreeRequest(self, prompt)


@dataclass(frozen=True, slots=True)
class _FreeRequest:
    account: FreeAccount
    prompt: Prompt
    time_left_s: float | None = None

    async def answered(self, answer: Completions) -> None:
        account = self.account
        account.answers.append(answer)
        used = replace(
            answer.usage or Usage(),
            lm_calls=0,
            requests=0,
            samples=min(len(answer.texts), self.prompt.n),
            usd=answer.cost_usd or 0.0,
        )
        account.usage = account.usage + used
        self._note(answer.notice)

    def failed(self, failure: ModelFailure) -> None:
        self.account.failures.append(failure)
        self._note(failure.notice)

    def abandoned(self) -> None:
        """Nobody counts it."""

    def _note(self, notice: str) -> None:
        if notice:
            self.account.notices.append(notice)
