"""`anthropic:MODEL`: Anthropic's Claude models, and servers that speak their messages protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selftaught.core.budget import Usage
from selftaught.core.language_model import Completions, ModelServices, Prompt
from selftaught.models.chat import (
    ChatModel,
    addresses,
    check_arguments,
    check_url,
    plausible,
    read_content,
)
from selftaught.models.http import JsonClient
from selftaught.models.keys import find_key, variables_for
from selftaught.models.prices import Tokens, find_prices

VARIABLES = ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL")
_OWN = "https://api.anthropic.com"
_PATH = "/messages"
_VERSION = "2023-06-01"  # of the protocol; there has been no other since
_MOST_TEMPERATURE = 1.0  # of the messages protocol


class AnthropicModel(ChatModel):
    """A model behind the messages protocol, which answers once a request."""

    holds = "content"
    samples_per_request = 1

    async def sample(self, prompt: Prompt) -> Completions:
        body = self._body(prompt)
        answer = await self.ask(body, {"temperature"} - set(self.args))
        text, reasoned = read_content(answer[self.holds])
        usage, cost_usd = self._counted(prompt, answer, text)
        model = answer.get("model")
        return Completions(
            texts=(text,),
            usage=usage,
            model=model if isinstance(model, str) else self.name,
            cost_usd=cost_usd,
            finishes=(str(answer.get("stop_reason") or "unknown")[:40],),
            reasoned=(reasoned,),
            notice=self.cut(prompt, usage),
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
    settings = services.settings
    check_arguments(settings)
    url = settings.base_url or services.environment.get("ANTHROPIC_BASE_URL") or None
    check_url(url)
    name = f"anthropic:{model}"
    key = find_key(services, variables_for(url, "ANTHROPIC_API_KEY"), url, provider=name)
    client = JsonClient({"x-api-key": key, "anthropic-version": _VERSION})
    prices = find_prices(settings, model, provider="anthropic", url=url)
    places = [f"{_OWN}/v1{_PATH}"] if url is None else addresses(url, _PATH, adds_v1=True)
    return AnthropicModel(name, model, client, settings, prices, key, places)
