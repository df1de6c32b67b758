"""How requests leave this machine: through which proxy, in whose name, and what of it is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import model_server as ms
from selftaught.core.language_model import ModelServices, ModelSettings, Prompt
from selftaught.models import anthropic, openai
from selftaught.models.faults import ProviderError
from selftaught.models.http import JsonClient, _proxy_for

KEYS = {f"{one}_API_KEY": f"sk-of-{one}" for one in ("OPENAI", "ANTHROPIC", "OPENROUTER")}
ACCOUNT = {"OPENAI_ORG_ID": "org-1", "OPENAI_PROJECT_ID": "proj-1"}


def headers(factory: Any, url: str | None = None) -> Any:
    nobody: Any = None
    settings = ModelSettings(base_url=url)
    made = factory.create("m", ModelServices(nobody, settings, KEYS | ACCOUNT))
    return made.client._headers


def test_the_account_that_pays_is_named_to_openai_and_to_nobody_else() -> None:
    own = headers(openai)
    assert (own["OpenAI-Organization"], own["OpenAI-Project"]) == ("org-1", "proj-1")
    for url in ("http://127.0.0.1:1/v1", "https://openrouter.ai/api/v1", "https://my.host/v1"):
        assert "org-1" not in str(headers(openai, url))
    assert "org-1" not in str(headers(anthropic))


def test_a_proxy_is_used_where_the_environment_says_so_and_never_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    assert _proxy_for("https://api.openai.com/v1/chat/completions") == "http://proxy.example:3128"
    assert _proxy_for("https://inside.example/v1/chat/completions") is None
    nobody: Any = None

    async def ask(url: str) -> tuple[str, ...]:
        services = ModelServices(nobody, ModelSettings(base_url=url, timeout_s=5.0))
        model = openai.create("m", services)
        try:
            return (await model.sample(Prompt("", "x = 1"))).texts
        finally:
            await model.aclose()

    with ms.ModelServer() as server:  # which the proxy could not be
        assert len(asyncio.run(ask(server.base_url))) == 1


@pytest.mark.parametrize(
    ("said", "body", "shown"),
    [
        (b'{"error": {"message": "No."}}', {"error": {"message": "No."}}, "500"),
        (b"<html>Bad gateway</html>", "<html>Bad gateway</html>", "Bad gateway"),
        (b"[" * 100_000, "[" * 100_000, "[["),
        (b"\xff", "\ufffd", "500"),
        (b"", "", "500"),
    ],
)
def test_what_comes_with_a_status_of_failure_is_read_whatever_it_is(
    said: bytes, body: object, shown: str
) -> None:
    error = ProviderError.of_status(500, said, {})
    assert error.body == body
    assert shown in str(error)


def test_a_client_that_asked_nobody_can_be_closed() -> None:
    asyncio.run(JsonClient({}).close())
