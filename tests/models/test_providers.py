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
    root_url: str

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
    url = server.base_url if provider == "openai" else server.anthropic_url
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
    url_end: str | None = None,
    **settings: Any,
) -> Drawn:
    """One call after the other; the last one's texts, the requests of all.

    Args:
        url_end: of the base URL, after the host.
    """
    calls = requests.Drawn()

    async def work(server: ms.ModelServer) -> LanguageModel:
        if url_end is not None:
            settings["base_url"] = server.root_url + url_end
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
    return Drawn(calls.in_order, calls, server.served, server.counts(), model, server.root_url)


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
    ms.null_choices(),
    ms.error_in_answer(),
    ms.error_in_answer({"type": "overloaded_error", "message": "Overloaded"}),
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
    (ms.reasoning_only(), "", "stop"),
    (ms.redacted(), "", "stop"),
    (ms.parts(), None, "stop"),
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


@PROVIDERS
@pytest.mark.parametrize("fault", [ms.reasoning_only(), ms.redacted()], ids=lambda one: one.name)
def test_reasoning_is_set_aside_and_reasoning_alone_is_told_from_nothing(
    fault: ms.Fault, provider: Provider
) -> None:
    alone = draw(ms.always(fault), provider=provider)
    nothing = draw(ms.always(ms.null_content()), provider=provider)
    assert alone.texts == nothing.texts == [""] * 3
    for drawn, reasoned in ((alone, True), (nothing, False)):
        told = [one for answer in drawn.calls.answers for one in answer.reasoned]
        assert told == [reasoned] * 3
        assert drawn.calls.usage.tokens_in == drawn.counts.billed_tokens_in


@PROVIDERS
def test_the_parts_of_a_text_are_joined_without_the_reasoning(provider: Provider) -> None:
    plan, one = ms.sequence([ms.parts()]), replace(PROMPT, n=1)
    (text,) = draw(plan, one, provider).texts
    assert [text] == draw(prompt=one, provider=provider).texts


def test_a_choice_that_is_an_error_is_asked_for_again() -> None:
    def edit(payload: dict[str, Any]) -> dict[str, Any]:
        broken = {"index": 0, "error": {"code": 502, "message": "Bad"}, "finish_reason": "error"}
        return {**payload, "choices": [broken, *payload["choices"][1:]]}

    drawn = draw(ms.sequence([ms.Fault("broken", edit=edit)]))
    assert len(set(drawn.texts)) == 3
    assert [body.get("n", 1) for body in drawn.bodies] == [3, 1]
    one = draw(ms.sequence([ms.Fault("broken", edit=edit)]), replace(PROMPT, n=1))
    assert [str(failure) for failure in one.calls.failures] == [
        "openai:test: HTTP 200 with error 502: Bad"
    ]


@pytest.mark.parametrize(
    ("usage", "tokens_in", "tokens_out"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 8}}, 10, 20),
        ({"prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 2}, 10, 20),
        ({"prompt_tokens_details": {"cached_tokens": 50}}, 60, 20),
        ({"prompt_tokens_details": {"cached_tokens": 8}, "total_tokens": 38}, 18, 20),
        ({"prompt_tokens_details": {"cached_tokens": 8}, "total_tokens": 45}, 10, 35),
        ({"prompt_tokens_details": None, "total_tokens": None}, 10, 20),
    ],
)
def test_cached_tokens_count_once_whether_they_are_contained_or_added(
    usage: dict[str, Any], tokens_in: int, tokens_out: int
) -> None:
    whole = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
    drawn = draw(ms.always(ms.reported(**{**whole, **usage})))
    counted = drawn.calls.usage
    assert (counted.tokens_in, counted.tokens_out) == (tokens_in, tokens_out)


def test_anthropics_cached_tokens_come_on_top() -> None:
    cached = ms.reported(input_tokens=10, cache_read_input_tokens=30, cache_creation_input_tokens=5)
    drawn = draw(ms.always(cached), replace(PROMPT, n=1), "anthropic")
    assert drawn.calls.usage.tokens_in == 45


@PROVIDERS
@pytest.mark.parametrize(
    ("size", "read", "is_told"),
    [
        (40_000, 2_400, True),
        (40_000, 2_600, False),
        (40_000, 4_096, True),
        (32_000, 4_096, False),
        (20_000, 2_048, True),
        (20_000, 2_049, False),
        (70_000, 8_192, True),
        (100, 7, False),
    ],
)
def test_a_server_that_read_far_less_than_was_sent_is_told_once(
    size: int, read: int, is_told: bool, provider: Provider
) -> None:
    name = "prompt_tokens" if provider == "openai" else "input_tokens"
    prompt = Prompt("", "x" * size, max_tokens=50)
    plan = ms.always(ms.reported(**{name: read}))
    (*told,) = draw(plan, prompt, provider, times=2).calls.notices
    assert len(told) == is_told
    if told:
        assert f"read {read:,} tokens of a prompt of {size:,} bytes" in told[0]


@PROVIDERS
def test_a_temperature_of_zero_is_sent_as_that(provider: Provider) -> None:
    drawn = draw(prompt=replace(PROMPT, temperature=0.0), provider=provider)
    assert {body["temperature"] for body in drawn.bodies} == {0.0}


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
    (ms.insufficient_quota(), 402, ""),
    (ms.insufficient_balance(), 402, "HTTP 429: Insufficient balance"),
    (ms.error_in_answer({"code": 401, "message": "Who are you?"}), 401, "error 401: Who are you?"),
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
        ({"base_url": "http://127.0.0.1:8000/v1?api-version=1"}, "base URL"),
        ({"base_url": "https://example.org\\.openai.com/v1"}, "base URL"),
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


@PROVIDERS
def test_a_key_that_is_named_goes_to_the_server_and_no_other_does(provider: Provider) -> None:
    environment = {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k", "MINE": KEY}
    drawn = draw(provider=provider, environment=environment, api_key_env="MINE")
    assert all(KEY in one.authorization for one in drawn.served)


@PROVIDERS
def test_a_refusal_of_whoever_sent_no_key_says_that_none_was_sent(provider: Provider) -> None:
    with pytest.raises(ModelFailure, match=r"HTTP 401: .*; no key was sent: --api-key-env names"):
        draw(ms.always(ms.unauthorized()), provider=provider, environment={})


@PROVIDERS
def test_a_key_does_not_follow_where_a_server_sends_on(provider: Provider) -> None:
    with ms.ModelServer() as other:

        def send_on(question: Any) -> Refusal:
            return Refusal(307, "", headers={"location": f"{other.root_url}/v1/messages"})

        with pytest.raises(ModelFailure, match=f"HTTP 307: it sends on to {other.root_url}"):
            draw(ms.always(ms.Fault("sends_on", refuse=send_on)), provider=provider)
    assert other.served == []


@pytest.mark.parametrize(
    ("end", "path", "answers"),
    [
        ("/v1", "/v1/chat/completions", True),
        ("/v1/", "/v1/chat/completions", True),
        ("/v1/chat/completions", "/v1/chat/completions", True),
        ("/v1/chat/completions/", "/v1/chat/completions", True),
        ("", "/chat/completions", False),
        ("/", "/chat/completions", False),
        ("/chat/completions", "/chat/completions", False),
        ("/openai", "/openai/chat/completions", False),
    ],
)
def test_a_base_url_may_end_in_any_of_the_usual_ways(end: str, path: str, answers: bool) -> None:
    drawn = draw(url_end=end, times=2)
    assert len(drawn.texts) == 3
    assert len(drawn.served) == 2  # the other address is asked once, and counts no exchange
    assert len(drawn.calls.failures) == (not answers)
    assert len(drawn.calls.notices) == (not answers)
    if not answers:
        assert f"is not at {drawn.root_url}{path}; it is asked at " in drawn.calls.notices[0]
        assert drawn.served[0].path == path.replace("/chat", "/v1/chat")


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/", "/messages", "/v1/messages/"])
def test_anthropics_base_url_may_end_in_any_of_the_usual_ways(end: str) -> None:
    drawn = draw(url_end=end, provider="anthropic")
    assert {one.path for one in drawn.served} == {"/v1/messages"}
    assert drawn.calls.failures == []


@PROVIDERS
def test_where_neither_address_answers_one_line_tells_both(provider: Provider) -> None:
    path = "chat/completions" if provider == "openai" else "messages"
    said = f"HTTP 404: .*, at http.*/nowhere/.*{path}; HTTP 404: .*, at http.*/nowhere/.*{path}$"
    with pytest.raises(ModelFailure, match=said) as refused:
        draw(url_end="/nowhere", provider=provider)
    assert refused.value.kind == "rejected"


def test_an_unknown_path_may_be_told_with_a_status_of_success() -> None:
    unknown = {"error": "Unexpected endpoint or method. (POST /v1/chat/completions)"}
    with pytest.raises(
        ModelFailure, match=r"HTTP 200 with error 404: Unexpected endpoint .*; HTTP"
    ):
        draw(ms.always(ms.other_json(unknown)))


def test_a_model_that_is_not_there_is_not_looked_for_at_another_address() -> None:
    with pytest.raises(ModelFailure) as refused:
        draw(ms.always(ms.not_found()))
    assert " at http" not in str(refused.value)


@pytest.mark.parametrize(
    "end", ["", "/", "/openai", "/openai/deployments/test/chat/completions", "/openai/v1/"]
)
def test_an_endpoint_of_azure_may_end_in_any_of_the_usual_ways(end: str) -> None:
    with ms.ModelServer() as server:
        url = server.root_url + end
        keys = {"AZURE_OPENAI_ENDPOINT": url, "AZURE_OPENAI_API_KEY": KEY}
        model = make("openai", server, keys, base_url=None)

        async def work() -> None:
            await model.sample(PROMPT)
            await model.aclose()

        asyncio.run(work())
    (one,) = server.served
    assert one.path in (
        "/openai/deployments/test/chat/completions",
        "/openai/v1/chat/completions",
    )


def test_a_known_company_is_not_asked_without_its_own_key() -> None:
    with ms.ModelServer() as server:
        with pytest.raises(ConfigError, match="no key for openai:test: set OPENROUTER_API_KEY"):
            make("openai", server, base_url="https://openrouter.ai/api/v1")


def test_a_server_of_ones_own_needs_no_key() -> None:
    async def work(server: ms.ModelServer) -> None:
        model = make("openai", server, {})
        await model.sample(PROMPT)
        await model.aclose()

    with ms.ModelServer() as server:
        asyncio.run(work(server))
    assert server.served[0].authorization == "Bearer no-key"
