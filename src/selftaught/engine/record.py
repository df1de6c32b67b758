"""What the journal says of requests to the model, and of usage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from selftaught.core.budget import Usage
from selftaught.core.errors import FailureOfRequest
from selftaught.core.language_model import Completions, Prompt
from selftaught.core.ports import Journal
from selftaught.core.program import content_id

RequestState: TypeAlias = FailureOfRequest | Literal["answered", "abandoned", "cut"]


@dataclass(frozen=True, slots=True)
class Recorder:
    """Writes the requests of one call; what costs money is on disk before it is acted on.

    Attributes:
        journal, run_id: where to.
        key: the call's.
        invocation: key of the improver run that asks.
        paid: whether the model costs money, or may.
    """

    journal: Journal
    run_id: str
    key: str
    invocation: str
    paid: bool

    async def asked(self, number: int, place: int, prompt: Prompt, reserved: Usage) -> None:
        """Before the request of this number is sent.

        Args:
            place: of its first response among those of the prompt.
            reserved: what it can take at most.
        """
        body: dict[str, Any] = {
            "invocation": self.invocation,
            "request": number,
            "place": place,
            "system": content_id(prompt.system),
            "user": content_id(prompt.user),
            "n": prompt.n,
            "temperature": prompt.temperature,
            "max_tokens": prompt.max_tokens,
            "seeds": list(prompt.seeds),
            "reserved": usage_json(reserved),
        }
        self._append("lm_call", body, (prompt.system, prompt.user))
        if self.paid:
            await self.journal.flush()

    async def answered(
        self, number: int, answer: Completions, usage: Usage, cost_usd: float | None
    ) -> None:
        """Before the answer is used; `usage` is what the ledger counts."""
        body = self._closed(number, "answered", "", usage, cost_usd)
        body |= {
            "texts": [content_id(text) for text in answer.texts],
            "finishes": list(answer.finishes),
            "model": answer.model,
            "usage_reported": answer.usage is not None,
        }
        self._append("lm_answer", body, answer.texts)
        if self.paid:
            await self.journal.flush(durable=True)

    def closed(
        self,
        number: int,
        state: RequestState,
        detail: str,
        usage: Usage,
        cost_usd: float | None,
    ) -> None:
        """The request brought no answer."""
        self._append("lm_answer", self._closed(number, state, detail, usage, cost_usd), ())

    def notice(self, text: str) -> None:
        """Something that users should know about the model."""
        self._append("model_notice", {"detail": text}, ())

    def _closed(
        self, number: int, state: RequestState, detail: str, usage: Usage, cost_usd: float | None
    ) -> dict[str, Any]:
        return {
            "invocation": self.invocation,
            "request": number,
            "state": state,
            "detail": detail,
            "texts": [],
            "finishes": [],
            "model": "",
            "usage_reported": False,
            "usage": usage_json(usage),
            "cost_usd": cost_usd,
        }

    def _append(self, kind: str, body: Mapping[str, Any], texts: tuple[str, ...]) -> None:
        self.journal.append(self.run_id, kind, self.key, body, texts)


def usage_json(usage: Usage) -> dict[str, float]:
    """Usage as the journal and the command line show it."""
    return {
        "lm_calls": usage.lm_calls,
        "requests": usage.requests,
        "samples": usage.samples,
        "tokens_in": usage.tokens_in,
        "tokens_out": usage.tokens_out,
        "usd": usage.usd,
    }
