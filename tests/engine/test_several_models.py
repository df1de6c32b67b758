"""Several models in one run: who is asked, at whose price, and what becomes of one that dies."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from engine_support import (
    CountedUtility,
    FakeExecutor,
    LoggedModel,
    MemoryJournal,
    World,
    broken,
    improver,
    make_context,
    no_sleep,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_resume import COMPARED, Kept, Once, Paid, go, replay, stable

from journal_support import said
from selftaught.analysis.replies import by_model
from selftaught.core.budget import Budget
from selftaught.core.errors import BudgetExceeded, ModelFailure
from selftaught.core.language_model import Completions, Prompt
from selftaught.core.program import Program
from selftaught.engine.charged_call import ChargedCall
from selftaught.engine.context import RunContext
from selftaught.engine.limit import AdaptiveLimit
from selftaught.engine.requests import Requester
from selftaught.studies.replay import Silent

BASE = Prompt("", "", temperature=0.7, max_tokens=100)


def named(name: str, **how: Any) -> LoggedModel:
    """A model whose responses say its name, and their number."""
    return LoggedModel(lambda prompt: [f"{name} #{i}" for i in range(prompt.n)], name, **how)


def asking(
    models: Sequence[LoggedModel],
    weights: Sequence[float] = (1, 1),
    *,
    executor: Any = None,
    at_once: Sequence[int] = (32, 32),
    **how: Any,
) -> RunContext:
    context = make_context(executor or FakeExecutor(broken), **how)
    context.requesters = [
        Requester(model, AdaptiveLimit(most), model.name, weight, sleep=no_sleep)
        for model, weight, most in zip(models, weights, at_once, strict=True)
    ]
    return context


def draw(
    world: World, context: RunContext, counts: dict[str, int], model: str = ""
) -> dict[str, list[str]]:
    call = ChargedCall(context, "improver", set())
    return world.run(call.draw(BASE, counts, model))


def one_each(messages: int) -> dict[str, int]:
    return {f"message {i}": 1 for i in range(messages)}


def journalled(context: RunContext, kind: str) -> list[dict[str, Any]]:
    assert isinstance(context.journal, MemoryJournal)
    return context.journal.of(kind)


# --- who is asked -------------------------------------------------------------------------------


def test_models_are_asked_about_as_often_as_their_weights_say(world: World) -> None:
    context = asking([named("a"), named("b")], (3, 1))
    drawn = draw(world, context, one_each(400))
    counts = Counter(text[0] for (text,) in drawn.values())
    assert 260 <= counts["a"] <= 340
    assert counts.total() == 400


def test_the_model_of_each_response_follows_from_the_seed_whatever_is_finished_first(
    world: World,
) -> None:
    def found(seed: int, *delays_s: float) -> dict[str, list[str]]:
        models = [named(n, delay_s=s) for n, s in zip("ab", delays_s, strict=True)]
        return draw(world, asking(models, seed=seed), one_each(40) | {"many": 12})

    assert found(7, 0.0, 0.02) == found(7, 0.02, 0.0)
    assert found(7, 0.0, 0.0) != found(8, 0.0, 0.0)


def test_responses_of_one_model_to_a_prompt_are_one_request(world: World) -> None:
    models = [named("a"), named("b")]
    (texts,) = draw(world, asking(models), {"many": 40}).values()
    assert [len(model.prompts) for model in models] == [1, 1]
    assert [texts.count(f"{m.name} #0") for m in models] == [1, 1]
    assert sum(model.prompts[0].n for model in models) == len(texts) == 40


def test_the_first_response_of_a_prompt_has_no_favourite(world: World) -> None:
    context = asking([named("a"), named("b")], (1, 1))
    drawn = draw(world, context, {f"message {i}": 6 for i in range(200)})
    assert 70 <= sum(texts[0].startswith("a") for texts in drawn.values()) <= 130


def test_a_model_without_weight_is_asked_only_where_it_is_chosen(world: World) -> None:
    context = asking([named("a"), named("b")], (1, 0))
    drawn = draw(world, context, one_each(30))
    assert {text for (text,) in drawn.values()} == {"a #0"}
    assert draw(world, context, {"message 1": 2}, "b") == {"message 1": ["b #0", "b #1"]}


# --- what it costs ------------------------------------------------------------------------------


def test_each_request_is_journalled_and_reserved_at_the_price_of_its_model(world: World) -> None:
    context = asking([named("a", usd_per_sample=0.01), named("b", usd_per_sample=0.03)])
    draw(world, context, one_each(20))
    price = {"a": 0.01, "b": 0.03}
    calls = journalled(context, "lm_call")
    assert {call["model"] for call in calls} == {"a", "b"}
    for call in calls:
        assert call["reserved"]["usd"] == pytest.approx(100 * price[call["model"]])
    asked = Counter(call["model"] for call in calls)
    assert context.ledger.usage.usd == pytest.approx(sum(price[m] * n for m, n in asked.items()))


def test_one_model_is_not_named_where_there_is_no_other(world: World) -> None:
    context = asking([named("a")], (1,), at_once=(32,))
    draw(world, context, {"message": 2}, "a")
    assert "model" not in journalled(context, "lm_call")[0]
    key = context.key("improver", "call", "", "message", 2, "0.7")
    again = asking([named("a")], (1,), at_once=(32,))
    assert key != again.key("improver", "call", "", "message", 2, "0.7")  # the first was taken


def test_what_a_budget_cannot_pay_of_one_model_it_may_of_another(world: World) -> None:
    context = asking(
        [named("a", usd_per_sample=1.0), named("b", usd_per_sample=0.001)], budget=Budget(usd=50)
    )
    drawn = draw(world, context, one_each(20))
    assert {text for texts in drawn.values() for text in texts} == {"b #0"}
    with pytest.raises(BudgetExceeded, match="usd"):
        draw(world, context, {"message": 1}, "a")


def test_the_worst_case_is_that_of_the_dearest_model() -> None:
    context = asking([named("a", usd_per_sample=0.01), named("b", usd_per_sample=0.03)])
    limits = context.limits
    samples = limits.calls * limits.samples_per_call
    assert context.most(1).usd == pytest.approx(samples * 100 * 0.03)


def test_each_model_has_its_own_limit_of_requests_at_once(world: World) -> None:
    models = [named("a", delay_s=0.01), named("b", delay_s=0.01)]
    draw(world, asking(models, at_once=(2, 5)), one_each(60))
    assert [model.most_at_once for model in models] == [2, 5]


# --- one that dies ------------------------------------------------------------------------------


@dataclass
class Mortal(LoggedModel):
    """A model whose key is taken away after so many answers."""

    answers: int = 0

    async def sample(self, prompt: Prompt) -> Completions:
        if len(self.prompts) >= self.answers:
            raise ModelFailure(f"{self.name}: HTTP 401: no", kind="rejected", status=401)
        return await super().sample(prompt)


def test_the_share_of_a_model_that_dies_falls_to_the_others_and_is_told_once(world: World) -> None:
    dying, other = Mortal(name="a", answers=3), named("b")
    context = asking([dying, other], (9, 1), at_once=(1, 32))
    drawn = draw(world, context, one_each(30) | {"many": 12})
    assert [len(texts) for texts in drawn.values()] == [1] * 30 + [12]
    assert len(dying.prompts) == 3
    (notice,) = journalled(context, "notice")
    assert notice["detail"].startswith("a answers no more")
    assert "HTTP 401" in notice["detail"]
    failed = len([one for one in journalled(context, "lm_answer") if one["state"] == "rejected"])
    draw(world, context, {"later": 6})
    after = [one for one in journalled(context, "lm_answer") if one["state"] == "rejected"]
    assert 1 <= failed == len(after) <= 3


def test_a_dead_model_that_is_chosen_leaves_its_place_to_the_others(world: World) -> None:
    context = asking([Mortal(name="a"), named("b")])
    assert draw(world, context, {"message": 2}, "a") == {"message": ["b #0", "b #1"]}


def test_when_all_models_are_dead_the_run_ends_with_the_words_of_the_last(world: World) -> None:
    context = asking([Mortal(name="a", answers=1), Mortal(name="b", answers=1)])
    with pytest.raises(ModelFailure, match="HTTP 401"):
        draw(world, context, one_each(30))
    assert len(journalled(context, "notice")) == 1


# --- improvers ----------------------------------------------------------------------------------

HEAD = "import json\ndef improve_algorithm(initial_solution, utility, language_model):\n"
BANDIT = (
    HEAD
    + """
    worth = {name: [] for name in language_model.models}
    for turn in range(language_model.budget):
        untried = [name for name, values in worth.items() if not values]
        name = (untried or [max(worth, key=lambda one: sum(worth[one]) / len(worth[one]))])[0]
        worth[name] += utility.map(language_model.prompt("", "say much", 2, model=name))
    return json.dumps({name: len(values) for name, values in worth.items()})
"""
)
MISTAKEN = (
    HEAD
    + """
    try:
        language_model.batch_prompt("", ["x"], model="c")
    except ValueError as error:
        said = str(error)
    handle = language_model.start("", "x", model="b")
    return json.dumps([said, language_model.models, handle.result(), language_model.times_used])
"""
)


def improved(world: World, source: str, models: Sequence[LoggedModel]) -> Any:
    context = asking(models, executor=world.executor)
    made, _ = world.run(improver(context, source).run(CountedUtility(), Program("the seed")))
    assert isinstance(made, Program), made
    return json.loads(made.source)


def test_an_improver_can_learn_which_model_is_worth_asking(world: World) -> None:
    wordy = LoggedModel(lambda prompt: ["long" * 9] * prompt.n, "b")
    assert improved(world, BANDIT, [named("a"), wordy]) == {"a": 2, "b": 6}


def test_a_model_that_there_is_not_is_a_value_error_that_names_those_there_are(
    world: World,
) -> None:
    told, names, replies, used = improved(world, MISTAKEN, [named("a"), named("b")])
    assert told == "there is no model 'c': there are a, b"
    assert (names, replies, used) == (["a", "b"], ["b #0"], 1)


# --- going on, and replaying --------------------------------------------------------------------


@dataclass
class Lender(Paid):
    """A model that is dead after so many requests."""

    requests: int = 1 << 30

    async def sample(self, prompt: Prompt) -> Completions:
        if len(self.served) >= self.requests:
            raise ModelFailure(f"{self.name}: HTTP 402: no money", kind="rejected", status=402)
        return await super().sample(prompt)


def lenders(**requests: int) -> list[Requester]:
    models = {"a": Lender("paid:a"), "b": Lender("paid:b")}
    for name, most in requests.items():
        models[name].requests = most
    weights = {"a": 3, "b": 1}
    return [Requester(one, AdaptiveLimit(8), n, weights[n]) for n, one in models.items()]


def silent() -> list[Requester]:
    """No model, under the names of the two."""
    return [Requester(Silent(one.model.name), one.limit, one.name, one.weight) for one in lenders()]


@pytest.fixture(scope="module")
def whole(world: World) -> Once:
    return go(world, requesters=lenders())


def test_a_result_tells_what_each_model_took_and_brought(whole: Once) -> None:
    models = whole.result["models"]
    assert list(models) == ["a", "b"]
    for name, amount in whole.result["usage"].items():
        assert sum(one["usage"][name] for one in models.values()) == pytest.approx(amount)
    assert models["a"]["usage"]["samples"] > models["b"]["usage"]["samples"] > 0
    assert all(sum(one["replies"].values()) == one["usage"]["samples"] for one in models.values())
    best = [one["best"] for one in models.values() if one["best"]]
    assert best
    assert by_model(whole.journal.events) == models


@settings(max_examples=12, deadline=None, suppress_health_check=[*HealthCheck])
@given(share=st.floats(0, 1))
def test_any_prefix_of_a_journal_of_several_models_resumes_and_replays_to_the_same_end(
    share: float, world: World, whole: Once
) -> None:
    length = round(share * len(whole.journal.events))
    kept = Kept(list(whole.journal.events[:length]), dict(whole.journal.texts))
    cut = replay(world, kept, rescore=False, requesters=silent())
    assert (cut["differences"], cut["diverged"]) == ([], [])
    again = lenders()
    resumed = go(world, kept.memory(), kept, requesters=again)
    ends = [stable(one.result) for one in (resumed, whole)]
    shares = [one.pop("models") for one in ends]
    assert ends[0] == ends[1]
    assert [part["best"] for part in shares[0].values()] == [
        part["best"] for part in shares[1].values()
    ]
    assert kept.of(*COMPARED) == whole.journal.of(*COMPARED)
    answered = sum(event.kind == "lm_answer" for event in whole.journal.events[:length])
    in_all = sum(event.kind == "lm_answer" for event in whole.journal.events)
    served = sum(len(one.model.served) for one in again if isinstance(one.model, Paid))
    assert served == in_all - answered


@pytest.mark.parametrize("requests", [{"a": 0}, {"a": 4}, {"b": 2}])
def test_a_run_in_which_a_model_died_replays_exactly(
    requests: dict[str, int], world: World
) -> None:
    ran = go(world, requesters=lenders(**requests))
    assert ran.result["state"] == "done"
    (notice,) = [said(event) for event in ran.journal.events if event.kind == "notice"]
    assert "answers no more" in notice["detail"]
    found = replay(world, ran.journal, rescore=False, requesters=silent())
    assert (found["differences"], found["diverged"]) == ([], [])
