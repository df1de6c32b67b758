"""One logical call of an improver, charged to the run's ledger request by request."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from selftaught.core.budget import Usage
from selftaught.core.concurrency import together
from selftaught.core.errors import BudgetExceeded, JournalEnds, ModelFailure
from selftaught.core.language_model import Completions, Prompt
from selftaught.core.seeds import derive
from selftaught.engine.context import RunContext
from selftaught.engine.ledger import Cost, Reservation
from selftaught.engine.record import Recorder, RequestState, usage_json

# A token has at least one byte, so the bytes of a prompt bound its tokens from above; templates of
# conversations and hidden instructions come on top.
PROMPT_OVERHEAD_TOKENS = 256


@dataclass(slots=True)
class ChargedCall:
    """A call with one message or several: a prompt for each different one.

    Attributes:
        context: the run.
        invocation: key of the improver run that asks.
        asked: keys of all prompts that it has asked; filled in.
        usage: what the call has taken so far; of samples those that came.
    """

    context: RunContext
    invocation: str
    asked: set[str]
    usage: Usage = field(default_factory=Usage)
    _is_counted: bool = False
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def draw(self, base: Prompt, counts: Mapping[str, int]) -> dict[str, list[str]]:
        """Responses to each message, as many as `counts` says unless the budget ends.

        Raises: BudgetExceeded if there are none at all for that reason; ModelFailure if no message
            was answered, or the failure is not about these messages; InfrastructureError.
        """
        prompts = {
            self._key(base, message, n): replace(base, user=message, n=n)
            for message, n in counts.items()
        }
        memory = self.context.memory
        # An earlier part of the run may have asked some of it already.
        self._is_counted = any(key in memory.requests for key in prompts)
        self.usage = sum((memory.usage_of.get(key, Usage()) for key in prompts), Usage())
        drawn = await together(self._draw(key, prompt) for key, prompt in prompts.items())
        found = dict(zip(counts, (texts for texts, _ in drawn), strict=True))
        troubles = [trouble for _, trouble in drawn if trouble is not None]
        if troubles and not any(found.values()):
            raise troubles[0]
        return found

    def _key(self, base: Prompt, message: str, n: int) -> str:
        request = (base.system, message, n, repr(base.temperature))
        key = self.context.key(self.invocation, "call", *request)
        self.asked.add(key)
        return key

    async def _draw(
        self, key: str, prompt: Prompt
    ) -> tuple[list[str], BudgetExceeded | ModelFailure | None]:
        """The responses that the journal holds, and the missing ones from the model."""
        context = self.context
        texts = dict(context.memory.responses.get(key, {}))
        if context.replays:
            if key not in context.memory.requests:
                raise JournalEnds(f"asked the model what is not in the journal (call {key})")
            return [texts[place] for place in sorted(texts)], None
        seeds = tuple(derive("sample", context.seed, key, place) >> 65 for place in range(prompt.n))
        account = _Account(self, key, seeds)
        trouble: BudgetExceeded | ModelFailure | None = None
        for places in _ranges(place for place in range(prompt.n) if place not in texts):
            part = replace(prompt, n=len(places), seeds=seeds[places.start : places.stop])
            try:
                drawn = await context.requester.draw(part, account)
            except BudgetExceeded as short:
                trouble = short
                break
            except ModelFailure as failure:
                if failure.kind != "prompt":
                    raise
                trouble = failure
                break
            texts |= zip(places, drawn, strict=False)
        return [texts[place] for place in sorted(texts)], trouble

    async def reserve(self, prompt: Prompt) -> Reservation:
        """Set aside one request. The first of the call carries the call itself."""
        async with self._turn:
            cost = replace(self._worst_case(prompt), lm_calls=0 if self._is_counted else 1)
            reservation = await self.context.ledger.reserve_in_turn(cost, prompt.n)
            self._is_counted = True
            return reservation

    def _worst_case(self, prompt: Prompt) -> Cost:
        """What one request may take at most."""
        tokens_in = prompt.size_bytes + PROMPT_OVERHEAD_TOKENS
        model = self.context.model
        fixed_usd = model.most_usd(tokens_in, 0) or 0.0
        one_usd = model.most_usd(tokens_in, prompt.max_tokens) or 0.0
        return Cost(tokens_in, prompt.max_tokens, fixed_usd, one_usd - fixed_usd)


def _ranges(places: Iterable[int]) -> list[range]:
    """Runs of places that follow each other."""
    found: list[range] = []
    for place in places:
        if found and found[-1].stop == place:
            found[-1] = range(found[-1].start, place + 1)
        else:
            found.append(range(place, place + 1))
    return found


class _Account:
    """The books of one prompt's requests."""

    def __init__(self, call: ChargedCall, key: str, seeds: Sequence[int]) -> None:
        self.call = call
        self._place_of = {seed: place for place, seed in enumerate(seeds)}
        context = call.context
        self.is_priced = context.model.most_usd(1, 1) is not None
        paid = context.model.most_usd(1, 1) != 0.0
        self.recorder = Recorder(context.journal, context.run_id, key, call.invocation, paid)
        self._requests = context.memory.requests.get(key, 0)

    async def open(self, prompt: Prompt) -> _ChargedRequest:
        reservation = await self.call.reserve(prompt)
        number = self._requests
        self._requests += 1
        shrunk = replace(prompt, n=reservation.samples, seeds=prompt.seeds[: reservation.samples])
        request = _ChargedRequest(self, number, shrunk, reservation)
        try:
            place = self._place_of[shrunk.seeds[0]]
            await self.recorder.asked(number, place, shrunk, reservation.usage)
        except BaseException as error:
            self.call.context.ledger.release(reservation)
            if isinstance(error, asyncio.CancelledError):  # written down, and never sent
                self.recorder.closed(number, "abandoned", "it was not sent", Usage(), 0.0)
            raise
        return request


@dataclass(frozen=True, slots=True)
class _ChargedRequest:
    """One request: its reservation, settled once, and what the journal says of it."""

    account: _Account
    number: int
    prompt: Prompt
    reservation: Reservation

    @property
    def time_left_s(self) -> float | None:
        return self.account.call.context.ledger.time_left_s

    async def answered(self, answer: Completions) -> None:
        samples = min(len(answer.texts), self.prompt.n)
        usage = self.reservation.usage
        cost_usd: float | None = usage.usd
        if answer.usage is None:  # the worst is counted, of all but the samples
            usage = replace(usage, samples=samples)
        else:
            cost_usd = answer.cost_usd
            usage = replace(
                answer.usage,
                lm_calls=usage.lm_calls,
                requests=1,
                samples=samples,
                usd=cost_usd or 0.0,
            )
        self._settle(usage, drawn=samples)
        if answer.notice:
            self._tell(answer.notice)
        await self.account.recorder.answered(
            self.number, answer, usage, cost_usd if self.account.is_priced else None
        )
        self.account.call.context.tell("model_answered", **usage_json(usage))

    def failed(self, failure: ModelFailure) -> None:
        if failure.notice:
            self._tell(failure.notice)
        self._close(failure.kind, str(failure), maybe_billed=failure.maybe_billed)

    def abandoned(self) -> None:
        self._close("abandoned", "nobody waited for it any more", maybe_billed=True)

    def _close(self, state: RequestState, detail: str, *, maybe_billed: bool) -> None:
        """What may have been answered, and billed, counts as its reservation."""
        worst = self.reservation.usage
        usage = worst if maybe_billed else Usage(lm_calls=worst.lm_calls, requests=1)
        self._settle(usage, drawn=0)
        cost_usd = usage.usd if self.account.is_priced else None
        self.account.recorder.closed(self.number, state, detail, usage, cost_usd)
        self.account.call.context.tell("model_failed", state=state, **usage_json(usage))

    def _settle(self, usage: Usage, *, drawn: int) -> None:
        call = self.account.call
        call.context.ledger.settle(self.reservation, usage)
        call.usage = call.usage + replace(usage, samples=drawn)

    def _tell(self, notice: str) -> None:
        self.account.recorder.notice(notice)
        self.account.call.context.tell("notice", detail=notice)
