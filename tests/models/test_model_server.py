"""The scripted provider, asked through the providers' own clients and through bare HTTP."""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import anthropic
import openai
import pytest
from anthropic.types import Message
from openai.types.chat import ChatCompletion

import model_server as ms
from model_server.exchange import text_bytes
from selftaught_guest.helpers import extract_code

KEY = "sk-a-key-of-nobody"
PROGRAM = "def algorithm(x):\n    return x + 1"
PROMPT = f"Improve this.\n```python\n{PROGRAM}\n```\nIt is short:\n```\npass\n```"
SHORT_S = 0.5


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert [thread.name for thread in threading.enumerate() if "model-server" in thread.name] == []


# --- clients ------------------------------------------------------------------------------------


def options(sdk: Any) -> dict[str, Any]:
    """Loading the certificates, which nothing needs here, would take half of the time."""
    http = sdk.DefaultAsyncHttpxClient(verify=False)
    return {"api_key": KEY, "max_retries": 0, "timeout": 30.0, "http_client": http}


async def chat(server: ms.ModelServer, **more: Any) -> ChatCompletion:
    client = openai.AsyncOpenAI(base_url=server.base_url, **options(openai))
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": PROMPT}], **more}
    async with client:
        answer: ChatCompletion = await client.chat.completions.create(**body)
        return answer


async def message(server: ms.ModelServer, **more: Any) -> Message:
    client = anthropic.AsyncAnthropic(base_url=server.anthropic_url, **options(anthropic))
    body: dict[str, Any] = {"messages": [{"role": "user", "content": PROMPT}], "max_tokens": 99}
    async with client:
        answer: Message = await client.messages.create(model="m", **{**body, **more})
        return answer


async def bare(
    server: ms.ModelServer, path: str = "/v1/chat/completions", **more: Any
) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body of a response."""
    body = {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": PROMPT}]}
    sent = {"data": json.dumps(body).encode(), **more}
    async with aiohttp.ClientSession() as session:
        async with session.post(server.root_url + path, **sent) as response:
            return response.status, response.headers, await response.read()


def faulty(fault: ms.Fault, **more: Any) -> tuple[ChatCompletion, ms.Served]:
    """An answer of OpenAI with the fault, and what the server says of it."""
    with ms.ModelServer(plan=ms.always(fault)) as server:
        answer = asyncio.run(chat(server, **more))
    return answer, server.served[0]


def failing(
    fault: ms.Fault, ask: Callable[..., Coroutine[Any, Any, object]] = chat, **more: Any
) -> tuple[Exception, ms.Served]:
    """What the client raises because of the fault, and what the server says of it."""
    with ms.ModelServer(plan=ms.always(fault)) as server:
        with pytest.raises(Exception) as caught:
            asyncio.run(ask(server, **more))
        server.wait_until_idle()
    (served,) = server.served
    assert served.fault == fault.name
    return caught.value, served


def text_of(answer: ChatCompletion, index: int = 0) -> str:
    text = answer.choices[index].message.content
    assert text is not None
    return text


def tokens(*texts: str) -> int:
    return sum(math.ceil(len(text_bytes(text)) / 4) for text in texts)


# --- answers ------------------------------------------------------------------------------------


def test_an_answer_holds_the_program_of_the_prompt_once_for_each_sample() -> None:
    with ms.ModelServer() as server:
        answer = asyncio.run(chat(server, n=3, temperature=0.7, seed=1))
    codes = [extract_code(choice.message.content or "") for choice in answer.choices]
    assert codes == [f"{PROGRAM}\n# variant 0.{index}" for index in range(3)]
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert {choice.finish_reason for choice in answer.choices} == {"stop"}


def test_without_a_program_in_the_prompt_the_answer_is_a_first_program() -> None:
    with ms.ModelServer() as server:
        answer = asyncio.run(chat(server, messages=[{"role": "user", "content": "Write one."}]))
    code = extract_code(text_of(answer))
    assert code == "def algorithm(*args):\n    return None\n# variant 0.0"


def test_a_reply_of_ones_own_knows_the_request_and_the_sample() -> None:
    with ms.ModelServer(
        reply=lambda number, body, index: f"{number} {body['model']} {index}"
    ) as server:
        asyncio.run(chat(server))
        answer = asyncio.run(chat(server, n=2))
    assert [text_of(answer, index) for index in range(2)] == ["1 m 0", "1 m 1"]


def test_the_bill_counts_the_messages_once_and_every_sample() -> None:
    with ms.ModelServer(reply=lambda number, body, index: "ä" * (index + 1)) as server:
        messages = [{"role": "system", "content": "12345"}, {"role": "user", "content": "äöü"}]
        answer = asyncio.run(chat(server, n=4, messages=messages))
    (served,) = server.served
    assert (served.billed, served.samples, served.tokens_in, served.tokens_out) == (True, 4, 3, 6)
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (3, 6)
    assert answer.usage.total_tokens == 9


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_an_answer_is_cut_at_the_longest_that_was_asked_for(name: str) -> None:
    with ms.ModelServer(reply=lambda number, body, index: "12345678ä") as server:
        cut = asyncio.run(chat(server, **{name: 2}))
        whole = asyncio.run(chat(server, **{name: 3}))
    assert (text_of(cut), cut.choices[0].finish_reason) == ("12345678", "length")
    assert (text_of(whole), whole.choices[0].finish_reason) == ("12345678ä", "stop")


def test_anthropic_gets_text_blocks_and_its_own_words() -> None:
    with ms.ModelServer() as server:
        answer = asyncio.run(message(server, system="You are an expert."))
        cut = asyncio.run(message(server, max_tokens=1))
    (block,) = answer.content
    assert block.type == "text"
    assert extract_code(block.text) == f"{PROGRAM}\n# variant 0.0"
    assert (answer.stop_reason, cut.stop_reason) == ("end_turn", "max_tokens")
    assert answer.usage.input_tokens == tokens("You are an expert." + PROMPT)
    assert answer.usage.output_tokens == tokens(block.text) == server.served[0].tokens_out


def test_azure_names_the_model_in_the_path_and_sends_a_key_of_its_own() -> None:
    async def ask() -> ChatCompletion:
        client = openai.AsyncAzureOpenAI(
            azure_endpoint=server.root_url, api_key=KEY, api_version="2024-10-21", max_retries=0
        )
        async with client:
            return await client.chat.completions.create(
                model="mine", messages=[{"role": "user", "content": PROMPT}]
            )

    with ms.ModelServer() as server:
        assert asyncio.run(ask()).model == "mine"
    (served,) = server.served
    assert served.path == "/openai/deployments/mine/chat/completions"
    assert (served.authorized, served.authorization) == (True, KEY)


def test_the_models_are_listed() -> None:
    async def ask() -> list[str]:
        async with openai.AsyncOpenAI(base_url=server.base_url, api_key=KEY) as client:
            return [model.id async for model in client.models.list()]

    with ms.ModelServer(models=["one", "two"]) as server:
        assert asyncio.run(ask()) == ["one", "two"]
    assert server.counts().requests == 0


def test_the_key_is_kept_as_it_came_and_is_not_shown() -> None:
    with ms.ModelServer() as server:
        asyncio.run(chat(server))
        asyncio.run(bare(server, "/v1/messages", headers={"X-API-Key": KEY}))
        asyncio.run(bare(server))
    assert [served.authorization for served in server.served] == [f"Bearer {KEY}", KEY, ""]
    assert [served.authorized for served in server.served] == [True, True, False]
    assert KEY not in repr(server.served)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None),
        (b"[]", None),
        (b'{"model": "m"}', "messages"),
        (b'{"model": "m", "messages": [{"role": "user", "content": 1}]}', "messages[0].content"),
        (b'{"model": "m", "messages": [{"content": "a"}], "n": 0}', "n"),
        (b'{"model": "m", "messages": [{"content": "a"}], "max_tokens": "1"}', "max_tokens"),
        (b'{"model": "m", "messages": [{"content": "a"}], "stream": true}', "stream"),
        (b'{"messages": [{"content": "a"}]}', None),
    ],
)
def test_a_wrong_request_is_refused_and_not_billed(body: bytes, param: str | None) -> None:
    with ms.ModelServer() as server:
        status, _, answer = asyncio.run(bare(server, data=body))
    assert status == 400
    assert json.loads(answer)["error"]["param"] == param
    assert (server.served[0].billed, server.served[0].fault) == (False, "")


def test_an_unknown_path_is_not_found() -> None:
    with ms.ModelServer() as server:
        assert asyncio.run(bare(server, "/v1/completions"))[0] == 404


# --- faults of the provider and of the connection -------------------------------------------------

STATUS_FAULTS = [
    (ms.rate_limited(), openai.RateLimitError, anthropic.RateLimitError, 429, False),
    (ms.server_error(), openai.InternalServerError, anthropic.InternalServerError, 500, False),
    (ms.overloaded(503), openai.InternalServerError, anthropic.InternalServerError, 503, False),
    (ms.overloaded(529), openai.InternalServerError, anthropic.InternalServerError, 529, False),
    (ms.gateway_timeout(), openai.InternalServerError, anthropic.InternalServerError, 504, True),
    (ms.bad_request("No."), openai.BadRequestError, anthropic.BadRequestError, 400, False),
    (ms.unauthorized(), openai.AuthenticationError, anthropic.AuthenticationError, 401, False),
    (ms.forbidden(), openai.PermissionDeniedError, anthropic.PermissionDeniedError, 403, False),
    (ms.not_found(), openai.NotFoundError, anthropic.NotFoundError, 404, False),
]


@pytest.mark.parametrize(
    ("fault", "of_openai", "of_anthropic", "status", "billed"),
    STATUS_FAULTS,
    ids=[f"{case[0].name}-{case[3]}" for case in STATUS_FAULTS],
)
def test_an_error_has_its_status_in_both_dialects(
    fault: ms.Fault,
    of_openai: type[openai.APIStatusError],
    of_anthropic: type[anthropic.APIStatusError],
    status: int,
    billed: bool,
) -> None:
    error, served = failing(fault)
    assert isinstance(error, of_openai)
    assert isinstance(error.body, dict)
    assert {"message", "type", "param", "code"} == set(error.body)
    assert (served.status, served.billed, served.whole) == (status, billed, True)

    error, served = failing(fault, message)
    assert isinstance(error, of_anthropic)
    assert isinstance(error.body, dict)
    assert error.body["type"] == "error"
    assert {"type", "message"} == set(error.body["error"])
    assert (served.status, served.billed, served.whole) == (status, billed, True)


def test_overloaded_is_what_each_provider_calls_it() -> None:
    assert failing(ms.overloaded())[1].status == 503
    assert failing(ms.overloaded(), message)[1].status == 529


def test_a_rate_limit_may_say_when_to_come_again() -> None:
    silent, _ = failing(ms.rate_limited())
    told, served = failing(ms.rate_limited_retry_after(7))
    assert isinstance(silent, openai.RateLimitError)
    assert isinstance(told, openai.RateLimitError)
    assert "retry-after" not in silent.response.headers
    assert told.response.headers["retry-after"] == "7"
    assert (told.code, served.billed) == ("rate_limit_exceeded", False)


def test_a_burst_of_server_errors_takes_the_next_requests_with_it() -> None:
    with ms.ModelServer(plan=ms.sequence([ms.server_error(burst=2)])) as server:
        statuses = [asyncio.run(bare(server))[0] for _ in range(5)]
    assert statuses == [500, 500, 500, 200, 200]
    assert server.counts().faults == {"server_error": 3}


@pytest.mark.parametrize("ask", [chat, message])
def test_a_connection_may_end_before_any_byte(ask: Any) -> None:
    error, served = failing(ms.drop_before_answer(), ask)
    assert isinstance(error, openai.APIConnectionError | anthropic.APIConnectionError)
    assert type(error.__cause__).__name__ == "RemoteProtocolError"
    assert (served.status, served.billed, served.disconnected) == (None, True, False)


def test_a_connection_may_be_reset_before_any_byte() -> None:
    with ms.ModelServer(plan=ms.always(ms.drop_before_answer(reset=True))) as server:
        with pytest.raises(aiohttp.ClientOSError, match="reset"):
            asyncio.run(bare(server))


def test_a_connection_may_end_in_the_middle_of_the_body() -> None:
    async def ask() -> tuple[int, bytes]:
        async with aiohttp.ClientSession() as session:
            body = {"model": "m", "messages": [{"role": "user", "content": PROMPT}]}
            async with session.post(f"{server.base_url}/chat/completions", json=body) as response:
                assert response.content_length is not None
                part = await response.content.read(response.content_length // 2)
                with pytest.raises(aiohttp.ClientPayloadError):
                    await response.content.read()
                return response.content_length, part

    with ms.ModelServer(plan=ms.always(ms.drop_mid_body())) as server:
        promised, part = asyncio.run(ask())
    assert len(part) == promised // 2
    assert part.startswith(b'{"id": "chatcmpl-0"')
    (served,) = server.served
    assert (served.status, served.whole, served.billed) == (200, False, True)
    assert isinstance(failing(ms.drop_mid_body())[0], openai.APIConnectionError)
    assert isinstance(failing(ms.drop_mid_body(), message)[0], anthropic.APIConnectionError)


@pytest.mark.parametrize("ask", [chat, message])
def test_half_a_json_text_may_come_as_a_whole_body(ask: Any) -> None:
    error, served = failing(ms.malformed_json(), ask)
    assert isinstance(error, json.JSONDecodeError)
    assert (served.status, served.whole, served.billed) == (200, True, True)


def test_a_page_may_come_in_place_of_json() -> None:
    with ms.ModelServer(plan=ms.always(ms.not_json())) as server:
        status, headers, body = asyncio.run(bare(server))
    assert (status, headers["content-type"], body[:9]) == (200, "text/html", b"<!DOCTYPE")
    assert server.served[0].billed


@pytest.mark.parametrize("value", [None, [], {}, {"error": {"message": "Upstream failed."}}])
def test_other_json_may_come_than_an_answer(value: Any) -> None:
    with ms.ModelServer(plan=ms.always(ms.other_json(value))) as server:
        status, _, body = asyncio.run(bare(server))
    assert (status, json.loads(body)) == (200, value)
    assert server.served[0].billed


def test_a_slow_answer_comes_late_and_is_billed_also_if_nobody_waits() -> None:
    answer, served = faulty(ms.slow(0.3))
    assert text_of(answer)
    assert served.ended_s - served.started_s >= 0.3
    error, served = failing(ms.slow(30), timeout=SHORT_S)
    assert isinstance(error, openai.APITimeoutError)
    assert (served.billed, served.disconnected, served.status) == (True, True, None)
    assert served.ended_s - served.started_s < 5


def test_a_trickling_answer_outlasts_the_time_limit_of_a_client_that_waits_for_each_byte() -> None:
    answer, served = faulty(ms.trickle(1.5 * SHORT_S), timeout=SHORT_S)
    assert text_of(answer)
    assert served.ended_s - served.started_s >= 1.5 * SHORT_S
    assert served.whole


def test_an_answer_that_never_comes_ends_with_the_client() -> None:
    error, served = failing(ms.never(), timeout=SHORT_S)
    assert isinstance(error, openai.APITimeoutError)
    assert (served.billed, served.disconnected, served.whole) == (True, True, False)
    assert served.tokens_out > 0


def test_latency_is_for_answers_and_not_for_refusals() -> None:
    plan = ms.sequence([ms.rate_limited(), None])
    with ms.ModelServer(plan=plan, latency_s=0.2) as server:
        asyncio.run(bare(server))
        asyncio.run(bare(server))
    refused, answered = (served.ended_s - served.started_s for served in server.served)
    assert refused < 0.2 <= answered


# --- faults of the answer -----------------------------------------------------------------------


def test_an_answer_may_have_no_choices() -> None:
    answer, served = faulty(ms.empty_choices())
    assert answer.choices == []
    assert (served.billed, served.samples, served.tokens_out) == (True, 0, 0)
    assert served.tokens_in > 0


def test_a_text_may_be_null() -> None:
    answer, served = faulty(ms.null_content(), n=2)
    assert [choice.message.content for choice in answer.choices] == [None, None]
    assert (served.billed, served.tokens_out) == (True, 0)


def test_a_text_may_be_cut() -> None:
    answer, served = faulty(ms.finish_length())
    assert answer.choices[0].finish_reason == "length"
    assert served.tokens_out == tokens(text_of(answer))


def test_a_text_may_be_filtered() -> None:
    answer, served = faulty(ms.content_filter())
    assert (text_of(answer), answer.choices[0].finish_reason) == ("", "content_filter")
    assert served.billed


def test_a_tool_may_be_called_that_nobody_offered() -> None:
    answer, served = faulty(ms.tool_calls())
    (choice,) = answer.choices
    assert (choice.message.content, choice.finish_reason) == (None, "tool_calls")
    assert choice.message.tool_calls
    assert served.tokens_out > 0


def test_a_text_may_be_huge() -> None:
    answer, served = faulty(ms.huge(), max_tokens=10)
    assert len(text_of(answer)) == 2_000_000
    assert served.tokens_out == 10


def test_a_text_may_hold_lone_surrogates() -> None:
    answer, served = faulty(ms.lone_surrogates())
    text = text_of(answer)
    with pytest.raises(UnicodeEncodeError):
        text.encode()
    assert "\ud800" in text
    assert text.endswith("\udfff")
    assert served.tokens_out == tokens(text)


@pytest.mark.parametrize(
    ("fault", "indexes"),
    [
        (ms.fewer(), [0, 1]),
        (ms.more(), [0, 1, 2, 3, 4, 5]),
        (ms.duplicates(), [0, 0, 2, 3]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_there_may_be_other_choices_than_asked_for(fault: ms.Fault, indexes: list[int]) -> None:
    answer, served = faulty(fault, n=4)
    assert [choice.index for choice in answer.choices] == indexes
    assert served.samples == len(indexes)
    texts = [text_of(answer, place) for place in range(len(indexes))]
    assert served.tokens_out == tokens(*texts)


def test_at_least_one_choice_is_left_and_the_only_one_may_come_twice() -> None:
    assert len(faulty(ms.fewer())[0].choices) == 1
    assert [choice.index for choice in faulty(ms.duplicates())[0].choices] == [0, 0]


@pytest.mark.parametrize(
    ("variant", "check"),
    [
        ("missing", lambda told, true: told == "missing"),
        ("null", lambda told, true: told is None),
        ("zero", lambda told, true: told == 0),
        ("negative", lambda told, true: told < 0),
        ("absurd", lambda told, true: told == 10**12),
        ("strings", lambda told, true: told == str(true)),
        ("words", lambda told, true: told == "many"),
        ("null_numbers", lambda told, true: told is None),
    ],
)
@pytest.mark.parametrize(
    ("path", "field"),
    [("/v1/chat/completions", "completion_tokens"), ("/v1/messages", "output_tokens")],
)
def test_reported_usage_may_be_wrong_and_the_bill_stays_true(
    variant: Any, check: Callable[[Any, int], bool], path: str, field: str
) -> None:
    with ms.ModelServer(plan=ms.always(ms.wrong_usage(variant))) as server:
        usage = json.loads(asyncio.run(bare(server, path))[2]).get("usage", "missing")
    (served,) = server.served
    assert check(usage[field] if isinstance(usage, dict) else usage, served.tokens_out)
    assert served.tokens_out == tokens(ms.last_program(0, served.body, 0))


def test_the_faults_of_answers_have_their_form_in_anthropics_dialect() -> None:
    def ask(fault: ms.Fault) -> Message:
        with ms.ModelServer(plan=ms.always(fault)) as server:
            return asyncio.run(message(server))

    assert ask(ms.empty_choices()).content == []
    assert getattr(ask(ms.null_content()).content[0], "text", "") is None
    assert ask(ms.finish_length()).stop_reason == "max_tokens"
    filtered = ask(ms.content_filter())
    assert (filtered.content, filtered.stop_reason) == ([], "refusal")
    tool = ask(ms.tool_calls())
    assert ([block.type for block in tool.content], tool.stop_reason) == (["tool_use"], "tool_use")
    assert len(ask(ms.more()).content) == 3


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", [chat, message])
def test_an_unknown_key_is_repeated_in_full(ask: Any) -> None:
    assert KEY in str(failing(ms.unauthorized(), ask)[0])


def test_a_parameter_may_be_refused_wherever_it_is_sent() -> None:
    error, _ = failing(ms.refuses_parameter("max_tokens"), max_tokens=9)
    assert isinstance(error, openai.BadRequestError)
    assert (error.param, error.code) == ("max_tokens", "unsupported_parameter")
    assert "Use 'max_completion_tokens' instead." in str(error)
    answer, served = faulty(ms.refuses_parameter("max_tokens"), max_completion_tokens=9)
    assert answer.choices[0].finish_reason == "length"
    assert served.fault == ""


@pytest.mark.parametrize(("name", "value"), [("temperature", 0.7), ("n", 2)])
def test_a_value_may_be_refused_and_the_default_is_not(name: str, value: float) -> None:
    error, _ = failing(ms.refuses_value(name), chat, **{name: value})
    assert isinstance(error, openai.BadRequestError)
    assert (error.param, error.code) == (name, "unsupported_value")
    assert f"'{name}' does not support {value}" in str(error)
    assert faulty(ms.refuses_value(name), **{name: 1})[1].fault == ""
    assert faulty(ms.refuses_value(name))[1].fault == ""


def test_a_refusal_may_have_words_only() -> None:
    fault = ms.refuses_parameter("seed", named=False, message="Extra inputs are not permitted")
    error, _ = failing(fault, seed=1)
    assert isinstance(error, openai.BadRequestError)
    assert error.body == {
        "message": "Extra inputs are not permitted",
        "type": "invalid_request_error",
    }


def test_anthropic_says_in_words_which_parameter_it_refuses() -> None:
    error, _ = failing(
        ms.refuses_parameter("temperature"), message, extra_body={"temperature": 0.7}
    )
    assert "`temperature` is deprecated for this model." in str(error)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (ms.bad_request("No.", "messages", "a_code"), 400, "a_code"),
        (ms.context_too_long(), 400, "context_length_exceeded"),
        (ms.prompt_filtered(), 400, "content_filter"),
        (ms.insufficient_quota(), 429, "insufficient_quota"),
        (ms.unauthorized(), 401, "invalid_api_key"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_refusal_has_the_code_of_its_kind(fault: ms.Fault, status: int, code: str) -> None:
    error, served = failing(fault)
    assert isinstance(error, openai.APIStatusError)
    assert (error.status_code, error.code, served.billed) == (status, code, False)
    assert served.tokens_in == served.tokens_out == served.samples == 0


# --- plans and counts ---------------------------------------------------------------------------


def test_a_sequence_ends_in_a_provider_without_faults() -> None:
    plan = ms.sequence([ms.rate_limited(), None, ms.server_error()])
    with ms.ModelServer(plan=plan) as server:
        statuses = [asyncio.run(bare(server))[0] for _ in range(4)]
    assert statuses == [429, 200, 500, 200]


def test_a_random_plan_follows_from_its_seed_and_keeps_its_rate() -> None:
    def drawn(seed: int) -> list[str]:
        faults = map(ms.at_random(0.2, seed), range(4000), [{}] * 4000)
        return [fault.name if fault else "" for fault in faults]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 0.17 < sum(map(bool, drawn(1))) / 4000 < 0.23
    assert set(drawn(1)) == {"", *(fault.name for fault in ms.ALL)}


def test_a_rate_above_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not 1\.5"):
        ms.at_random(1.5, 0)


def test_the_counts_hold_for_many_requests_at_once_and_clients_that_leave() -> None:
    async def ask() -> None:
        async with aiohttp.ClientSession() as session:

            async def one(place: int) -> int:
                limit = aiohttp.ClientTimeout(total=0.6 if place % 4 == 3 else 30)
                body = {"model": "m", "n": 2, "messages": [{"role": "user", "content": "12345"}]}
                body["place"] = place
                url = f"{server.base_url}/chat/completions"
                async with session.post(url, json=body, timeout=limit) as response:
                    await response.read()
                    return response.status

            results = await asyncio.gather(*map(one, range(40)), return_exceptions=True)
            assert sum(isinstance(result, TimeoutError) for result in results) == 10
            assert results.count(200) == 20
            assert results.count(429) == 10

    faults: Mapping[int, ms.Fault | None] = {0: None, 1: ms.rate_limited(), 2: None, 3: ms.never()}
    with ms.ModelServer(
        plan=lambda number, body: faults[body["place"] % 4],
        reply=lambda number, body, index: "123456789",
        latency_s=0.1,
    ) as server:
        asyncio.run(ask())
        server.wait_until_idle()
        counts = server.counts()
    assert (counts.requests, counts.under_way, counts.answered) == (40, 0, 20)
    assert counts.faults == {"never": 10, "rate_limited": 10}
    assert (counts.billed_requests, counts.billed_samples) == (30, 60)
    assert (counts.billed_tokens_in, counts.billed_tokens_out) == (60, 180)
    assert counts.disconnected == 10
    assert 30 <= counts.most_at_once <= 40
    assert [served.number for served in server.served] == list(range(40))
    assert [s.body["place"] % 4 == 3 for s in server.served] == [
        s.disconnected for s in server.served
    ]


def test_a_client_that_leaves_amid_a_large_answer_is_noticed() -> None:
    async def ask() -> None:
        async with aiohttp.ClientSession(read_bufsize=1024) as session:
            body = {"model": "m", "messages": [{"role": "user", "content": "a"}]}
            async with session.post(f"{server.base_url}/chat/completions", json=body) as response:
                await response.content.read(10)

    with ms.ModelServer(plan=ms.always(ms.huge(50_000_000))) as server:
        asyncio.run(ask())
        server.wait_until_idle()
    (served,) = server.served
    assert (served.disconnected, served.whole, served.billed) == (True, False, True)


def test_a_client_that_has_its_answer_finds_it_in_the_counts() -> None:
    async def ask() -> None:
        async with aiohttp.ClientSession() as session:
            body = {"model": "m", "messages": [{"role": "user", "content": "a"}]}
            for number in range(300):
                url = f"{server.base_url}/chat/completions"
                async with session.post(url, json=body) as response:
                    await response.read()
                assert len(server.served) == server.counts().answered == number + 1

    with ms.ModelServer(plan=ms.sequence([None] * 150 + [ms.huge(200_000)] * 150)) as server:
        asyncio.run(ask())


def test_long_runs_may_keep_the_counts_alone() -> None:
    with ms.ModelServer(keep_served=False) as server:
        asyncio.run(bare(server))
    assert (server.served, server.counts().answered) == ([], 1)


# --- life ---------------------------------------------------------------------------------------


def test_stopping_aborts_what_is_open_and_blames_no_client() -> None:
    async def ask() -> None:
        waiting = asyncio.ensure_future(bare(server))
        while not server.counts().under_way:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.to_thread(server.stop)
        with pytest.raises(aiohttp.ClientError):
            await waiting

    with ms.ModelServer(plan=ms.always(ms.never())) as server:
        started_s = time.monotonic()
        asyncio.run(ask())
        assert time.monotonic() - started_s < 2
    (served,) = server.served
    assert (served.billed, served.disconnected) == (True, False)


def test_a_provider_can_come_back_on_its_port() -> None:
    with ms.ModelServer() as first:
        asyncio.run(bare(first))
    with pytest.raises(aiohttp.ClientConnectorError):
        asyncio.run(bare(first))
    port = int(first.root_url.rpartition(":")[2])
    with ms.ModelServer(port=port) as second:
        assert second.root_url == first.root_url
        assert asyncio.run(bare(second))[0] == 200


def test_a_port_that_is_taken_is_an_error_at_the_start() -> None:
    with ms.ModelServer() as server:
        port = int(server.root_url.rpartition(":")[2])
        with pytest.raises(OSError, match=str(port)):
            ms.ModelServer(port=port).start()


def test_an_error_in_a_plan_is_raised_at_the_end() -> None:
    def plan(number: int, body: Mapping[str, Any]) -> ms.Fault | None:
        raise KeyError("a mistake in a test")

    with pytest.raises(KeyError, match="a mistake in a test"):
        with ms.ModelServer(plan=plan) as server:
            assert asyncio.run(bare(server))[0] == 500


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_on_its_own_until_a_signal_and_tells_its_counts(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "model_server"]
    options = ["--fail", "1", "--seed", "1", "--faults", "server_error", "overloaded"]
    environment = {**os.environ, "PYTHONPATH": str(Path(ms.__file__).parents[1])}
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        assert said["base_url"] == said["azure_url"] + "/v1"

        async def ask() -> tuple[int, dict[str, Any]]:
            async with aiohttp.ClientSession() as session:
                body = {"model": "m", "messages": [{"role": "user", "content": PROMPT}]}
                url = f"{said['base_url']}/chat/completions"
                async with session.post(url, json=body) as response:
                    status = response.status
                async with session.get(said["counts_url"]) as response:
                    return status, await response.json()

        status, counts = asyncio.run(ask())
        assert status in (500, 503)
        process.send_signal(number)
        assert json.loads(process.stdout.readline()) == counts
        assert process.wait(10) == 0
    assert (counts["requests"], counts["billed_requests"]) == (1, 0)
