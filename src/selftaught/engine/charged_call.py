"""One logical call of an improver, charged to the run's ledger request by request.

Where a run has several models, each response of a prompt is drawn to one of them by the run's seed
and the prompt's key, and the prompt has a key for each. The responses keep their places whoever
answers: so what the journal holds is enough to know what came from where.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from selftaught.core.budget import Usage
from selftaught.core.concurrency import together
from selftaught.core.errors import BudgetExceeded, ModelFailure
from selftaught.core.language_model import Prompt
from selftaught.core.seeds import derive
from selftaught.engine.account import Account, Books
from selftaught.engine.context import RunContext
from selftaught.engine.requests import Drawn, Requester


@dataclass(frozen=True, slots=True)
class _Share:
    """What one model has of a prompt."""

    asked: Requester
    drawn: Drawn
    account: Account


@dataclass(slots=True)
class ChargedCall:
    """A call with one message or several: a prompt for each different one.

    Attributes:
        drawn: by key, the message of each prompt, what came, and from which model; filled in.
        asked: keys of all prompts that it has asked; filled in.
        note: what the improver says of it.
        is_short: the run's budget did not allow all responses.
    """

    context: RunContext
    improver_run: str
    asked: set[str]
    note: str = ""
    is_short: bool = field(init=False, default=False)
    drawn: dict[str, tuple[str, Drawn, str]] = field(init=False, default_factory=dict)
    _books: Books = field(init=False)

    def __post_init__(self) -> None:
        context = self.context
        self._books = Books(
            context.ledger,
            context.journal,
            context.run_id,
            self.improver_run,
            context.listener,
            tells_models=bool(context.several),
            note=self.note,
        )

    @property
    def usage(self) -> Usage:
        """What the call has taken so far; of samples those that came."""
        return self._books.usage

    async def draw(
        self, base: Prompt, counts: Mapping[str, int], model: str = ""
    ) -> dict[str, list[str]]:
        """Responses to each message, as many as `counts` says unless the budget ends.

        All keys are taken before anything is waited for.

        Args:
            model: name of the one that is asked; "" for those that are drawn.
        Raises: BudgetExceeded if there are none at all for that reason; ModelFailure if no message
            was answered, or the failure is not about these messages; InfrastructureError.
        """
        prompts = [replace(base, user=message, n=n) for message, n in counts.items()]
        keys = [self._keys(prompt, model) for prompt in prompts]
        memory, books = self.context.history.memory, self._books
        # An earlier part of the run may have asked some of it already.
        all_keys = [key for one in keys for key in one]
        self.asked.update(all_keys)
        books.is_counted = any(key in memory.requests for key in all_keys)
        books.usage = sum((memory.usage_of.get(key, Usage()) for key in all_keys), Usage())
        pairs = zip(keys, prompts, strict=True)
        drawn = await together(self._draw(one, prompt, model) for one, prompt in pairs)
        found = dict(zip(counts, (texts for texts, _ in drawn), strict=True))
        troubles = [trouble for _, trouble in drawn if trouble is not None]
        self.is_short = any(
            len(texts) < n and not isinstance(trouble, ModelFailure)
            for (texts, trouble), n in zip(drawn, counts.values(), strict=True)
        )
        if troubles and not any(found.values()):
            raise troubles[0]
        return found

    def _keys(self, prompt: Prompt, model: str) -> list[str]:
        """Of the prompt to each of the run's models, whichever will be asked."""
        request = (prompt.system, prompt.user, prompt.n, repr(prompt.temperature))
        several = self.context.several
        of_models = [(model, name) for name in several] if several else [()]
        return [self.context.key(self.improver_run, "call", *request, *of) for of in of_models]

    async def _draw(
        self, keys: Sequence[str], prompt: Prompt, model: str
    ) -> tuple[list[str], BudgetExceeded | ModelFailure | None]:
        """The responses that the journal holds, and the missing ones from the models."""
        context = self.context
        texts, missing = context.history.responses(keys, prompt.n)
        shares = [self._share(*one) for one in zip(context.requesters, keys, texts, strict=True)]
        first = self._first_choice(keys, prompt.n, model) if missing else []
        trouble: BudgetExceeded | ModelFailure | None = None
        while missing:
            parts: defaultdict[int, list[int]] = defaultdict(list)
            for place in missing:
                parts[self._living(keys, place, first[place])].append(place)
            troubles = await together(
                self._fill(shares[index], prompt, places) for index, places in parts.items()
            )
            trouble = next((one for one in troubles if one is not None), trouble)
            # What a model that has died has left falls to the others.
            missing = [
                place
                for index, places in parts.items()
                if shares[index].asked.dead is not None
                for place in places
                if place not in shares[index].drawn.texts
            ]
        for one in shares:
            self.drawn[one.account.key] = prompt.user, one.drawn, one.asked.name
        by_place = {place: text for one in shares for place, text in one.drawn.texts.items()}
        return [by_place[place] for place in sorted(by_place)], trouble

    def _share(self, asked: Requester, key: str, texts: dict[int, str]) -> _Share:
        requests = self.context.history.memory.requests.get(key, 0)
        account = self._books.account(key, asked.model, asked.name, requests)
        return _Share(asked, Drawn(texts), account)

    async def _fill(
        self, share: _Share, prompt: Prompt, places: Sequence[int]
    ) -> BudgetExceeded | ModelFailure | None:
        """Ask one model for these places; why some did not come, unless it has died of it."""
        context, asked, account = self.context, share.asked, share.account
        path = ("sample", context.seed, account.key)
        seeds = tuple(derive(*path, place) >> 65 for place in range(prompt.n))
        try:
            await asked.fill(share.drawn, places, replace(prompt, seeds=seeds), account)
        except BudgetExceeded as short:
            return short
        except ModelFailure as failure:
            if failure.kind == "prompt":
                return failure
            if all(one.dead is not None for one in context.requesters if one is not asked):
                raise
            if asked.dead is None:
                asked.dead = failure
                said = "answers no more, and its share falls to the other models"
                context.notice(f"{asked.name} {said}: {failure}")
        return None

    # --- which model ------------------------------------------------------------------------------

    def _first_choice(self, keys: Sequence[str], n: int, model: str) -> list[int]:
        """The model of each of `n` places, by its index, whether or not it still answers.

        Places of one model stand side by side, since one request can bring them all; the first
        place has what was drawn for it, so that who takes the first reply alone has no favourite.
        """
        everyone = range(len(keys))
        if model and len(keys) > 1:
            return [self.context.several.index(model)] * n
        return [*Counter(self._one_of(everyone, keys[0], place) for place in range(n)).elements()]

    def _living(self, keys: Sequence[str], place: int, first: int) -> int:
        """The model itself, or, if it is dead, one of the others by their shares."""
        asked = self.context.requesters
        if asked[first].dead is None:
            return first
        living = [index for index, one in enumerate(asked) if one.dead is None]
        return self._one_of(living, keys[0], place)

    def _one_of(self, indices: Sequence[int], key: str, place: int) -> int:
        """One of these models, by their weights; all alike where none has any."""
        if len(indices) == 1:
            return indices[0]
        among = [self.context.requesters[index] for index in indices]
        names = ",".join(one.name for one in among)
        rng = random.Random(derive("model", self.context.seed, key, place, names))
        weights = [one.weight for one in among]
        return rng.choices(indices, weights if any(weights) else None)[0]
