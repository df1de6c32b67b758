"""What the journal says of requests to the model, and of usage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from selftaught.core.budget import Usage
from selftaught.core.errors import FailureOfRequest
from selftaught.core.language_model import Completions, Prompt
from selftaught.core.program import content_id
from selftaught.journal.codec import Body
from selftaught.journal.events import LmAnswer, LmCall, ModelNotice
from selftaught.journal.port import Journal

RequestState: TypeAlias = FailureOfRequest | Literal["answered", "abandoned", "cut"]


@dataclass(frozen=True, slots=True)
class Recorder:
    """Writes the requests of one call; what costs money is on disk before it is acted on.

    Attributes:
        journal, run_id: where to.
        key: the call's.
        improver_run: key of the improver run that asks.
        paid: whether the model costs money, or may.
    """

    journal: Journal
    run_id: str
    key: str
    improver_run: str
    paid: bool

    async def asked(self, number: int, place: int, prompt: Prompt, reserved: Usage) -> None:
        """Before the request of this number is sent.

        Args:
            place: of its first response among those of the prompt.
            reserved: what it can take at most.
        """
        call = LmCall(
            invocation=self.improver_run,
            request=number,
            place=place,
            system=content_id(prompt.system),
            user=content_id(prompt.user),
            n=prompt.n,
            temperature=prompt.temperature,
            max_tokens=prompt.max_tokens,
            seeds=tuple(prompt.seeds),
            reserved=reserved,
        )
        self._append(call, (prompt.system, prompt.user))
        if self.paid:
            await self.journal.flush()

    async def answered(
        self, number: int, answer: Completions, usage: Usage, cost_usd: float | None
    ) -> None:
        """Before the answer is used; `usage` is what the ledger counts."""
        body = LmAnswer(
            invocation=self.improver_run,
            request=number,
            state="answered",
            detail="",
            texts=tuple(map(content_id, answer.texts)),
            finishes=answer.finishes,
            model=answer.model,
            usage_reported=answer.usage is not None,
            usage=usage,
            cost_usd=cost_usd,
        )
        self._append(body, answer.texts)
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
        body = LmAnswer(
            invocation=self.improver_run,
            request=number,
            state=state,
            detail=detail,
            texts=(),
            finishes=(),
            model="",
            usage_reported=False,
            usage=usage,
            cost_usd=cost_usd,
        )
        self._append(body)

    def notice(self, text: str) -> None:
        """Something that users should know about the model."""
        self._append(ModelNotice(text))

    def _append(self, body: Body, texts: tuple[str, ...] = ()) -> None:
        self.journal.append(self.run_id, body, self.key, texts)


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
