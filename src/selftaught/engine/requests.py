"""From one call for `n` responses to the requests that it takes, with their faults.

A provider may bring fewer responses than were asked for, may not know several at once, may be busy,
broken or slow. Each request is accounted for by itself: opened before it is sent, and closed by
what became of it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from selftaught.core.concurrency import together
from selftaught.core.errors import BudgetExceeded, ModelFailure
from selftaught.core.language_model import Completions, LanguageModel, Prompt
from selftaught.engine.limit import AdaptiveLimit
from selftaught.engine.retry import Patience, RetryPolicy

_REFUSALS_OF_PROMPTS = (400, 422)


class OpenRequest(Protocol):
    """The books of one request; closed exactly once."""

    @property
    def prompt(self) -> Prompt:
        """What is sent; asks for fewer responses if only fewer could be paid."""
        ...

    @property
    def time_left_s(self) -> float | None:
        """Seconds that the request may take; None for no limit."""
        ...

    async def answered(self, answer: Completions) -> None:
        """Returns when the answer is safe, and may be used."""
        ...

    def failed(self, failure: ModelFailure) -> None: ...

    def abandoned(self) -> None:
        """It was sent, and nobody waits for it any more."""
        ...


class Account(Protocol):
    """Who pays for requests, and keeps books of them. Called concurrently."""

    async def open(self, prompt: Prompt) -> OpenRequest:
        """Before a request is sent.

        Raises: BudgetExceeded if not even one response can be paid.
        """
        ...


@dataclass(slots=True)
class Requester:
    """Asks one model, for everybody in a run.

    Attributes:
        model: the model.
        limit: how many requests at once.
        policy: when to ask again.
        rng: draws waiting times.
        sleep: waits.
    """

    model: LanguageModel
    limit: AdaptiveLimit
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    rng: random.Random = field(default_factory=random.Random)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _answers: int = 0

    async def draw(self, prompt: Prompt, account: Account) -> list[str]:
        """Up to `prompt.n` responses, by their place; fewer only where the budget ends.

        Raises: BudgetExceeded if there is none for that reason; ModelFailure; InfrastructureError.
        """
        texts, short = await self._draw(prompt, account)
        if not texts and short is not None:
            raise short
        return texts

    async def _draw(
        self, prompt: Prompt, account: Account
    ) -> tuple[list[str], BudgetExceeded | None]:
        """The responses, and why the budget allowed no more."""
        size = self.model.samples_per_request
        if prompt.n > size:
            places = range(0, prompt.n, size)
            parts = (_part(prompt, start, min(start + size, prompt.n)) for start in places)
            drawn = await together(self._draw(part, account) for part in parts)
            shorts = (short for _, short in drawn if short is not None)
            return [text for texts, _ in drawn for text in texts], next(shorts, None)
        try:
            texts, granted = await self._request(prompt, account)
        except BudgetExceeded as error:
            return [], error
        if len(texts) == granted:
            return texts, None
        rest, short = await self._draw(_part(prompt, len(texts), granted), account)
        return texts + rest, short

    async def _request(self, prompt: Prompt, account: Account) -> tuple[list[str], int]:
        """Responses, and how many were asked for; as many requests as it takes to get one.

        No response where the model has just been found out to take fewer at once.
        """
        patience = Patience(self.policy, self.rng)
        while True:
            outcome = await self._try(prompt, account)
            if not isinstance(outcome, ModelFailure):
                return outcome
            failure = self._judged(outcome)
            if prompt.n > self.model.samples_per_request:
                return [], prompt.n  # found out just now: it takes other requests
            # A server that nobody has ever reached is more likely not there than down.
            hopeful = bool(self._answers) or failure.status is not None or failure.maybe_billed
            await self.sleep(patience.wait_s(failure, hopeful=hopeful))

    async def _try(self, prompt: Prompt, account: Account) -> tuple[list[str], int] | ModelFailure:
        """One request."""
        async with self.limit.place() as place:
            request = await account.open(prompt)
            try:
                async with asyncio.timeout(request.time_left_s):
                    answer = await self.model.sample(request.prompt)
            except ModelFailure as failure:
                request.failed(failure)
                if failure.kind == "limited":
                    self.limit.throttled(place, failure.retry_after_s)
                return failure
            except TimeoutError:
                request.abandoned()
                return _late(self.model.name)
            except BaseException:
                # Also when we are cancelled: the provider may have answered, and billed.
                request.abandoned()
                raise
            self.limit.succeeded()
            await request.answered(answer)
        texts = list(answer.texts[: request.prompt.n])
        if not texts:
            return ModelFailure(f"{self.model.name} answered with no choices", kind="fault")
        self._answers += 1
        return texts, request.prompt.n

    def _judged(self, failure: ModelFailure) -> ModelFailure:
        """A model that has answered others and refuses this one refuses the prompt."""
        refused = failure.kind == "rejected" and failure.status in _REFUSALS_OF_PROMPTS
        if refused and self._answers:
            return ModelFailure(str(failure), kind="prompt", status=failure.status)
        return failure


def _part(prompt: Prompt, start: int, end: int) -> Prompt:
    """The same for some of the responses, with their own seeds."""
    return replace(prompt, n=end - start, seeds=prompt.seeds[start:end])


def _late(name: str) -> ModelFailure:
    return ModelFailure(
        f"{name} did not answer before the run's time was over", kind="fault", maybe_billed=True
    )
