"""From a call to requests: what is asked again, when, and what is given up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from engine_support import MemoryJournal

from selftaught.core.budget import Budget, Usage
from selftaught.core.errors import BudgetExceeded, ModelFailure
from selftaught.core.language_model import Completions, Prompt
from selftaught.engine.account import Account, Books, closed_request, unlimited
from selftaught.engine.ledger import Ledger
from selftaught.engine.limit import AdaptiveLimit
from selftaught.engine.requests import Drawn, Patience, Requester, RetryPolicy
from selftaught.journal.codec import as_json
from selftaught.journal.port import NoJournal

Step = ModelFailure | int | None
"""What one request comes to: a failure, so many responses, or all that were asked for."""


@dataclass
class Scripted:
    """A model that takes its requests through a list of steps; after the last, all is well."""

    steps: list[Step] = field(default_factory=list)
    samples_per_request: int = 100
    usage: Usage = field(default_factory=Usage)
    name: str = "fake:model"
    prompts: list[Prompt] = field(default_factory=list)

    def most_usd(self, tokens_in: int, tokens_out: int) -> float | None:
        return 0.0

    async def sample(self, prompt: Prompt) -> Completions:
        self.prompts.append(prompt)
        step = self.steps.pop(0) if self.steps else None
        await asyncio.sleep(0)
        if isinstance(step, ModelFailure):
            raise step
        texts = [f"seed {seed}" for seed in prompt.seeds][:step]
        return Completions(tuple(texts), self.usage, self.name)

    async def aclose(self) -> None:
        """Nothing is held."""


class Waits:
    """Sleeps that are over at once, and remembered."""

    def __init__(self) -> None:
        self.delays_s: list[float] = []

    async def __call__(self, delay_s: float) -> None:
        self.delays_s.append(delay_s)
        await asyncio.sleep(0)


def prompt(n: int) -> Prompt:
    return Prompt("expert", "message", n=n, seeds=tuple(range(n)))


def draw(
    model: Scripted, n: int = 1, account: Account | None = None, policy: RetryPolicy | None = None
) -> tuple[list[str], Waits]:
    waits = Waits()
    requester = Requester(
        model,
        AdaptiveLimit(8),
        policy=policy or RetryPolicy(),
        rng=random.Random(1),
        sleep=waits,
    )
    drawing = requester.draw(prompt(n), account or unlimited(model))
    return asyncio.run(asyncio.wait_for(drawing, 10.0)).in_order, waits


def seeds(count: int) -> list[str]:
    return [f"seed {seed}" for seed in range(count)]


def fault(**how: Any) -> ModelFailure:
    return ModelFailure("broken", **{"kind": "fault", "status": 500, **how})


def test_what_is_missing_is_asked_for_with_the_seeds_of_its_places() -> None:
    model = Scripted([2, 1])
    texts, _ = draw(model, 6)
    assert texts == seeds(6)
    assert [request.n for request in model.prompts] == [6, 4, 3]


def test_a_model_that_answers_once_a_request_is_asked_n_times_at_once() -> None:
    model = Scripted(samples_per_request=1)
    texts, _ = draw(model, 5)
    assert texts == seeds(5)
    assert [request.n for request in model.prompts] == [1] * 5


def test_a_model_that_answers_so_many_a_request_gets_requests_of_that_size() -> None:
    model = Scripted(samples_per_request=4)
    texts, _ = draw(model, 10)
    assert texts == seeds(10)
    assert [request.n for request in model.prompts] == [4, 4, 2]


def test_faults_are_waited_out_longer_each_time_and_with_jitter() -> None:
    texts, waits = draw(Scripted([fault()] * 8))
    assert texts == seeds(1)
    bounds = [1, 2, 4, 8, 16, 30, 30, 30]
    assert all(0 <= wait <= bound for wait, bound in zip(waits.delays_s, bounds, strict=True))
    assert len(set(waits.delays_s)) == 8


def test_a_provider_that_stays_broken_is_given_up() -> None:
    model = Scripted([fault()] * 100)
    with pytest.raises(ModelFailure, match="broken"):
        draw(model)
    assert len(model.prompts) == RetryPolicy().faults


def test_a_server_that_nobody_ever_reached_is_given_up_soon() -> None:
    model = Scripted([fault(status=None)] * 100)
    with pytest.raises(ModelFailure):
        draw(model)
    assert len(model.prompts) == RetryPolicy().first_faults


def test_no_choices_at_all_is_a_fault_and_asked_again() -> None:
    model = Scripted([0, 0])
    assert draw(model, 2)[0] == seeds(2)
    assert len(model.prompts) == 3


def test_a_time_to_wait_is_kept_to_and_not_by_all_at_the_same_moment() -> None:
    limited = [ModelFailure("slow down", kind="limited", retry_after_s=0.02)] * 3
    _, waits = draw(Scripted(limited))
    assert all(0.02 <= wait <= 0.022 for wait in waits.delays_s)
    assert len(set(waits.delays_s)) == 3


def test_too_many_requests_for_too_long_is_given_up_without_waiting() -> None:
    day = ModelFailure("come back tomorrow", kind="limited", retry_after_s=86_400.0)
    model = Scripted([day] * 9)
    with pytest.raises(ModelFailure, match="tomorrow"):
        draw(model)
    assert len(model.prompts) == 1


def test_what_was_adjusted_is_asked_again_at_once_and_is_no_fault() -> None:
    adjusted: list[Step] = [ModelFailure("no temperature", kind="adjusted")] * 20
    _, waits = draw(Scripted(adjusted))
    assert waits.delays_s == [0.0] * 20


@pytest.mark.parametrize("kind", ["rejected", "prompt"])
def test_a_refusal_is_told_at_once(kind: Any) -> None:
    model = Scripted([ModelFailure("no", kind=kind, status=401)])
    with pytest.raises(ModelFailure) as refused:
        draw(model)
    assert (refused.value.kind, len(model.prompts)) == (kind, 1)


def test_a_bad_request_of_a_model_that_has_answered_before_is_about_the_prompt() -> None:
    model = Scripted([1, ModelFailure("what?", kind="rejected", status=400)])
    with pytest.raises(ModelFailure) as refused:
        draw(model, 2)
    assert refused.value.kind == "prompt"


# --- accounts -----------------------------------------------------------------------------------


def purse(model: Scripted, **budget: Any) -> Account:
    """Pays for so much, and no more; shrinks a request to what is left."""
    return Books(Ledger(Budget(**budget)), NoJournal()).account("", model)


def test_what_cannot_be_paid_is_not_asked_for() -> None:
    model = Scripted()
    assert draw(model, 5, purse(model, samples=3))[0] == seeds(3)
    assert len(model.prompts) == 1


def test_a_request_that_was_shrunk_is_not_made_up_for_when_it_took_less_than_its_worst() -> None:
    model = Scripted()
    worst_of_three = 3 * prompt(1).max_tokens + 1000
    assert draw(model, 5, purse(model, tokens=worst_of_three))[0] == seeds(3)
    assert len(model.prompts) == 1


def test_responses_that_were_paid_are_kept_when_the_budget_ends() -> None:
    most = 6 * prompt(1).max_tokens + 1000
    short = Scripted([2], usage=Usage(tokens_out=most))
    assert draw(short, 6, purse(short, tokens=most))[0] == seeds(2)
    assert len(short.prompts) == 1
    single = Scripted(samples_per_request=1)
    assert draw(single, 6, purse(single, samples=4))[0] == seeds(4)


def test_a_budget_that_allows_nothing_is_said() -> None:
    model = Scripted()
    with pytest.raises(BudgetExceeded):
        draw(model, 3, purse(model, tokens=1))


@dataclass
class Noted:
    """An account whose journal tells how each request was closed."""

    model: Scripted
    budget: Budget = field(default_factory=Budget)
    journal: MemoryJournal = field(default_factory=MemoryJournal)

    def account(self) -> Account:
        return Books(Ledger(self.budget), self.journal).account("key", self.model)

    @property
    def closed(self) -> list[str]:
        return [body["state"] for body in self.journal.of("lm_answer")]


class Hanging(Scripted):
    async def sample(self, prompt: Prompt) -> Completions:
        await asyncio.sleep(3600)
        raise AssertionError("nobody waits that long")


def test_each_request_is_closed_once_by_what_became_of_it() -> None:
    limited = ModelFailure("slow down", kind="limited")
    books = Noted(Scripted([fault(), limited, 0, 1]))
    draw(books.model, 2, books.account())
    assert books.closed == ["fault", "limited", "answered", "answered", "answered"]
    asked = books.journal.of("lm_call")
    assert [(body["request"], body["place"], body["n"]) for body in asked] == [
        *((number, 0, 2) for number in range(4)),
        (4, 1, 1),
    ]


def test_that_there_was_reasoning_is_journalled_where_there_was() -> None:
    said = []
    for reasoned in ((True, False), (False, False), ()):
        answer = Completions(("", "b"), Usage(), "m", reasoned=reasoned)
        body = closed_request("run", 0, "answered", Usage(), 0.0, answer=answer)
        said.append(as_json(body).get("reasoned"))
    assert said == [[True, False], None, None]


def test_a_request_is_abandoned_when_the_time_of_the_run_is_over() -> None:
    books = Noted(Hanging(), Budget(wall_s=0.05))
    with pytest.raises(ModelFailure, match="before the run's time was over"):
        draw(books.model, 1, books.account(), RetryPolicy(faults=1))
    assert books.closed == ["abandoned"]


def test_cancelling_abandons_what_was_sent_and_nothing_that_still_waited_for_its_place() -> None:
    books = Noted(Hanging())

    async def work() -> None:
        requester = Requester(books.model, AdaptiveLimit(2))
        tasks = [asyncio.create_task(requester.draw(prompt(1), books.account())) for _ in range(4)]
        await asyncio.sleep(0.05)
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(work())
    assert books.closed == ["abandoned"] * 2


# --- places that are there already --------------------------------------------------------------


def fill(model: Scripted, known: Sequence[int], n: int, account: Account | None = None) -> Drawn:
    """Fill up what an earlier part of a run has drawn."""
    drawn = Drawn({place: f"known {place}" for place in known})
    missing = [place for place in range(n) if place not in known]
    requester = Requester(model, AdaptiveLimit(8), sleep=Waits())
    asyncio.run(requester.fill(drawn, missing, prompt(n), account or unlimited(model)))
    return drawn


def test_only_the_missing_places_are_asked_for_each_stretch_of_them_by_itself() -> None:
    model = Scripted([1], samples_per_request=2)
    drawn = fill(model, [0, 3], 9)
    assert drawn.in_order == [
        *("known 0", "seed 1", "seed 2", "known 3"),
        *("seed 4", "seed 5", "seed 6", "seed 7", "seed 8"),
    ]
    assert [request.seeds for request in model.prompts] == [(1, 2), (4, 5), (6, 7), (8,), (2,)]


def test_nothing_is_asked_where_nothing_is_missing() -> None:
    model = Scripted()
    assert fill(model, range(4), 4).in_order == [f"known {place}" for place in range(4)]
    assert model.prompts == []


def test_a_budget_that_has_ended_leaves_what_was_there() -> None:
    model = Scripted()
    assert fill(model, [1], 3, purse(model, tokens=1)).in_order == ["known 1"]


def test_what_came_before_a_refusal_is_kept() -> None:
    model, drawn = Scripted([1, ModelFailure("no", kind="prompt")]), Drawn()
    requester = Requester(model, AdaptiveLimit(8))
    with pytest.raises(ModelFailure, match="no"):
        asyncio.run(requester.fill(drawn, range(2), prompt(2), unlimited(model)))
    assert drawn.in_order == ["seed 0"]


# --- patience -----------------------------------------------------------------------------------


def waits_of(failures: Sequence[ModelFailure], hopeful: Callable[[int], bool]) -> list[float]:
    patience = Patience(RetryPolicy(), random.Random(0))
    return [
        patience.wait_s(failure, hopeful=hopeful(place)) for place, failure in enumerate(failures)
    ]


def test_a_short_time_to_wait_after_a_fault_is_kept_to() -> None:
    assert waits_of([fault(retry_after_s=3.0)], lambda place: True) == [3.0]


def test_an_unreachable_server_that_answers_in_the_end_gets_all_the_patience() -> None:
    waits_of([fault()] * 9, lambda place: place > 1)
    with pytest.raises(ModelFailure):
        waits_of([fault()] * 3, lambda place: False)
