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


def closed_request(
    improver_run: str,
    number: int,
    state: RequestState,
    usage: Usage,
    cost_usd: float | None,
    detail: str = "",
    answer: Completions = NO_ANSWER,
) -> LmAnswer:
    """What became of a request; `usage` is what the ledger counts."""
    return LmAnswer(
        invocation=improver_run,
        request=number,
        state=state,
        detail=detail,
        texts=tuple(map(content_id, answer.texts)),
        finishes=answer.finishes,
        reasoned=answer.reasoned if any(answer.reasoned) else (),
        model=answer.model,
        usage_reported=answer.usage is not None,
        usage=usage,
        cost_usd=cost_usd,
    )


@dataclass(slots=True)
class Books:
    """What the prompts of one logical call share: the first request of all carries the call.

    Attributes:
        run_id, improver_run: the run, and the key of the improver run that asks.
        tells_models: whether the journal says which model was asked.
        is_counted: whether the call itself is paid already.
        note: what the improver says of the call.
        usage: what the call has taken so far; of samples those that came.
    """

    ledger: Ledger
    journal: Journal
    run_id: str = ""
    improver_run: str = ""
    listener: Listener = silent
    tells_models: bool = False
    is_counted: bool = False
    note: str = ""
    usage: Usage = field(default_factory=Usage)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def account(self, key: str, model: LanguageModel, name: str = "", requests: int = 0) -> Account:
        """That of the prompt of this key to a model, as the run calls it, which has taken so many
        requests before."""
        cost_usd = model.most_usd(1, 1)
        paid = cost_usd != 0.0
        told = name if self.tells_models else ""
        return Account(self, key, model, told, requests, cost_usd is not None, paid)

    async def reserve(self, prompt: Prompt, model: LanguageModel) -> Reservation:
        """Set aside one request, at the price of the model that is asked.

        Raises: BudgetExceeded if not even one response can be paid.
        """
        async with self._turn:
            cost = worst_case(model, prompt.size_bytes, prompt.max_tokens)
            cost = replace(cost, lm_calls=0 if self.is_counted else 1)
            reservation = await self.ledger.reserve_in_turn(cost, prompt.n)
            self.is_counted = True
            return reservation


def worst_case(model: LanguageModel, prompt_bytes: int, max_tokens: int) -> Cost:
    """What one request may take at most."""
    tokens_in = prompt_bytes + PROMPT_OVERHEAD_TOKENS
    fixed_usd = model.most_usd(tokens_in, 0) or 0.0
    one_usd = model.most_usd(tokens_in, max_tokens) or 0.0
    return Cost(tokens_in, max_tokens, fixed_usd, one_usd - fixed_usd)


def unlimited(model: LanguageModel) -> Account:
    """The account of one call outside of any run, which nobody limits or writes down."""
    return Books(Ledger(Budget()), NoJournal()).account("", model)


@dataclass(slots=True)
class Account:
    """The books of one prompt's requests.

    Attributes:
        told: the model's name, where the journal says it.
        is_priced: whether what they cost is known.
        is_paid: whether they may cost money: then each is on disk before it is acted on.
    """

    books: Books
    key: str
    model: LanguageModel
    told: str
    requests: int
    is_priced: bool
    is_paid: bool

    async def open(self, prompt: Prompt, place: int) -> ChargedRequest:
        """Before a request is sent, whose first response has this place among the prompt's.

        Raises: BudgetExceeded if not even one response can be paid.
        """
        reservation = await self.books.reserve(prompt, self.model)
        sent = replace(prompt, n=reservation.samples, seeds=prompt.seeds[: reservation.samples])
        request = ChargedRequest(self, self.requests, sent, reservation)
        self.requests += 1
        call = LmCall(
            invocation=self.books.improver_run,
            request=request.number,
            place=place,
            system=content_id(sent.system),
            user=content_id(sent.user),
            n=sent.n,
            temperature=sent.temperature,
            max_tokens=sent.max_tokens,
            seeds=tuple(sent.seeds),
            reserved=reservation.usage,
            model=self.told,
            note=self.books.note,
        )
        try:
            self.append(call, (sent.system, sent.user))
            if self.is_paid:
                await self.books.journal.flush()
        except BaseException as error:
            self.books.ledger.release(reservation)
            if isinstance(error, asyncio.CancelledError):  # written down, and never sent
                run, said = self.books.improver_run, "it was not sent"
                self.append(closed_request(run, request.number, "abandoned", Usage(), 0.0, said))
            raise
        self.books.listener(Progress("model_asked", {"samples": sent.n}))
        return request

    def append(self, body: Body, texts: tuple[str, ...] = ()) -> None:
        self.books.journal.append(self.books.run_id, body, self.key, texts)


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
        self._settle("answered", usage, cost_usd, "", answer)
        if self.account.is_paid:
            await self.account.books.journal.flush(durable=True)
        self._tell(Progress("model_answered", asdict(usage)))

    def failed(self, failure: ModelFailure) -> None:
        self._close(failure.kind, str(failure), failure.maybe_billed, failure.notice)

    def abandoned(self) -> None:
        """It was sent, and nobody waits for it any more."""
        self._close("abandoned", "nobody waited for it any more", maybe_billed=True)

    def _close(
        self, state: RequestState, detail: str, maybe_billed: bool, notice: str = ""
    ) -> None:
        """What may have been answered, and billed, counts as its reservation."""
        worst = self.reservation.usage
        usage = worst if maybe_billed else Usage(lm_calls=worst.lm_calls, requests=1)
        self._settle(state, usage, usage.usd, detail, replace(NO_ANSWER, notice=notice))
        self._tell(Progress("model_failed", {"state": state, **asdict(usage)}))

    def _settle(
        self,
        state: RequestState,
        usage: Usage,
        cost_usd: float | None,
        detail: str,
        answer: Completions,
    ) -> None:
        account, books = self.account, self.account.books
        books.ledger.settle(self.reservation, usage)
        drawn = usage.samples if state == "answered" else 0
        books.usage = books.usage + replace(usage, samples=drawn)
        if answer.notice:
            account.append(ModelNotice(answer.notice))
            self._tell(Progress("notice", {"detail": answer.notice}))
        cost_usd = cost_usd if account.is_priced else None
        body = closed_request(
            books.improver_run, self.number, state, usage, cost_usd, detail, answer
        )
        account.append(body, answer.texts)

    def _tell(self, progress: Progress) -> None:
        self.account.books.listener(progress)
