"""OpenAI's chat-completions protocol by itself: what requests ask, and what replies look like."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from selftaught.core.budget import Usage
from selftaught.core.language_model import Completions, Prompt
from selftaught.web import chat_protocol
from selftaught.web.chat_protocol import ChatRequest, RequestRefused

NAME = "local:mutator"
HELLO = {"role": "user", "content": "hello"}


def read(**changes: Any) -> ChatRequest:
    body = {"model": NAME, "messages": [HELLO], **changes}
    return chat_protocol.read_request(json.dumps(body).encode(), NAME)


def prompt(**changes: Any) -> Prompt:
    numbers: Iterator[int] = itertools.count(1)
    return chat_protocol.make_prompt(read(**changes), max_tokens=100, fresh=lambda: next(numbers))


def reply(*texts: str, finishes: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
    answer = Completions(texts, Usage(tokens_in=3, tokens_out=4), "local:m", finishes=finishes)
    return chat_protocol.completion(
        read(n=len(texts), **changes), answer, id="chatcmpl-1", created=7
    )


def contents(made: dict[str, Any]) -> list[str]:
    return [choice["message"]["content"] for choice in made["choices"]]


# --- what a prompt holds --------------------------------------------------------------------------


def test_a_request_that_says_little_is_one_response_by_the_defaults() -> None:
    assert prompt() == Prompt("", "hello", n=1, temperature=1.0, max_tokens=100, seeds=(1,))


def test_null_is_like_nothing() -> None:
    names = ("n", "temperature", "max_tokens", "max_completion_tokens", "seed", "stop", "stream")
    assert prompt(**dict.fromkeys(names), stream_options=None) == prompt()


def test_what_is_not_known_here_is_passed_over() -> None:
    assert prompt(top_p=0.5, user="me", metadata={"a": [1]}, service_tier="auto") == prompt()


def test_a_whole_temperature_is_a_temperature() -> None:
    assert prompt(temperature=2).temperature == 2.0
    assert prompt(temperature=0).temperature == 0.0


def test_the_newer_name_of_the_token_limit_wins() -> None:
    assert prompt(max_tokens=5).max_tokens == 5
    assert prompt(max_tokens=5, max_completion_tokens=6).max_tokens == 6


def test_system_and_developer_messages_become_the_system_text() -> None:
    said = [("system", "Be brief."), ("user", "hello"), ("developer", "Be right.")]
    asked = prompt(messages=[{"role": role, "content": text} for role, text in said])
    assert (asked.system, asked.user) == ("Be brief.\n\nBe right.", "hello")


def test_several_turns_are_told_apart_by_their_roles() -> None:
    said = [("user", "one"), ("assistant", "two"), ("user", "three")]
    asked = prompt(messages=[{"role": role, "content": text} for role, text in said])
    assert asked.user == "user:\none\n\nassistant:\ntwo\n\nuser:\nthree"


def test_text_in_parts_is_joined() -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    assert prompt(messages=[{"role": "user", "content": parts}]).user == "one\ntwo"


# --- seeds ----------------------------------------------------------------------------------------


def test_seeds_derive_from_the_seed_the_messages_and_the_place() -> None:
    first = prompt(seed=1, n=4).seeds
    assert first == prompt(seed=1, n=4).seeds
    assert first[:2] == prompt(seed=1, n=2).seeds
    others = [
        prompt(seed=2, n=4).seeds,
        prompt(seed=1, n=4, messages=[HELLO, HELLO]).seeds,
        prompt(seed=1, n=4, messages=[{"role": "system", "content": "hello"}]).seeds,
    ]
    assert len({*first, *itertools.chain(*others)}) == 16
    assert all(0 <= seed < 1 << 63 for seed in first)


def test_without_a_seed_each_response_has_a_fresh_one() -> None:
    assert prompt(n=3).seeds == (1, 2, 3)


# --- what is refused ------------------------------------------------------------------------------

IMAGE = {"type": "image_url", "image_url": {"url": "data:"}}
TEXT = {"type": "text", "text": "x"}

WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"messages": []}, "messages", "invalid_value"),
    ({"messages": "hello"}, "messages", "invalid_type"),
    ({"messages": ["hello"]}, "messages[0]", "invalid_type"),
    ({"messages": [HELLO, {"role": "user"}]}, "messages[1].content", "missing_required_parameter"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role", "invalid_value"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "invalid_type"),
    ({"messages": [{"role": "assistant", "content": None}]}, "messages[0].content", "invalid_type"),
    ({"messages": [{"role": "user", "content": []}]}, "messages[0].content", "invalid_value"),
    (
        {"messages": [{"role": "user", "content": [TEXT, IMAGE]}]},
        "messages[0].content[1].type",
        "invalid_value",
    ),
    ({"n": 0}, "n", "invalid_value"),
    ({"n": 129}, "n", "invalid_value"),
    ({"n": "2"}, "n", "invalid_type"),
    ({"n": 2.0}, "n", "invalid_type"),
    ({"n": True}, "n", "invalid_type"),
    ({"temperature": "hot"}, "temperature", "invalid_type"),
    ({"temperature": 2.1}, "temperature", "invalid_value"),
    ({"temperature": -1}, "temperature", "invalid_value"),
    ({"temperature": float("nan")}, "temperature", "invalid_value"),
    ({"max_tokens": 0}, "max_tokens", "invalid_value"),
    ({"max_completion_tokens": "9"}, "max_completion_tokens", "invalid_type"),
    ({"seed": 1.5}, "seed", "invalid_type"),
    ({"seed": 1 << 63}, "seed", "invalid_value"),
    ({"stop": 3}, "stop", "invalid_type"),
    ({"stop": ["a", 3]}, "stop[1]", "invalid_type"),
    ({"stop": ["a", ""]}, "stop[1]", "invalid_value"),
    ({"stop": ["a"] * 65}, "stop", "invalid_value"),
    ({"stream": "yes"}, "stream", "invalid_type"),
    ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage", "invalid_type"),
    ({"model": 3}, "model", "invalid_type"),
]


@pytest.mark.parametrize(("changes", "param", "code"), WRONG, ids=lambda value: str(value)[:60])
def test_what_is_wrong_is_named(changes: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        read(**changes)
    error = refused.value
    assert (error.status, error.param, error.code) == (400, param, code)
    assert f"'{param}'" in str(error)


@pytest.mark.parametrize("missing", ["model", "messages"])
def test_what_is_missing_is_named(missing: str) -> None:
    body = {"model": NAME, "messages": [HELLO]}
    del body[missing]
    with pytest.raises(RequestRefused) as refused:
        chat_protocol.read_request(json.dumps(body).encode(), NAME)
    assert str(refused.value) == f"Missing required parameter: '{missing}'."
    assert (refused.value.status, refused.value.param) == (400, missing)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a": 1} x', b"[" * 100_000, b'"\\ud800"'])
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(RequestRefused, match="no valid JSON") as refused:
        chat_protocol.read_request(body, NAME)
    assert (refused.value.status, refused.value.param) == (400, None)


@pytest.mark.parametrize("body", [b"[]", b"3", b"null"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(RequestRefused, match="Invalid body") as refused:
        chat_protocol.read_request(body, NAME)
    assert (refused.value.status, refused.value.param) == (400, None)


def test_a_long_wrong_value_is_not_repeated_whole() -> None:
    with pytest.raises(RequestRefused) as refused:
        read(temperature="x" * 1_000_000)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("name", ["local:mutator", "mutator"])
def test_a_model_is_known_by_its_name_with_and_without_the_provider(name: str) -> None:
    assert read(model=name).model == name


@pytest.mark.parametrize("name", ["gpt-5", "", "local", "local:", "LOCAL:MUTATOR"])
def test_any_other_model_is_not_found(name: str) -> None:
    with pytest.raises(RequestRefused, match="does not exist") as refused:
        read(model=name)
    error = refused.value
    assert (error.status, error.param, error.code) == (404, "model", "model_not_found")


# --- replies --------------------------------------------------------------------------------------


def test_a_reply_is_what_the_protocol_says() -> None:
    made = reply("one", "two")
    read_back = ChatCompletion.model_validate(made, strict=True)
    assert (read_back.id, read_back.created, read_back.model) == ("chatcmpl-1", 7, "local:m")
    assert [choice.index for choice in read_back.choices] == [0, 1]
    assert [choice.message.content for choice in read_back.choices] == ["one", "two"]
    assert {choice.finish_reason for choice in read_back.choices} == {"stop"}
    assert made["usage"] == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    assert made["system_fingerprint"] is None


def test_usage_that_is_not_known_is_null() -> None:
    made = chat_protocol.completion(read(), Completions(("x",), None, "m"), id="i", created=0)
    assert made["usage"] is None
    *_, last = chat_protocol.chunks(made, with_usage=True)
    assert last["usage"] is None


def test_responses_beyond_those_asked_for_are_dropped() -> None:
    answer = Completions(("one", "two"), Usage(), "m")
    made = chat_protocol.completion(read(n=1), answer, id="i", created=0)
    assert contents(made) == ["one"]


def test_why_a_response_ended_is_told_in_the_words_of_the_protocol() -> None:
    finishes = ("stop", "length", "max_tokens", "content_filter", "end_turn")
    made = reply(*"abcdef", finishes=finishes)
    told = [choice["finish_reason"] for choice in made["choices"]]
    assert told == ["stop", "length", "length", "content_filter", "stop", "stop"]


def test_a_response_is_cut_at_the_first_stop_sequence_there_is() -> None:
    made = reply("a END b STOP c", "a b", finishes=("length", "length"), stop=["STOP", "END"])
    assert contents(made) == ["a ", "a b"]
    assert [choice["finish_reason"] for choice in made["choices"]] == ["stop", "length"]
    assert contents(reply("a END b", stop="END")) == ["a "]


@given(st.text("ab ", max_size=30), st.lists(st.text("ab ", min_size=1, max_size=3), max_size=4))
def test_a_cut_response_holds_no_stop_sequence_and_lacks_nothing_else(
    text: str, stops: list[str]
) -> None:
    (cut,) = contents(reply(text, stop=stops))
    assert text.startswith(cut)
    assert not any(stop in cut for stop in stops)
    assert cut == text or any(text[len(cut) :].startswith(stop) for stop in stops)


@given(st.lists(st.text(max_size=2000), min_size=1, max_size=4), st.booleans())
def test_the_chunks_of_a_stream_make_up_the_reply(texts: list[str], with_usage: bool) -> None:
    made = reply(*texts)
    chunks = [
        ChatCompletionChunk.model_validate_json(json.dumps(chunk))
        for chunk in chat_protocol.chunks(made, with_usage=with_usage)
    ]
    for index, text in enumerate(texts):
        mine = [c.choices[0] for c in chunks if c.choices and c.choices[0].index == index]
        assert [choice.delta.role for choice in mine if choice.delta.role] == ["assistant"]
        assert "".join(choice.delta.content or "" for choice in mine) == text
        assert [choice.finish_reason for choice in mine if choice.finish_reason] == ["stop"]
        assert (mine[0].delta.role, mine[-1].finish_reason) == ("assistant", "stop")
    usages = [chunk.usage for chunk in chunks if chunk.usage is not None]
    assert [usage.total_tokens for usage in usages] == ([7] if with_usage else [])
    assert {chunk.id for chunk in chunks} == {"chatcmpl-1"}


def test_an_event_is_one_line_whatever_the_text_holds() -> None:
    for chunk in chat_protocol.chunks(reply("a\n\nb\r\u2028\ud800"), with_usage=False):
        event = chat_protocol.event(chunk)
        assert event.startswith(b"data: {")
        assert event.endswith(b"}\n\n")
        assert event.count(b"\n") == 2
        assert json.loads(event.removeprefix(b"data: ")) == chunk
