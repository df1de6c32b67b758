"""One logical call of an improver, charged to the run's ledger request by request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from selftaught.core.budget import Usage
from selftaught.core.concurrency import together
from selftaught.core.errors import BudgetExceeded, ModelFailure
from selftaught.core.language_model import Prompt
from selftaught.core.seeds import derive
from selftaught.engine.account import Books
from selftaught.engine.context import RunContext
from selftaught.engine.requests import Drawn


@dataclass(slots=True)
class ChargedCall:
    """A call with one message or several: a prompt for each different one.

    Attributes:
        drawn: by key, the message of each prompt and what came; filled in.
        asked: keys of all prompts that it has asked; filled in.
        is_short: the run's budget did not allow all responses.
    """

    context: RunContext
    improver_run: str
    asked: set[str]
    is_short: bool = field(init=False, default=False)
    drawn: dict[str, tuple[str, Drawn]] = field(init=False, default_factory=dict)
    _books: Books = field(init=False)

    def __post_init__(self) -> None:
        context = self.context
        self._books = Books(
            context.ledger,
            context.journal,
            context.model,
            context.run_id,
            self.improver_run,
            context.listener,
        )

    @property
    def usage(self) -> Usage:
        """What the call has taken so far; of samples those that came."""
        return self._books.usage

    async def draw(self, base: Prompt, counts: Mapping[str, int]) -> dict[str, list[str]]:
        """Responses to each message, as many as `counts` says unless the budget ends.

        All keys are taken before anything is waited for.

        Raises: BudgetExceeded if there are none at all for that reason; ModelFailure if no message
            was answered, or the failure is not about these messages; InfrastructureError.
        """
        prompts = {
            self._key(base, message, n): replace(base, user=message, n=n)
            for message, n in counts.items()
        }
        memory, books = self.context.history.memory, self._books
        # An earlier part of the run may have asked some of it already.
        books.is_counted = any(key in memory.requests for key in prompts)
        books.usage = sum((memory.usage_of.get(key, Usage()) for key in prompts), Usage())
        drawn = await together(self._draw(key, prompt) for key, prompt in prompts.items())
        found = dict(zip(counts, (texts for texts, _ in drawn), strict=True))
        troubles = [trouble for _, trouble in drawn if trouble is not None]
        self.is_short = any(
            len(texts) < n and not isinstance(trouble, ModelFailure)
            for (texts, trouble), n in zip(drawn, counts.values(), strict=True)
        )
        if troubles and not any(found.values()):
            raise troubles[0]
        return found

    def _key(self, base: Prompt, message: str, n: int) -> str:
        request = (base.system, message, n, repr(base.temperature))
        key = self.context.key(self.improver_run, "call", *request)
        self.asked.add(key)
        return key

    async def _draw(
        self, key: str, prompt: Prompt
    ) -> tuple[list[str], BudgetExceeded | ModelFailure | None]:
        """The responses that the journal holds, and the missing ones from the model."""
        context = self.context
        texts, missing = context.history.responses(key, prompt.n)
        seeds = tuple(derive("sample", context.seed, key, place) >> 65 for place in range(prompt.n))
        drawn = Drawn(texts)
        account = self._books.account(key, context.history.memory.requests.get(key, 0))
        trouble: BudgetExceeded | ModelFailure | None = None
        try:
            await context.requester.fill(drawn, missing, replace(prompt, seeds=seeds), account)
        except BudgetExceeded as short:
            trouble = short
        except ModelFailure as failure:
            if failure.kind != "prompt":
                raise
            trouble = failure
        self.drawn[key] = prompt.user, drawn
        return drawn.in_order, trouble
