"""The broker: serves one improver run's requests, and is the only way out of its guest.

It charges before it serves, in the order in which requests arrive: uses, calls, samples and keys
are taken before anything is waited for, so that none of them depends on what is finished first. A
request comes from a hostile sender: its form is right (`messages`), and nothing else is known of
it. What is not served is refused with a reason, which the guest gets as an exception.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import compress

from selftaught.core.budget import ImproverLimits, Usage
from selftaught.core.concurrency import together
from selftaught.core.errors import BudgetExceeded, Enough, JournalEnds, ModelFailure
from selftaught.core.language_model import Prompt
from selftaught.core.messages import (
    ClockRequest,
    EndedRequest,
    PromptRequest,
    Refusal,
    Reply,
    Request,
    ScoreRequest,
    refusal,
)
from selftaught.core.program import MAX_PROGRAM_CHARS, Program, content_id, too_long
from selftaught.engine.charged_call import ChargedCall
from selftaught.engine.context import RunContext
from selftaught.engine.replies import Wanted, replies_key
from selftaught.engine.utilities import QueriedUtility
from selftaught.journal.bench_events import SearchTrace
from selftaught.journal.events import ClockRead

MAX_TEMPERATURE = 2.0
_MOST_TEXTS = 10_000
_NOTE_CHARS = 500
_SHOWN_CHARS = 500
_WHOLE = Fraction(1)


class _Refused(Exception):
    """A request that is not served."""

    def __init__(self, why: Refusal, detail: str) -> None:
        super().__init__(detail)
        self.reply = refusal(why, detail)


@dataclass(slots=True)
class Clock:
    """The clock of one improver run. It never goes back.

    What it tells is journalled, so that it is told the same when run again. After what the journal
    has told it goes on from there, as if no time had passed while the run stood still: an improver
    that watches its time must not find that a night has gone.
    """

    context: RunContext
    improver_run: str
    _ahead_s: float = 0.0
    _last_s: float = 0.0

    async def read(self) -> float:
        """Unix seconds, to the microsecond; journalled, unless they are from the journal."""
        context = self.context
        key = context.key(self.improver_run, "clock")
        told_s = context.history.clock(key)
        if told_s is None:
            told_s = max(self._last_s, round(context.now() + self._ahead_s, 6))
            context.record(ClockRead(self.improver_run, told_s), key)
        else:
            self._ahead_s = told_s - context.now()
        self._last_s = told_s
        return told_s


@dataclass(slots=True)
class Broker:
    """Serves the requests of one improver run.

    Attributes:
        solution: what it improves.
        limits: its limits, which live here and nowhere else.
        draws_all: they are what the whole run's budget allows: where the model's budget ends, the
            improver is told so, and ends in order.
        samples_left: samples that it may still draw, or None for as many as its calls allow.
        asked: keys of the prompts that it has asked so far.
        ended: in a replay, where the journal ended first.
        uses: of the utility; a program that a race stops takes that share of a use.
        scored: what it had scored, and not stopped, after so many calls, where somebody wants to
            know.
        messages: the first of each call, as far as its improver's past is told.
    """

    context: RunContext
    improver_run: str
    utility: QueriedUtility
    entry: str
    limits: ImproverLimits
    samples_left: int | None = None
    solution: str = ""
    draws_all: bool = False
    calls: int = 0
    uses: Fraction = Fraction(0)
    asked: set[str] = field(default_factory=set)
    ended: JournalEnds | None = None
    scored: list[tuple[int, str | None]] | None = None
    messages: list[str] = field(default_factory=list)
    _is_spent: bool = False
    _whole: set[str] = field(default_factory=set)
    _race: asyncio.Event | None = None
    _drawn: list[ChargedCall] = field(default_factory=list)
    _readings: list[asyncio.Task[None]] = field(default_factory=list)
    _clock: Clock = field(init=False)

    def __post_init__(self) -> None:
        self._clock = Clock(self.context, self.improver_run)

    @property
    def usage(self) -> Usage:
        """What its calls of the model have taken so far; of samples those that came."""
        return sum((call.usage for call in self._drawn), Usage())

    @property
    def is_short(self) -> bool:
        """Whether the run's budget gave it fewer responses than it asked for, or could have."""
        is_over = self.draws_all and (self._is_spent or self.calls >= self.limits.calls)
        return is_over or any(call.is_short for call in self._drawn)

    def trace(self) -> tuple[SearchTrace, list[str]]:
        """What it had scored, once it has ended, and the texts of that."""
        known = [(calls, self._scored_as(solution)) for calls, solution in self.scored or ()]
        stopped = self.uses - len(known)
        usages = [call.usage for call in self._drawn]
        priced = all(one.model.most_usd(1, 1) is not None for one in self.context.requesters)
        body = SearchTrace(
            samples=tuple(one.samples for one in usages),
            usd=tuple(one.usd for one in usages) if priced else None,
            replies=tuple(
                replies_key(key, len(drawn.texts))
                for call in self._drawn
                for key, (_, drawn, _) in call.drawn.items()
                if drawn.texts
            ),
            after=tuple(calls for calls, _ in known),
            programs=tuple(None if text is None else content_id(text) for _, text in known),
            stopped=(stopped.numerator, stopped.denominator),
            asked=tuple(map(content_id, self.messages)),
        )
        return body, [*(text for _, text in known if text is not None), *self.messages]

    def _scored_as(self, solution: str | None) -> str | None:
        """The text that was scored, None where there was nothing to score."""
        if solution is None or len(solution) > MAX_PROGRAM_CHARS:
            return None
        restored = self.utility.restored(solution)
        return solution if restored is None else restored

    async def serve(self, request: Request) -> Reply:
        """One reply to one request.

        Where a journal ends, the guest is told so, and goes no further once it reads that: by then
        all else that was under way has gone on to where the journal ends for it.

        Raises: InfrastructureError and BudgetExceeded of the whole run, which end the improver run.
        """
        try:
            match request:
                case ScoreRequest(solutions, against):
                    return await self._score(solutions, against)
                case PromptRequest():
                    return await self._prompt(request)
                case ClockRequest():
                    return Reply({"s": await self._clock.read()})
                case EndedRequest() if self.ended is not None:
                    raise self.ended
            raise _Refused("value", "there is nothing here that serves this request")
        except _Refused as refused:
            return refused.reply
        except JournalEnds as end:
            if isinstance(request, EndedRequest):
                self.context.ledger.check_wall()  # there may have been enough by then
                raise
            self.ended = self.ended or end
            return refusal("ends", str(end))

    async def finish(self) -> None:
        """Wait until all that its replies hold is written down, which no reply waits for."""
        await asyncio.gather(*self._readings)

    async def abandon(self) -> None:
        """The same is given up."""
        for reading in self._readings:
            reading.cancel()
        await asyncio.gather(*self._readings, return_exceptions=True)

    # --- the utility ----------------------------------------------------------------------------

    async def _score(self, solutions: Sequence[str | None], against: str | None) -> Reply:
        """Scores in order; past the uses that are left the lowest value.

        Whoever comes after a race waits until it has ended: how many uses are left then, and what
        can be raced against, must not depend on what is finished first.
        """
        if len(solutions) > _MOST_TEXTS:
            raise _Refused("value", f"more than {_MOST_TEXTS} solutions at once")
        self.context.ledger.check_wall()
        calls, before, ended = self.calls, self._race, asyncio.Event()
        if against is not None:
            self._race = ended
        try:
            if before is not None:
                await before.wait()
            granted = solutions[: self.limits.utility_uses - math.ceil(self.uses)]
            self.uses += len(granted)
            if against not in self._whole:
                self._has_scored(calls, granted)
                uses = math.ceil(self.uses)
                scored = await together(self._score_one(one, None) for one in granted)
            else:
                scored = await together(self._score_one(one, against) for one in granted)
                self.uses -= sum(1 - share for *_, share in scored)
                whole = [share == 1 for *_, share in scored]
                self._has_scored(calls, [*compress(granted, whole)])
                uses = math.ceil(self.uses)
        finally:
            ended.set()
        beyond = (self.utility.lowest, "budget: all uses of the utility are spent", _WHOLE)
        answers = [*scored, *[beyond] * (len(solutions) - len(granted))]
        data = {
            "values": [value for value, _, _ in answers],
            "feedback": [feedback for _, feedback, _ in answers],
            "uses": uses,
            "shares": [float(share) for *_, share in answers],
        }
        return Reply(data)

    def _has_scored(self, calls: int, solutions: Sequence[str | None]) -> None:
        """Or is about to: so much is asked for, and paid."""
        self._whole.update(filter(None, solutions))
        if self.scored is not None:
            self.scored += [(calls, solution) for solution in solutions]

    async def _score_one(
        self, solution: str | None, against: str | None
    ) -> tuple[float, str, Fraction]:
        if solution is None:
            return self.utility.lowest, "no_code: not a program's text", _WHOLE
        if len(solution) > MAX_PROGRAM_CHARS:
            return self.utility.lowest, f"output_limit: {too_long(solution)}", _WHOLE
        program = Program(solution, self.entry)
        if against is None:
            return *await self.utility.query(program), _WHOLE
        return await self.utility.raced(program, Program(against, self.entry))

    # --- the model ------------------------------------------------------------------------------

    async def _prompt(self, request: PromptRequest) -> Reply:
        messages, n = request.messages, request.n
        if not messages:
            raise _Refused("value", "a call of the language model needs a message")
        if len(messages) > _MOST_TEXTS:
            raise _Refused("value", f"more than {_MOST_TEXTS} messages at once")
        if n < 1:
            raise _Refused("value", f"n_responses must be at least 1, not {n}")
        longest = len(request.expertise.encode()) + max(len(text.encode()) for text in messages)
        if longest > self.context.prompt_bytes:
            raise _Refused(
                "value", f"a prompt of {longest} bytes; the limit is {self.context.prompt_bytes}"
            )
        names = [one.name for one in self.context.requesters]
        if request.model and request.model not in names:
            raise _Refused(
                "value", f"there is no model {request.model!r:.80}: there are {', '.join(names)}"
            )
        if len(request.note) > _NOTE_CHARS:
            raise _Refused(
                "value", f"a note of {len(request.note)} characters; the limit is {_NOTE_CHARS}"
            )
        if not math.isfinite(request.temperature):
            raise _Refused("value", f"temperature must be a number, not {request.temperature}")
        if self.calls >= self.limits.calls or self.samples_left == 0:
            raise _Refused(
                "budget", f"all {self.calls} calls of the language model are spent in this run"
            )
        self.calls += 1
        if self.scored is not None and self.context.tells_past:
            self.messages.append(messages[0][:_SHOWN_CHARS])
        times_used = self.calls
        wanted = min(n * len(messages), self.limits.samples_per_call)
        if self.samples_left is not None:
            wanted = min(wanted, self.samples_left)
            self.samples_left -= wanted
        base = Prompt(
            request.expertise,
            "",
            temperature=min(MAX_TEMPERATURE, max(0.0, request.temperature)),
            max_tokens=self.context.max_tokens,
        )
        drawn = messages if len(messages) > 1 else messages * wanted
        responses = await self._draw(base, drawn[:wanted], request)
        return Reply({"responses": responses, "times_used": times_used})

    async def _draw(
        self, base: Prompt, messages: Sequence[str], request: PromptRequest
    ) -> list[str]:
        """One response to each message, in order; equal messages are one request with n."""
        counts: dict[str, int] = {}
        for message in messages:
            counts[message] = counts.get(message, 0) + 1
        call = ChargedCall(self.context, self.improver_run, self.asked, request.note)
        self._drawn.append(call)
        try:
            left = await call.draw(base, counts, request.model)
        except BudgetExceeded as spent:
            if not self._ends_in_order(spent):
                raise
            self._is_spent = True
            raise _Refused("budget", "the run's budget of the language model is spent") from None
        except ModelFailure as failure:
            if failure.kind != "prompt":
                raise
            raise _Refused("model", f"the language model refused this prompt: {failure}") from None
        wanted = Wanted(self.entry, self.solution, self.utility.restored)
        self._readings += [
            asyncio.create_task(self.context.read_replies(key, self.improver_run, wanted, *drawn))
            for key, drawn in call.drawn.items()
        ]
        return [left[message].pop(0) for message in messages if left[message]]

    def _ends_in_order(self, spent: BudgetExceeded) -> bool:
        """Whether the improver is to hear of it, and may yet score; what was so is so again."""
        if isinstance(spent, JournalEnds):
            return self.draws_all and self.context.history.was_short(self.improver_run)
        return self.draws_all and not isinstance(spent, Enough) and spent.resource != "wall_s"
