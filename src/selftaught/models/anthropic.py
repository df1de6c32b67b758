"""`anthropic:MODEL`: Anthropic's Claude models, with the official SDK (`selftaught[anthropic]`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selftaught.core.budget import Usage
from selftaught.core.errors import ConfigError
from selftaught.core.language_model import Completions, ModelServices, Prompt
from selftaught.models.chat import (
    CONNECT_S,
    LONGEST_TEXT,
    ChatModel,
    check_arguments,
    check_url,
    plausible,
)
from selftaught.models.faults import broken_answer
from selftaught.models.keys import find_key
from selftaught.models.prices import Tokens, find_prices

VARIABLES = ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL")
_MOST_TEMPERATURE = 1.0  # of the messages protocol


class AnthropicModel(ChatModel):
    """A model behind the messages protocol, which answers once a request."""

    path = "/v1/messages"
    samples_per_request = 1

    async def sample(self, prompt: Prompt) -> Completions:
        body = self._body(prompt)
        answer = await self.ask(body, {"temperature"} - set(self.args))
        text = _text(self.name, answer)
        usage, cost_usd = self._counted(prompt, answer, text)
        model = answer.get("model")
        return Completions(
            texts=(text,),
            usage=usage,
            model=model if isinstance(model, str) else self.name,
            cost_usd=cost_usd,
            finishes=(str(answer.get("stop_reason") or "unknown")[:40],),
        )

    def _body(self, prompt: Prompt) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": "user", "content": prompt.user}],
            "max_tokens": prompt.max_tokens,
        }
        if prompt.system:
            body["system"] = prompt.system
        if "temperature" not in self.refused:
            body["temperature"] = min(_MOST_TEMPERATURE, prompt.temperature)
        if self.settings.reasoning_effort is not None:
            body["output_config"] = {"effort": self.settings.reasoning_effort}
        return body | self.args

    def _counted(
        self, prompt: Prompt, answer: Mapping[str, Any], text: str
    ) -> tuple[Usage | None, float | None]:
        said = answer.get("usage")
        said = said if isinstance(said, Mapping) else {}
        read, written = (
            count if isinstance(count := said.get(name), int) and count > 0 else 0
            for name in ("cache_read_input_tokens", "cache_creation_input_tokens")
        )
        into = said.get("input_tokens")
        into = into + read + written if isinstance(into, int) else into
        usage = plausible(prompt, into, said.get("output_tokens"), text)
        if usage is None:
            return None, None
        tokens = Tokens(usage.tokens_in, usage.tokens_out, read, written)
        return usage, self.usd(tokens)


def create(model: str, services: ModelServices) -> AnthropicModel:
    """The factory for `anthropic:...`. Raises: ConfigError."""
    try:
        import anthropic
    except ImportError:
        raise ConfigError(
            "the SDK of anthropic: is not installed: pip install 'selftaught[anthropic]'"
        ) from None
    settings = services.settings
    check_arguments(settings)
    url = settings.base_url or services.environment.get("ANTHROPIC_BASE_URL") or None
    check_url(url)
    if url is not None:
        url = url.rstrip("/").removesuffix("/v1")  # the SDK's paths have it
    name = f"anthropic:{model}"
    key = find_key(services, ["ANTHROPIC_API_KEY"], provider=name, needed=url is None)
    client = anthropic.AsyncAnthropic(
        api_key=key,
        base_url=url,
        max_retries=0,
        timeout=anthropic.Timeout(settings.timeout_s + CONNECT_S, connect=CONNECT_S),
        http_client=anthropic.DefaultAioHttpClient(),
    )
    prices = find_prices(settings, model, provider="anthropic", url=url)
    error = anthropic.AnthropicError
    return AnthropicModel(name, model, client, error, settings, prices, key)


def _text(name: str, answer: Mapping[str, Any]) -> str:
    """All text of an answer; empty where it holds none, such as a refusal."""
    content = answer.get("content")
    if not isinstance(content, list):
        raise broken_answer(name, "without content")
    parts = (part.get("text") for part in content if isinstance(part, Mapping))
    return "".join(part for part in parts if isinstance(part, str))[:LONGEST_TEXT]
