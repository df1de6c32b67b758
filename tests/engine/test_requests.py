"""From a call to requests: what is asked again, when, and what is given up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from selftaught.core.budget import Usage
from selftaught.core.errors import BudgetExceeded, ModelFailure
from selftaught.core.language_model import Completions, Prompt
from selftaught.engine.free_account import FreeAccount
from selftaught.engine.limit import AdaptiveLimit
from selftaught.engine.requests import Account, OpenRequest, Requester
from selftaught.engine.retry import Patience, RetryPolicy

Step = ModelFailure | int | None
"""What one request comes to: a failure, so many responses, or all that were asked for."""


@dataclass
class Scripted:
    """A model that takes its requests through a list of steps; after the last, all is well."""

    steps: list[Step] = field(default_factory=list)
    samples_per_request: int = 100
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
        return Completions(tuple(texts), Usage(), self.name)

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
        policy or RetryPolicy(),
        rng=random.Random(1),
        sleep=waits,
    )
    texts = asyncio.run(asyncio.wait_for(requester.draw(prompt(n), account or FreeAccount()), 10.0))
    return texts, waits


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


class Purse(FreeAccount):
    """Pays for so many responses, and no more; shrinks a request to what is left."""

    def __init__(self, samples: int) -> None:
        super().__init__()
        self.left = samples

    async def open(self, prompt: Prompt) -> OpenRequest:
        if not self.left:
            raise BudgetExceeded("samples", 0, 0, "run")
        granted = min(prompt.n, self.left)
        self.left -= granted
        shrunk = Prompt(prompt.system, prompt.user, n=granted, seeds=prompt.seeds[:granted])
        return await super().open(shrunk)


def test_what_cannot_be_paid_is_not_asked_for() -> None:
    model = Scripted()
    assert draw(model, 5, Purse(3))[0] == seeds(3)
    assert len(model.prompts) == 1


def test_responses_that_were_paid_are_kept_when_the_budget_ends() -> None:
    assert draw(Scripted([2]), 6, Purse(6))[0] == seeds(2)
    assert draw(Scripted(samples_per_request=1), 6, Purse(4))[0] == seeds(4)


def test_a_budget_that_allows_nothing_is_said() -> None:
    with pytest.raises(BudgetExceeded):
        draw(Scripted(), 3, Purse(0))


class Books(FreeAccount):
    """Notes how each request was closed."""

    def __init__(self, time_left_s: float | None = None) -> None:
        super().__init__()
        self.time_left_s = time_left_s
        self.closed: list[str] = []

    async def open(self, prompt: Prompt) -> OpenRequest:
        return _Noted(self, prompt, self.time_left_s)


@dataclass
class _Noted:
    books: Books
    prompt: Prompt
    time_left_s: float | None

    async def answered(self, answer: Completions) -> None:
        self.books.closed.append("answered")

    def failed(self, failure: ModelFailure) -> None:
        self.books.closed.append(failure.kind)

    def abandoned(self) -> None:
        self.books.closed.append("abandoned")


class Hanging(Scripted):
    async def sample(self, prompt: Prompt) -> Completions:
        await asyncio.sleep(3600)
        raise AssertionError("nobody waits that long")


def test_each_request_is_closed_once_by_what_became_of_it() -> None:
    books = Books()
    limited = ModelFailure("slow down", kind="limited")
    draw(Scripted([fault(), limited, 0, 1]), 2, books)
    assert books.closed == ["fault", "limited", "answered", "answered", "answered"]


def test_a_request_is_abandoned_when_the_time_of_the_run_is_over() -> None:
    books = Books(time_left_s=0.05)
    with pytest.raises(ModelFailure, match="before the run's time was over"):
        draw(Hanging(), 1, books, RetryPolicy(faults=1))
    assert books.closed == ["abandoned"]


def test_cancelling_abandons_what_was_sent_and_nothing_that_still_waited_for_its_place() -> None:
    books = Books()

    async def work() -> None:
        requester = Requester(Hanging(), AdaptiveLimit(2))
        task = asyncio.create_task(requester.draw(prompt(1), books))
        more = [asyncio.create_task(requester.draw(prompt(1), books)) for _ in range(3)]
        await asyncio.sleep(0.05)
        for one in (task, *more):
            one.cancel()
        await asyncio.gather(task, *more, return_exceptions=True)

    asyncio.run(work())
    assert books.closed == ["abandoned"] * 2


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
