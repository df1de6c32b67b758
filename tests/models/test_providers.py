"""Both providers against a real server on loopback, through their official SDKs."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import pytest

import model_server as ms
from model_server.exchange import Refusal
from selftaught.core.errors import ConfigError, ModelFailure
from selftaught.core.language_model import (
    Completions,
    LanguageModel,
    ModelServices,
    ModelSettings,
    Prompt,
)
from selftaught.engine import requests
from selftaught.engine.account import unlimited
from selftaught.engine.limit import AdaptiveLimit
from selftaught.engine.requests import Requester
from selftaught.models import anthropic, openai
from selftaught.models.chat import LONGEST_TEXT

KEY = "sk-planted-in-the-tests-0123456789"
PROMPT = Prompt("You write Python.", "```python\nx = 1\n```", n=3, max_tokens=200, seeds=(1, 2, 3))
Provider = Literal["openai", "anthropic"]


@dataclass
class Drawn:
    """What one call came to, and what the server saw."""

    texts: list[str]
    calls: requests.Drawn
    served: list[ms.Served]
    counts: ms.Counts
    model: LanguageModel

    @property
    def bodies(self) -> list[Mapping[str, Any]]:
        return [one.body for one in self.served]


def make(
    provider: Provider,
    server: ms.ModelServer,
    environment: Mapping[str, str] | None = None,
    **settings: Any,
) -> LanguageModel:
    factory = openai.create if provider == "openai" else anthropic.create
    url = server.base_url if provider == "openai" or settings.pop("use_v1", False) else None
    url = url or server.anthropic_url
    said = ModelSettings(
        **{"base_url": url, "timeout_s": 5.0, "price_in": 1.0, "price_out": 4.0, **settings}
    )
    keys = {"OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY}
    nobody: Any = None
    return factory(
        "test", ModelServices(nobody, said, keys if environment is None else environment)
    )


async def no_wait(delay_s: float) -> None:
    await asyncio.sleep(0)


def draw(
    plan: ms.Plan = ms.none,
    prompt: Prompt = PROMPT,
    provider: Provider = "openai",
    times: int = 1,
    **settings: Any,
) -> Drawn:
    """One call after the other; the last one's texts, the requests of all."""
    calls = requests.Drawn()

    async def work(server: ms.ModelServer) -> LanguageModel:
        model = make(provider, server, **settings)
        requester = Requester(model, AdaptiveLimit(8), sleep=no_wait)
        try:
            for _ in range(times):
                calls.texts = {}
                await requester.fill(calls, range(prompt.n), prompt, unlimited(model))
        finally:
            await model.aclose()
        return model

    with ms.ModelServer(plan=plan) as server:
        model = asyncio.run(work(server))
        server.wait_until_idle()
    return Drawn(calls.in_order, calls, server.served, server.counts(), model)


PROVIDERS = pytest.mark.parametrize("provider", ["openai", "anthropic"])


# --- requests -----------------------------------------------------------------------------------


def test_openai_gets_all_responses_by_one_request() -> None:
    drawn = draw()
    assert len(set(drawn.texts)) == 3
    (body,) = drawn.bodies
    assert body["messages"] == [
        {"role": "system", "content": "You write Python."},
        {"role": "user", "content": "```python\nx = 1\n```"},
    ]
    assert (body["model"], body["n"], body["temperature"], body["max_tokens"]) == (
        "test",
        3,
        0.7,
        200,
    )
    assert 0 <= body["seed"] < 2**31
    assert drawn.served[0].authorization == f"Bearer {KEY}"


def test_anthropic_is_asked_once_a_response() -> None:
    drawn = draw(provider="anthropic")
    assert len(set(drawn.texts)) == 3
    assert len(drawn.bodies) == 3
    assert drawn.bodies[0]["system"] == "You write Python."
    assert drawn.bodies[0]["max_tokens"] == 200
    assert all(KEY in one.authorization for one in drawn.served)


def test_temperature_is_within_what_the_messages_protocol_takes() -> None:
    hot = Prompt("", "m", temperature=2.0, max_tokens=50)
    drawn = draw(prompt=hot, provider="anthropic")
    assert drawn.bodies[0]["temperature"] == 1.0
    assert "system" not in drawn.bodies[0]


@PROVIDERS
def test_arguments_and_effort_go_with_each_request(provider: Provider) -> None:
    drawn = draw(provider=provider, args={"top_p": 0.5, "user": "me"}, reasoning_effort="low")
    for body in drawn.bodies:
        assert (body["top_p"], body["user"]) == (0.5, "me")
        effort = body.get("reasoning_effort") or body["output_config"]["effort"]
        assert effort == "low"


@PROVIDERS
def test_usage_and_money_are_those_of_the_bill(provider: Provider) -> None:
    drawn = draw(provider=provider)
    usage, counts = drawn.calls.usage, drawn.counts
    assert (usage.tokens_in, usage.tokens_out) == (
        counts.billed_tokens_in,
        counts.billed_tokens_out,
    )
    assert usage.usd == pytest.approx((usage.tokens_in + 4 * usage.tokens_out) / 1e6)
    assert usage.requests == counts.requests


def test_azure_is_asked_in_its_own_form() -> None:
    async def work(server: ms.ModelServer) -> Completions:
        environment = {
            "AZURE_OPENAI_ENDPOINT": server.root_url,
            "AZURE_OPENAI_API_KEY": KEY,
            "OPENAI_API_VERSION": "2024-10-21",
        }
        model = make("openai", server, environment, base_url=None)
        try:
            return await model.sample(PROMPT)
        finally:
            await model.aclose()

    with ms.ModelServer() as server:
        assert len(asyncio.run(work(server)).texts) == 3
    (one,) = server.served
    assert one.path == "/openai/deployments/test/chat/completions"
    assert one.authorization == KEY
    assert "max_completion_tokens" in one.body


# --- what a model does not take -----------------------------------------------------------------


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("name", ["temperature", "max_tokens", "n", "seed"])
def test_a_parameter_that_openai_refuses_is_found_out_once_and_told_once(
    name: str, named: bool
) -> None:
    drawn = draw(ms.always(ms.refuses_parameter(name, named=named)), times=2)
    assert len(drawn.texts) == 3
    refused = [one for one in drawn.served if one.status == 400]
    assert len(refused) == 1
    assert len(drawn.calls.notices) == 1
    assert f"does not take {name}" in drawn.calls.notices[0]
    last = drawn.bodies[-1]
    assert name not in last
    assert (name == "max_tokens") == ("max_completion_tokens" in last)


def test_several_parameters_may_be_refused() -> None:
    faults = [ms.refuses_parameter(name) for name in ("temperature", "max_tokens", "n")]
    drawn = draw(lambda number, body: next((f for f in faults if _applies(f, body)), None))
    assert len(drawn.texts) == 3
    assert len(drawn.calls.notices) == 3


def _applies(fault: ms.Fault, body: Mapping[str, Any]) -> bool:
    name = fault.name.removeprefix("refuses_parameter_")
    return body.get(name, 1) > 1 if name == "n" else name in body


def test_anthropic_models_that_refuse_temperature_go_without() -> None:
    drawn = draw(ms.always(ms.refuses_parameter("temperature")), provider="anthropic", times=2)
    assert len(drawn.texts) == 3
    assert len(drawn.calls.notices) == 1
    assert "temperature" not in drawn.bodies[-1]


def test_an_argument_of_the_users_own_is_never_dropped() -> None:
    with pytest.raises(ModelFailure, match="top_k") as refused:
        draw(ms.always(ms.bad_request("Unknown parameter: 'top_k'.", "top_k")), args={"top_k": 5})
    assert refused.value.kind == "rejected"


def test_a_server_that_brings_one_response_a_request_is_soon_asked_at_once() -> None:
    drawn = draw(ms.always(ms.fewer()), times=2)
    assert len(drawn.texts) == 3
    assert len(drawn.calls.notices) == 1
    assert [body.get("n", 1) for body in drawn.bodies] == [3, 2, 1, 1, 1, 1]


def test_one_short_answer_is_made_up_for_and_nothing_is_learned_from_it() -> None:
    drawn = draw(ms.sequence([ms.fewer(), None, ms.fewer()]), times=2)
    assert drawn.calls.notices == []
    assert [body.get("n", 1) for body in drawn.bodies] == [3, 2, 3, 2]


# --- faults -------------------------------------------------------------------------------------

PASSING = [
    ms.rate_limited(),
    ms.rate_limited_retry_after(0.01),
    ms.rate_limited_retry_after("Wed, 21 Oct 2015 07:28:00 GMT"),
    ms.server_error(burst=2),
    ms.overloaded(),
    ms.gateway_timeout(),
    ms.drop_before_answer(),
    ms.drop_before_answer(reset=True),
    ms.drop_mid_body(),
    ms.malformed_json(),
    ms.not_json(),
    ms.other_json(),
    ms.other_json(None),
    ms.other_json([]),
    ms.never(),
    ms.trickle(seconds=30, pieces=100),
]


@PROVIDERS
@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: fault.name)
def test_a_fault_that_passes_costs_another_request_and_no_response(
    fault: ms.Fault, provider: Provider
) -> None:
    one = Prompt("", "m", max_tokens=100)
    drawn = draw(ms.sequence([fault]), one, provider, timeout_s=1.0)
    assert len(drawn.texts) == 1
    usage = drawn.calls.usage
    assert usage.requests == drawn.counts.requests == 2 + fault.following
    failures = drawn.calls.failures
    assert len(failures) == usage.requests - 1
    assert [failure.maybe_billed for failure in failures] == [
        one.billed for one in drawn.served[: len(failures)]
    ]


def test_an_answer_without_choices_is_paid_and_asked_for_again() -> None:
    drawn = draw(ms.sequence([ms.empty_choices()]))
    assert len(drawn.texts) == 3
    assert len(drawn.calls.answers) == 2
    assert drawn.calls.usage.tokens_in == drawn.counts.billed_tokens_in


ODD = [
    (ms.null_content(), "", "stop"),
    (ms.content_filter(), "", "content_filter"),
    (ms.tool_calls(), "", "tool_calls"),
    (ms.finish_length(), None, "length"),
    (ms.lone_surrogates(), None, "stop"),
    (ms.huge(), None, "stop"),
    (ms.more(), None, "stop"),
]


@pytest.mark.parametrize(("fault", "text", "finish"), ODD, ids=lambda value: str(value)[:30])
def test_an_odd_answer_is_a_response_with_the_word_of_its_provider(
    fault: ms.Fault, text: str | None, finish: str
) -> None:
    drawn = draw(ms.always(fault))
    assert len(drawn.texts) == 3
    assert drawn.calls.answers[0].finishes[0] == finish
    assert text is None or drawn.texts == [text] * 3
    assert len(drawn.served) == 1


def test_a_choice_that_comes_twice_counts_once() -> None:
    drawn = draw(ms.sequence([ms.duplicates()]))
    assert len(set(drawn.texts)) == 3
    assert len(drawn.served) == 2


@PROVIDERS
@pytest.mark.parametrize(
    "variant", ["missing", "null", "zero", "negative", "absurd", "words", "null_numbers"]
)
def test_usage_that_cannot_be_is_not_believed(
    variant: Any, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        drawn = draw(ms.always(ms.wrong_usage(variant)), provider=provider)
    assert len(drawn.texts) == 3
    assert [answer.usage for answer in drawn.calls.answers] == [None] * len(drawn.served)


# --- errors -------------------------------------------------------------------------------------

REFUSALS = [
    (ms.bad_request("The number of stars is odd."), 400, "The number of stars is odd."),
    (ms.unauthorized(), 401, "***"),
    (ms.forbidden(), 403, ""),
    (ms.not_found(), 404, "test"),
    (ms.insufficient_quota(), None, ""),
]


@PROVIDERS
@pytest.mark.parametrize(("fault", "status", "said"), REFUSALS, ids=lambda value: str(value)[:30])
def test_what_no_request_can_mend_is_told_at_once_in_the_providers_words_without_the_key(
    fault: ms.Fault, status: int | None, said: str, provider: Provider
) -> None:
    with pytest.raises(ModelFailure) as refused:
        draw(ms.always(fault), provider=provider)
    failure = refused.value
    assert failure.kind == "rejected"
    assert status is None or failure.status == status
    assert said in str(failure)
    assert KEY not in str(failure)
    assert KEY not in repr(failure.__cause__)
    assert "\n" not in str(failure)


def echoed(where: Callable[[int], ms.Fault], offsets: range, provider: Provider) -> list[str]:
    """All that a model tells of requests whose answers hold its key, at each of these places."""

    async def work(server: ms.ModelServer) -> list[str]:
        model, told = make(provider, server), []
        for _ in offsets:
            try:
                told.append(repr(await model.sample(replace(PROMPT, n=1))))
            except ModelFailure as failure:
                told.append(repr(failure))
        await model.aclose()
        return told

    with ms.ModelServer(plan=lambda number, body: where(offsets[number])) as server:
        return asyncio.run(work(server))


def parts_of_the_key(told: str) -> list[str]:
    """Those of six characters, which nothing else in these tests holds."""
    return [KEY[at : at + 6] for at in range(len(KEY) - 5) if KEY[at : at + 6] in told]


@PROVIDERS
def test_no_part_of_a_key_is_told_wherever_in_a_refusal_it_stands(provider: Provider) -> None:
    def refuse(offset: int, question: Any) -> Refusal:
        return Refusal(401, f"{'x' * offset}{question.credential}{' y' * 99}", code="invalid")

    offsets = range(500 - len(KEY) - 3, 503)
    told = echoed(lambda offset: ms.Fault("echo", partial(refuse, offset)), offsets, provider)
    assert len(told) == len(offsets)
    assert all("HTTP 401: xxx" in one for one in told)
    assert [parts for parts in map(parts_of_the_key, told) if parts] == []


@PROVIDERS
@pytest.mark.parametrize("longest", [40, LONGEST_TEXT])
def test_no_part_of_a_key_is_told_wherever_in_an_answer_it_stands(
    longest: int, provider: Provider
) -> None:
    def edit(offset: int, payload: dict[str, Any]) -> dict[str, Any]:
        said = f"{'x' * offset}{KEY}"
        finish, text = (said, "") if longest == 40 else ("stop", said)
        changed = {"stop_reason": finish, "content": [{"type": "text", "text": text}]}
        if provider == "openai":
            choice = {"index": 0, "finish_reason": finish, "message": {"content": text}}
            changed = {"choices": [choice]}
        return payload | changed | {"model": f"{KEY}-model"}

    step = 1 if longest == 40 else 16
    offsets = range(longest - len(KEY) - 3, longest + 3, step)
    told = echoed(lambda offset: ms.Fault("echo", edit=partial(edit, offset)), offsets, provider)
    assert all("Completions(" in one and "***-model" in one for one in told)
    assert [parts for parts in map(parts_of_the_key, told) if parts] == []


@PROVIDERS
@pytest.mark.parametrize(
    "fault", [ms.context_too_long(1), ms.prompt_filtered()], ids=lambda fault: fault.name
)
def test_a_prompt_that_is_refused_is_told_as_such(fault: ms.Fault, provider: Provider) -> None:
    if fault.name == "prompt_filtered" and provider == "anthropic":
        fault = ms.context_too_long(1)  # it has no such refusal
    with pytest.raises(ModelFailure) as refused:
        draw(ms.always(fault), provider=provider)
    assert refused.value.kind == "prompt"


@PROVIDERS
def test_a_server_that_is_not_there_was_never_sent_anything(provider: Provider) -> None:
    async def work(model: LanguageModel) -> None:
        try:
            await model.sample(PROMPT)
        finally:
            await model.aclose()

    async def create_and_ask() -> None:
        await work(make(provider, stopped))

    with ms.ModelServer() as stopped:
        pass
    with pytest.raises(ModelFailure, match="cannot be reached") as failed:
        asyncio.run(create_and_ask())
    assert not failed.value.maybe_billed
    assert failed.value.kind == "fault"


@PROVIDERS
def test_a_request_that_is_cancelled_leaves_nothing_behind(provider: Provider) -> None:
    async def work(server: ms.ModelServer) -> None:
        model = make(provider, server, timeout_s=60.0)
        task = asyncio.create_task(model.sample(PROMPT))
        await asyncio.to_thread(arrived.wait, 10.0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.to_thread(server.wait_until_idle)
        await model.aclose()

    arrived = threading.Event()

    def plan(number: int, body: Mapping[str, Any]) -> ms.Fault:
        arrived.set()
        return ms.never()

    with ms.ModelServer(plan=plan) as server:
        asyncio.run(work(server))
    assert server.counts().disconnected == 1


# --- settings -----------------------------------------------------------------------------------


@PROVIDERS
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"args": {"messages": []}}, "--model-arg messages"),
        ({"args": {"n": 2}}, "--model-arg n"),
        ({"args": {"x": float("nan")}}, "--model-arg"),
        ({"args": {"max_completion_tokens": 100_000}}, "--model-arg max_completion_tokens"),
        ({"base_url": "127.0.0.1:8000"}, "base URL"),
        ({"base_url": "http://user:secret@127.0.0.1:8000/v1"}, "no user and password"),
        ({"price_in": 1.0, "price_out": None}, "give both prices"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_anything_is_sent(
    settings: dict[str, Any], said: str, provider: Provider
) -> None:
    with ms.ModelServer() as server:
        with pytest.raises(ConfigError, match=said):
            make(provider, server, **settings)


@PROVIDERS
def test_without_a_key_the_providers_own_server_is_not_asked(provider: Provider) -> None:
    with ms.ModelServer() as server:
        with pytest.raises(ConfigError, match=f"no key for {provider}:test: set "):
            make(provider, server, {}, base_url=None)


def test_a_known_company_is_not_asked_without_its_own_key() -> None:
    with ms.ModelServer() as server:
        with pytest.raises(ConfigError, match="no key for openai:test: set OPENROUTER_API_KEY"):
            make("openai", server, base_url="https://openrouter.ai/api/v1")


def test_anthropics_base_url_may_end_as_openais_does() -> None:
    drawn = draw(provider="anthropic", prompt=Prompt("", "m", max_tokens=50), use_v1=True)
    assert drawn.served[0].path == "/v1/messages"


def test_a_server_of_ones_own_needs_no_key() -> None:
    async def work(server: ms.ModelServer) -> None:
        model = make("openai", server, {})
        await model.sample(PROMPT)
        await model.aclose()

    with ms.ModelServer() as server:
        asyncio.run(work(server))
    assert server.served[0].authorization == "Bearer no-key"
