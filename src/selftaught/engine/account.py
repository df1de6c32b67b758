"""The books of a call's requests: each is reserved, journalled, settled by what became of it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field, replace
from typing import Literal, TypeAlias

from selftaught.core.budget import Budget, Usage
from selftaught.core.errors import FailureOfRequest, ModelFailure
from selftaught.core.language_model import Completions, LanguageModel, Prompt
from selftaught.core.program import content_id
from selftaught.core.progress import Listener, Progress, silent
from selftaught.engine.ledger import Cost, Ledger, Reservation
from selftaught.journal.codec import Body
from selftaught.journal.events import LmAnswer, LmCall, ModelNotice
from selftaught.journal.port import Journal, NoJournal

# A token has at least one byte, so the bytes of a prompt bound its tokens from above; templates of
# conversations and hidden instructions come on top.
PROMPT_OVERHEAD_TOKENS = 256

RequestState: TypeAlias = FailureOfRequest | Literal["answered", "abandoned", "cut"]
NO_ANSWER = Completions((), None, "")


@dataclass(frozen=True, slots=True)
class Recorder:
    """Writes the requests of one call, of this key; what may cost money (`paid`) is on disk before
    it is acted on.
    """

    journal: Journal
    run_id: str
    key: str
    improver_run: str
    paid: bool

    async def asked(self, number: int, place: int, prompt: Prompt, reserved: Usage) -> None:
        """Before the request of this number is sent; `place` is that of its first response."""
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

    def closed(
        self,
        number: int,
        state: RequestState,
        detail: str,
        usage: Usage,
        cost_usd: float | None,
        answer: Completions = NO_ANSWER,
    ) -> None:
        """What became of the request; `usage` is what the ledger counts."""
        body = LmAnswer(
            invocation=self.improver_run,
            request=number,
            state=state,
            detail=detail,
            texts=tuple(map(content_id, answer.texts)),
            finishes=answer.finishes,
            model=answer.model,
            usage_reported=answer.usage is not None,
            usage=usage,
            cost_usd=cost_usd,
            reasoned=answer.reasoned if any(answer.reasoned) else (),
        )
        self._append(body, answer.texts)

    async def answered(
        self, number: int, answer: Completions, usage: Usage, cost_usd: float | None
    ) -> None:
        """The same of one that was answered, before the answer is used."""
        self.closed(number, "answered", "", usage, cost_usd, answer)
        if self.paid:
            await self.journal.flush(durable=True)

    def notice(self, text: str) -> None:
        """Something that users should know about the model."""
        self._append(ModelNotice(text))

    def _append(self, body: Body, texts: tuple[str, ...] = ()) -> None:
        self.journal.append(self.run_id, body, self.key, texts)


@dataclass(slots=True)
class Books:
    """What the prompts of one logical call share: the first request of all carries the call.

    Attributes:
        ledger, journal, model: who pays, who keeps it, who is asked.
        run_id, improver_run: the run, and the key of the improver run that asks.
        listener: is told of each answer and failure.
        is_counted: whether the call itself is paid already.
        usage: what the call has taken so far; of samples those that came.
    """

    ledger: Ledger
    journal: Journal
    model: LanguageModel
    run_id: str = ""
    improver_run: str = ""
    listener: Listener = silent
    is_counted: bool = False
    usage: Usage = field(default_factory=Usage)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def account(self, key: str, requests: int = 0) -> Account:
        """That of the prompt of this key, which has taken so many requests before."""
        cost_usd = self.model.most_usd(1, 1)
        recorder = Recorder(self.journal, self.run_id, key, self.improver_run, paid=cost_usd != 0.0)
        return Account(self, recorder, cost_usd is not None, requests)

    async def reserve(self, prompt: Prompt) -> Reservation:
        """Set aside one request.

        Raises: BudgetExceeded if not even one response can be paid.
        """
        async with self._turn:
            cost = worst_case(self.model, prompt.size_bytes, prompt.max_tokens)
            cost = replace(cost, lm_calls=0 if self.is_counted else 1)
            reservation = await self.ledger.reserve_in_turn(cost, prompt.n)
            self.is_counted = True
            return reservation

    def settle(self, reservation: Reservation, usage: Usage, *, drawn: int) -> None:
        self.ledger.settle(reservation, usage)
        self.usage = self.usage + replace(usage, samples=drawn)


def worst_case(model: LanguageModel, prompt_bytes: int, max_tokens: int) -> Cost:
    """What one request may take at most."""
    tokens_in = prompt_bytes + PROMPT_OVERHEAD_TOKENS
    fixed_usd = model.most_usd(tokens_in, 0) or 0.0
    one_usd = model.most_usd(tokens_in, max_tokens) or 0.0
    return Cost(tokens_in, max_tokens, fixed_usd, one_usd - fixed_usd)


def unlimited(model: LanguageModel) -> Account:
    """The account of one call outside of any run, which nobody limits or writes down."""
    return Books(Ledger(Budget()), NoJournal(), model).account("")


@dataclass(slots=True)
class Account:
    """The books of one prompt's requests."""

    books: Books
    recorder: Recorder
    is_priced: bool
    _requests: int

    async def open(self, prompt: Prompt, place: int) -> ChargedRequest:
        """Before a request is sent, whose first response has this place among the prompt's.

        Raises: BudgetExceeded if not even one response can be paid.
        """
        reservation = await self.books.reserve(prompt)
        number = self._requests
        self._requests += 1
        shrunk = replace(prompt, n=reservation.samples, seeds=prompt.seeds[: reservation.samples])
        try:
            await self.recorder.asked(number, place, shrunk, reservation.usage)
        except BaseException as error:
            self.books.ledger.release(reservation)
            if isinstance(error, asyncio.CancelledError):  # written down, and never sent
                self.recorder.closed(number, "abandoned", "it was not sent", Usage(), 0.0)
            raise
        self.books.listener(Progress("model_asked", {"samples": shrunk.n}))
        return ChargedRequest(self, number, shrunk, reservation)


@dataclass(frozen=True, slots=True)
class ChargedRequest:
    """One request: its reservation, settled once, and what the journal says of it.

    Attributes:
        prompt: what is sent; asks for fewer responses if only fewer could be paid.
    """

    account: Account
    number: int
    prompt: Prompt
    reservation: Reservation

    @property
    def time_left_s(self) -> float | None:
        """Seconds that the request may take; None for no limit."""
        return self.account.books.ledger.time_left_s

    async def answered(self, answer: Completions) -> None:
        """Returns when the answer is safe, and may be used."""
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
        self.account.books.settle(self.reservation, usage, drawn=samples)
        if answer.notice:
            self._tell_notice(answer.notice)
        await self.account.recorder.answered(
            self.number, answer, usage, cost_usd if self.account.is_priced else None
        )
        self._tell(Progress("model_answered", asdict(usage)))

    def failed(self, failure: ModelFailure) -> None:
        if failure.notice:
            self._tell_notice(failure.notice)
        self._close(failure.kind, str(failure), maybe_billed=failure.maybe_billed)

    def abandoned(self) -> None:
        """It was sent, and nobody waits for it any more."""
        self._close("abandoned", "nobody waited for it any more", maybe_billed=True)

    def _close(self, state: RequestState, detail: str, *, maybe_billed: bool) -> None:
        """What may have been answered, and billed, counts as its reservation."""
        worst = self.reservation.usage
        usage = worst if maybe_billed else Usage(lm_calls=worst.lm_calls, requests=1)
        self.account.books.settle(self.reservation, usage, drawn=0)
        cost_usd = usage.usd if self.account.is_priced else None
        self.account.recorder.closed(self.number, state, detail, usage, cost_usd)
        self._tell(Progress("model_failed", {"state": state, **asdict(usage)}))

    def _tell_notice(self, notice: str) -> None:
        self.account.recorder.notice(notice)
        self._tell(Progress("notice", {"detail": notice}))

    def _tell(self, progress: Progress) -> None:
        self.account.books.listener(progress)
