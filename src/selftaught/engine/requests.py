"""From one call for `n` responses to the requests that it takes, with their faults.

A provider may bring fewer responses than were asked for, may not know several at once, may be busy,
broken or slow, and an earlier part of the run may have drawn some of them: all of that is one loop
over the places that are still missing. Each request is accounted for by itself: opened before it
is sent, and closed by what became of it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace

from selftaught.core.budget import Usage
from selftaught.core.concurrency import together
from selftaught.core.errors import BudgetExceeded, ModelFailure
from selftaught.core.language_model import Completions, LanguageModel, Prompt
from selftaught.engine.account import Account
from selftaught.engine.limit import AdaptiveLimit

_REFUSALS_OF_PROMPTS = (400, 422)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and after how long.

    Attributes:
        faults: requests in a row that may fail before the call does.
        first_faults: the same, as long as there is no sign of a provider at all.
        limited_s: seconds that a call may be put off by "too many requests".
        first_s, longest_s: bounds of the waiting times, which double from one to the other; each
            is drawn at random below its bound ("full jitter": Brooker, AWS Architecture Blog 2015).
    """

    faults: int = 10
    first_faults: int = 3
    limited_s: float = 900.0
    first_s: float = 0.5
    longest_s: float = 30.0


@dataclass(slots=True)
class Patience:
    """What one call has gone through so far."""

    policy: RetryPolicy
    rng: random.Random
    faults: int = 0
    limited: int = 0
    waited_s: float = 0.0

    def wait_s(self, failure: ModelFailure, *, hopeful: bool = True) -> float:
        """Seconds to wait before the next request.

        Args:
            hopeful: whether anybody has ever heard of the provider.
        Raises: the failure itself, where asking again is of no use or was tried often enough.
        """
        if failure.kind == "adjusted":
            return 0.0
        if failure.kind == "limited":
            self.limited += 1
            delay_s = self._jittered_s(self.limited)
            if failure.retry_after_s is not None:
                # Not all at once when the time is over.
                delay_s = failure.retry_after_s + self.rng.uniform(0, 0.1 * failure.retry_after_s)
            self.waited_s += delay_s
            if self.waited_s > self.policy.limited_s:
                raise failure
            return delay_s
        self.faults += 1
        most = self.policy.faults if hopeful else self.policy.first_faults
        if failure.kind != "fault" or self.faults >= most:
            raise failure
        if failure.retry_after_s is not None and failure.retry_after_s <= self.policy.longest_s:
            return failure.retry_after_s
        return self._jittered_s(self.faults)

    def _jittered_s(self, times: int) -> float:
        bound_s = min(self.policy.longest_s, self.policy.first_s * 2.0 ** min(times, 30))
        return self.rng.uniform(0, bound_s)


@dataclass(slots=True)
class Drawn:
    """What a call has come to so far: texts by their place; of those that came now why they ended,
    and whether there was reasoning; answers and failures as they came."""

    texts: dict[int, str] = field(default_factory=dict)
    finishes: dict[int, str] = field(default_factory=dict)
    reasoned: dict[int, bool] = field(default_factory=dict)
    answers: list[Completions] = field(default_factory=list)
    failures: list[ModelFailure] = field(default_factory=list)

    @property
    def in_order(self) -> list[str]:
        """The responses by their place."""
        return [self.texts[place] for place in sorted(self.texts)]

    @property
    def notices(self) -> list[str]:
        """What was found out about the model."""
        said = [*(one.notice for one in self.failures), *(one.notice for one in self.answers)]
        return [notice for notice in said if notice]

    @property
    def usage(self) -> Usage:
        """What the provider said of it; money where it is known."""
        return replace(
            sum((answer.usage or Usage() for answer in self.answers), Usage()),
            lm_calls=0,
            requests=len(self.answers) + len(self.failures),
            samples=len(self.texts),
            usd=sum(answer.cost_usd or 0.0 for answer in self.answers),
        )


@dataclass(slots=True)
class Requester:
    """Asks one model, for everybody in a run; `rng` draws waiting times.

    Attributes:
        name, weight: of the model, as the run calls it, and its share among several.
        dead: why it answers nobody any more, where others go on without it.
    """

    model: LanguageModel
    limit: AdaptiveLimit
    name: str = ""
    weight: float = 1.0
    dead: ModelFailure | None = None
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    rng: random.Random = field(default_factory=random.Random)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _answers: int = 0

    async def draw(self, prompt: Prompt, account: Account) -> Drawn:
        """`prompt.n` responses; fewer only where the budget ends. Raises as `fill` does."""
        drawn = Drawn()
        await self.fill(drawn, range(prompt.n), prompt, account)
        return drawn

    async def fill(
        self, drawn: Drawn, missing: Iterable[int], prompt: Prompt, account: Account
    ) -> None:
        """Ask for the responses in the missing places. What comes is in `drawn` at once.

        Raises: BudgetExceeded if there is no response at all for that reason; ModelFailure;
            InfrastructureError.
        """
        short = await self._fill(drawn, missing, prompt, account)
        if short is not None and not drawn.texts:
            raise short

    async def _fill(
        self, drawn: Drawn, missing: Iterable[int], prompt: Prompt, account: Account
    ) -> BudgetExceeded | None:
        """Why the budget allowed no more, if it did not."""
        parts = _parts(missing, self.model.samples_per_request)
        shorts = await together(self._fill_part(drawn, part, prompt, account) for part in parts)
        return next((short for short in shorts if short is not None), None)

    async def _fill_part(
        self, drawn: Drawn, places: range, prompt: Prompt, account: Account
    ) -> BudgetExceeded | None:
        """As many requests as it takes, one after the other."""
        patience = Patience(self.policy, self.rng)
        while places:
            if self.dead is not None:
                raise self.dead
            if len(places) > self.model.samples_per_request:  # found out just now
                return await self._fill(drawn, places, prompt, account)
            try:
                places = await self._ask(drawn, places, prompt, account)
                patience = Patience(self.policy, self.rng)
            except BudgetExceeded as short:
                return short
            except ModelFailure as error:
                failure = self._judged(error)
                if len(places) <= self.model.samples_per_request:
                    # A server that nobody has ever reached is more likely not there than down.
                    hopeful = (
                        bool(self._answers) or failure.status is not None or failure.maybe_billed
                    )
                    await self.sleep(patience.wait_s(failure, hopeful=hopeful))
        return None

    async def _ask(self, drawn: Drawn, places: range, prompt: Prompt, account: Account) -> range:
        """One request; the places that are missing then, of those that could be paid."""
        seeds = prompt.seeds[places.start : places.stop]
        async with self.limit.place() as turn:
            if self.dead is not None:  # died while we waited
                return places
            part = replace(prompt, n=len(places), seeds=seeds)
            request = await account.open(part, places.start)
            try:
                async with asyncio.timeout(request.time_left_s):
                    answer = await self.model.sample(request.prompt)
            except ModelFailure as failure:
                request.failed(failure)
                drawn.failures.append(failure)
                if failure.kind == "limited":
                    self.limit.throttled(turn, failure.retry_after_s)
                raise
            except TimeoutError:
                request.abandoned()
                raise _late(self.model.name) from None
            except BaseException:
                # Also when we are cancelled: the provider may have answered, and billed.
                request.abandoned()
                raise
            self.limit.succeeded()
            await request.answered(answer)
        drawn.answers.append(answer)
        granted = places[: request.prompt.n]
        came = answer.texts[: len(granted)]
        if not came:
            raise ModelFailure(f"{self.model.name} answered with no choices", kind="fault")
        self._answers += 1
        drawn.texts |= zip(granted, came, strict=False)
        drawn.finishes |= zip(granted[: len(came)], answer.finishes, strict=False)
        drawn.reasoned |= zip(granted[: len(came)], answer.reasoned, strict=False)
        return granted[len(came) :]

    def _judged(self, failure: ModelFailure) -> ModelFailure:
        """A model that has answered others and refuses this one refuses the prompt."""
        refused = failure.kind == "rejected" and failure.status in _REFUSALS_OF_PROMPTS
        if refused and self._answers:
            return ModelFailure(str(failure), kind="prompt", status=failure.status)
        return failure


def _parts(places: Iterable[int], most: int) -> list[range]:
    """Places that follow each other, so many at most."""
    found: list[range] = []
    for place in places:
        if found and found[-1].stop == place and len(found[-1]) < most:
            found[-1] = range(found[-1].start, place + 1)
        else:
            found.append(range(place, place + 1))
    return found


def _late(name: str) -> ModelFailure:
    return ModelFailure(
        f"{name} did not answer before the run's time was over", kind="fault", maybe_billed=True
    )
