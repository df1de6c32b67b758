"""A model behind OpenAI's protocol, asked over real HTTP: by the official client, and by others."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
import openai
import pytest
from openai.types.chat import ChatCompletion

from selftaught.core.budget import Usage
from selftaught.core.errors import ConfigError, InfrastructureError
from selftaught.core.language_model import Completions, FreeModel, LanguageModel, Prompt
from selftaught.core.ports import Sandbox
from selftaught.executors.local import LocalExecutor
from selftaught.models.mutator import Mutator
from selftaught.web.chat_server import MAX_BODY_BYTES, chat_app
from selftaught.web.listening import serve
from selftaught_guest.helpers import extract_code

T = TypeVar("T")

NAME = "fake:model"
HOST = "127.0.0.1"
LOGGER = "selftaught.web.chat_server"


def numbered(prompt: Prompt) -> list[str]:
    return [f"{prompt.user} {seed}" for seed in prompt.seeds]


@dataclass
class FakeModel(FreeModel):
    """Answers with what `answer` makes of the prompt, and remembers the prompts."""

    answer: Callable[[Prompt], Any] = numbered
    name: str = NAME
    prompts: list[Prompt] = field(default_factory=list)

    async def sample(self, prompt: Prompt) -> Completions:
        self.prompts.append(prompt)
        texts = self.answer(prompt)
        if isinstance(texts, Awaitable):
            texts = await texts
        return Completions(tuple(texts), Usage(tokens_in=5, tokens_out=7), self.name)


def failing(error: Exception) -> FakeModel:
    def answer(prompt: Prompt) -> list[str]:
        raise error

    return FakeModel(answer)


@dataclass
class Server:
    """A server that is up, and its clients."""

    url: str
    sdk: openai.AsyncOpenAI
    http: aiohttp.ClientSession

    async def chat(self, text: str = "hello", **more: Any) -> ChatCompletion:
        message = {"role": "user", "content": text}
        body: dict[str, Any] = {"model": "model", "messages": [message], **more}
        reply = await self.sdk.chat.completions.create(**body)
        assert isinstance(reply, ChatCompletion)
        return reply

    async def texts(self, text: str = "hello", **more: Any) -> list[str | None]:
        return [choice.message.content for choice in (await self.chat(text, **more)).choices]

    async def raw(self, method: str, path: str, **how: Any) -> tuple[int, Any]:
        """Status and JSON of a response."""
        async with self.http.request(method, self.url + path, **how) as response:
            return response.status, await response.json()

    async def post(self, body: bytes) -> tuple[int, Any]:
        return await self.raw("POST", "/v1/chat/completions", data=io.BytesIO(body))


@asynccontextmanager
async def up(model: LanguageModel, name: str = NAME) -> AsyncIterator[Server]:
    app = chat_app(name, model.sample, max_tokens=99)
    async with serve(app, HOST, 0) as port:
        url = f"http://{HOST}:{port}"
        sdk = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
        async with sdk, aiohttp.ClientSession() as http:
            yield Server(url, sdk, http)


def served(model: LanguageModel, work: Callable[[Server], Coroutine[Any, Any, T]]) -> T:
    """What `work` comes to, with the model behind a server."""

    async def main() -> T:
        async with up(model) as server:
            return await work(server)

    return asyncio.run(asyncio.wait_for(main(), 60))


# --- answers --------------------------------------------------------------------------------------


def test_a_request_reaches_the_model_and_its_answer_comes_back() -> None:
    model = FakeModel()
    made = served(model, lambda server: server.chat(n=3, temperature=0.3, max_tokens=11))
    (prompt,) = model.prompts
    assert (prompt.user, prompt.n, prompt.temperature, prompt.max_tokens) == ("hello", 3, 0.3, 11)
    assert [choice.message.content for choice in made.choices] == numbered(prompt)
    assert made.usage is not None
    assert (made.usage.prompt_tokens, made.usage.completion_tokens) == (5, 7)
    assert made.usage.total_tokens == 12
    assert (made.object, made.model, made.system_fingerprint) == ("chat.completion", NAME, None)
    assert made.id.startswith("chatcmpl-")


def test_without_a_limit_of_tokens_the_servers_own_holds() -> None:
    model = FakeModel()
    served(model, lambda server: server.chat())
    assert model.prompts[0].max_tokens == 99


def test_with_a_seed_answers_are_the_same_again_and_without_one_they_are_not() -> None:
    async def work(server: Server) -> list[list[str | None]]:
        return [await server.texts(n=2, seed=seed) for seed in (1, 1, 2, None, None)]

    first, again, other, fresh, fresh_again = served(FakeModel(), work)
    assert first == again
    assert len({*first, *other, *fresh, *fresh_again}) == 8


def test_requests_are_answered_at_once() -> None:
    async def main() -> None:
        all_there = asyncio.Barrier(8)

        async def answer(prompt: Prompt) -> list[str]:
            async with all_there:
                return [prompt.user]

        async with up(FakeModel(answer)) as server:
            texts = [f"text {number}" for number in range(8)]
            answers = await asyncio.gather(*(server.texts(text) for text in texts))
            assert answers == [[text] for text in texts]

    asyncio.run(asyncio.wait_for(main(), 60))


def test_a_stream_brings_every_choice_and_the_usage() -> None:
    texts = ["a" * 3000, "b\n\nb ü"]

    async def work(server: Server) -> None:
        stream = await server.sdk.chat.completions.create(
            model=NAME,
            messages=[{"role": "user", "content": "hello"}],
            n=2,
            stream=True,
            stream_options={"include_usage": True},
        )
        content, roles, finishes, usages = ["", ""], [], [], []
        async for chunk in stream:
            usages += [chunk.usage] if chunk.usage else []
            for choice in chunk.choices:
                content[choice.index] += choice.delta.content or ""
                roles += [choice.index] if choice.delta.role else []
                finishes += [choice.finish_reason] if choice.finish_reason else []
        assert (content, roles, finishes) == (texts, [0, 1], ["stop", "stop"])
        assert [usage.total_tokens for usage in usages] == [12]

    served(FakeModel(lambda prompt: texts), work)


def test_a_stream_ends_with_its_sign() -> None:
    async def work(server: Server) -> None:
        body = {"model": NAME, "messages": [{"role": "user", "content": "x"}], "stream": True}
        url = f"{server.url}/v1/chat/completions"
        async with server.http.post(url, json=body) as response:
            assert response.content_type == "text/event-stream"
            events = (await response.text()).split("\n\n")
        assert events[-2:] == ["data: [DONE]", ""]
        chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-2]]
        assert [len(chunk["choices"]) for chunk in chunks] == [1, 1, 1]
        assert all("usage" not in chunk for chunk in chunks)

    served(FakeModel(), work)


def test_the_model_is_listed_and_shown() -> None:
    async def work(server: Server) -> None:
        assert [model.id async for model in server.sdk.models.list()] == [NAME]
        assert (await server.sdk.models.retrieve(NAME)).id == NAME
        assert (await server.sdk.models.retrieve("model")).id == NAME
        for name in ("gpt-5", "org/gpt-5"):
            with pytest.raises(openai.NotFoundError) as unknown:
                await server.sdk.models.retrieve(name)
            assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")

    served(FakeModel(), work)


def test_a_name_may_hold_slashes() -> None:
    async def main() -> None:
        async with up(FakeModel(), name="scripted:/tmp/a.json") as server:
            assert (await server.sdk.models.retrieve("scripted:/tmp/a.json")).owned_by
            status, shown = await server.raw("GET", "/v1/models/scripted:/tmp/a.json")
            assert (status, shown["id"]) == (200, "scripted:/tmp/a.json")

    asyncio.run(asyncio.wait_for(main(), 60))


def test_the_prefix_may_be_left_out() -> None:
    async def work(server: Server) -> None:
        bare = server.sdk.with_options(base_url=server.url)
        message: Any = {"role": "user", "content": "x"}
        assert (await bare.chat.completions.create(model=NAME, messages=[message])).choices
        assert [model.id async for model in bare.models.list()] == [NAME]
        assert (await bare.models.retrieve(NAME)).id == NAME

    served(FakeModel(), work)


def test_the_servers_health_can_be_asked() -> None:
    assert served(FakeModel(), lambda s: s.raw("GET", "/health")) == (200, {"status": "ok"})


def test_the_embedded_model_edits_the_program_that_it_is_given(any_sandbox: Sandbox) -> None:
    program = "def algorithm(x):\n    return 3 * x + 1\n"
    text = f"Improve this:\n```python\n{program}```\n"

    async def main() -> None:
        async with LocalExecutor(any_sandbox, candidates=1, outer=1, inner=1).running() as executor:
            async with up(Mutator(executor), name="local:mutator") as server:
                asked: dict[str, Any] = {"model": "mutator", "n": 6, "seed": 4}
                made = await server.chat(text, **asked)
                codes = [extract_code(choice.message.content or "") for choice in made.choices]
                assert all(code is not None and "def algorithm" in code for code in codes)
                assert any(code != program for code in codes)
                assert made.usage is not None
                assert made.usage.completion_tokens > 0
                again = await server.chat(text, **asked)
                assert again.choices == made.choices
                assert (await server.chat(text, **asked | {"seed": 5})).choices != made.choices

    asyncio.run(asyncio.wait_for(main(), 60))


# --- errors ---------------------------------------------------------------------------------------

REFUSED: list[tuple[dict[str, Any], type[openai.APIStatusError], str]] = [
    ({"n": 0}, openai.BadRequestError, "n"),
    ({"temperature": 3}, openai.BadRequestError, "temperature"),
    ({"seed": "x"}, openai.BadRequestError, "seed"),
    ({"messages": [{"role": "tool", "content": ""}]}, openai.BadRequestError, "messages[0].role"),
    ({"model": "gpt-5"}, openai.NotFoundError, "model"),
]


@pytest.mark.parametrize(("wrong", "kind", "param"), REFUSED)
def test_a_wrong_request_is_the_clients_own_kind_of_error(
    wrong: dict[str, Any], kind: type[openai.APIStatusError], param: str
) -> None:
    model = FakeModel()

    async def work(server: Server) -> None:
        for stream in (False, True):
            with pytest.raises(kind) as refused:
                await server.chat(**wrong, stream=stream)
            assert refused.value.param == param
            assert refused.value.type == "invalid_request_error"

    served(model, work)
    assert model.prompts == []


def error_of(answer: tuple[int, Any]) -> tuple[int, dict[str, Any]]:
    status, body = answer
    assert list(body) == ["error"]
    assert list(body["error"]) == ["message", "type", "param", "code"]
    assert body["error"]["type"] == ("server_error" if status >= 500 else "invalid_request_error")
    return status, body["error"]


PATHS = [
    ("GET", "/nowhere", 404, "Unknown request URL: GET /nowhere."),
    ("POST", "/v1", 404, "Unknown request URL: POST /v1."),
    ("GET", "/v1/chat/completions", 405, "Not allowed: GET /v1/chat/completions."),
    ("DELETE", "/models", 405, "Not allowed: DELETE /models."),
]


@pytest.mark.parametrize(("method", "path", "status", "said"), PATHS)
def test_paths_and_methods_that_are_not_there(
    method: str, path: str, status: int, said: str
) -> None:
    found, error = error_of(served(FakeModel(), lambda server: server.raw(method, path)))
    assert found == status
    assert error["message"].startswith(said)


BODIES: list[tuple[dict[str, Any], int, str]] = [
    ({"data": b"{"}, 400, "no valid JSON"),
    ({}, 400, "no valid JSON"),
    ({"data": b"[]"}, 400, "Invalid body"),
    ({"data": b"{}", "headers": {"Content-Encoding": "gzip"}}, 400, "cannot be decoded"),
]


@pytest.mark.parametrize(("how", "status", "said"), BODIES, ids=lambda value: str(value)[:40])
def test_bodies_that_cannot_be_read(how: dict[str, Any], status: int, said: str) -> None:
    path = "/v1/chat/completions"
    found, error = error_of(served(FakeModel(), lambda server: server.raw("POST", path, **how)))
    assert found == status
    assert said in error["message"]


def test_a_body_may_have_8_megabytes_and_no_more() -> None:
    def body(text: str) -> bytes:
        message = {"role": "user", "content": text}
        return json.dumps({"model": NAME, "messages": [message]}).encode()

    text = "x" * (MAX_BODY_BYTES - len(body("")))
    model = FakeModel(lambda prompt: [prompt.user])
    status, answer = served(model, lambda server: server.post(body(text)))
    assert status == 200
    assert answer["choices"][0]["message"]["content"] == text
    status, error = error_of(served(model, lambda server: server.post(body(text + "x"))))
    assert (status, error["code"]) == (413, "request_too_large")
    assert "8 MB at most" in error["message"]
    assert len(model.prompts) == 1


@pytest.mark.parametrize(("retryable", "status", "requests"), [(True, 503, 2), (False, 500, 1)])
def test_a_failure_of_the_model_is_told_and_clients_know_whether_to_ask_again(
    retryable: bool, status: int, requests: int
) -> None:
    model = failing(InfrastructureError("the provider is down", retryable=retryable))

    async def work(server: Server) -> None:
        server.sdk = server.sdk.with_options(max_retries=1)
        with pytest.raises(openai.InternalServerError) as failed:
            await server.chat()
        assert failed.value.status_code == status
        assert failed.value.type == "server_error"
        assert failed.value.body == {
            "message": "the provider is down",
            "type": "server_error",
            "param": None,
            "code": None,
        }

    served(model, work)
    assert len(model.prompts) == requests


def test_what_nobody_expected_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    async def work(server: Server) -> None:
        for stream in (False, True):
            with pytest.raises(openai.InternalServerError) as failed:
                await server.chat(stream=stream)
            assert failed.value.status_code == 500
            assert "secret" not in failed.value.response.text
            assert "Traceback" not in failed.value.response.text

    with caplog.at_level(logging.ERROR, LOGGER):
        served(failing(ZeroDivisionError("a secret")), work)
    assert [record.getMessage() for record in caplog.records] == [
        "POST /v1/chat/completions failed"
    ] * 2
    assert "ZeroDivisionError: a secret" in caplog.text


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://evil.example", 403),
        ("http://localhost.evil.example", 403),
        ("null", 403),
        ("http://[", 403),
        ("http://localhost:3000", 200),
        ("http://127.0.0.1", 200),
        ("http://[::1]:8000", 200),
    ],
)
def test_web_pages_of_other_hosts_may_not_use_the_server(origin: str, status: int) -> None:
    def work(server: Server) -> Coroutine[Any, Any, tuple[int, Any]]:
        return server.raw("GET", "/v1/models", headers={"Origin": origin})

    assert served(FakeModel(), work)[0] == status


# --- clients that leave, and the end --------------------------------------------------------------


@dataclass
class Slow:
    """An answer that never comes; says when it was asked for, and when it was cancelled."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    put_away: bool = False

    async def __call__(self, prompt: Prompt) -> list[str]:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()
            await asyncio.sleep(0.1)  # a second cancellation would be raised here
            self.put_away = True
        return []


def test_a_client_that_leaves_cancels_its_work() -> None:
    async def main() -> None:
        slow = Slow()
        async with up(FakeModel(slow)) as server:
            request = asyncio.create_task(server.chat())
            await slow.asked.wait()
            request.cancel()
            await slow.cancelled.wait()
            assert (await server.raw("GET", "/health"))[0] == 200

    asyncio.run(asyncio.wait_for(main(), 60))


def test_a_client_that_breaks_off_leaves_the_others_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        slow = Slow()

        def answer(prompt: Prompt) -> Any:
            return slow(prompt) if prompt.user == "slow" else [prompt.user]

        async with up(FakeModel(answer)) as server:
            request = asyncio.create_task(server.chat("slow"))
            await slow.asked.wait()
            assert await server.texts("quick") == ["quick"]
            assert not slow.cancelled.is_set()
            request.cancel()
            await slow.cancelled.wait()

    with caplog.at_level(logging.WARNING):
        asyncio.run(asyncio.wait_for(main(), 60))
    assert caplog.records == []


def test_a_client_that_leaves_a_stream_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async def work(server: Server) -> None:
        body = {"model": NAME, "messages": [{"role": "user", "content": "x"}], "stream": True}
        url = f"{server.url}/v1/chat/completions"
        async with server.http.post(url, json=body) as response:
            await response.content.readany()
            response.close()
        assert (await server.raw("GET", "/health"))[0] == 200

    with caplog.at_level(logging.WARNING):
        served(FakeModel(lambda prompt: ["x" * 10_000_000]), work)
    assert caplog.records == []


def test_at_the_end_open_work_is_cancelled_once_and_may_put_away_what_it_holds() -> None:
    async def main() -> None:
        slow = Slow()
        async with serve(chat_app(NAME, FakeModel(slow).sample, max_tokens=9), HOST, 0) as port:
            url = f"http://{HOST}:{port}"
            sdk = openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0)
            message: Any = {"role": "user", "content": "x"}
            request = asyncio.create_task(
                sdk.chat.completions.create(model=NAME, messages=[message])
            )
            await slow.asked.wait()
        assert slow.put_away
        with pytest.raises(openai.APIConnectionError):
            await request
        await sdk.close()

    asyncio.run(asyncio.wait_for(main(), 60))


async def _serve_shortly(host: str, port: int) -> None:
    async with serve(chat_app(NAME, FakeModel().sample, max_tokens=9), host, port):
        pass


def test_a_port_in_use_is_a_wrong_configuration() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"cannot listen on {HOST}:{port}: .* in use"):
            asyncio.run(_serve_shortly(HOST, port))


@pytest.mark.parametrize("host", ["203.0.113.7", "a" * 100])
def test_a_host_that_is_not_here_is_a_wrong_configuration(host: str) -> None:
    with pytest.raises(ConfigError, match=f"cannot listen on {host}:0: "):
        asyncio.run(_serve_shortly(host, 0))
