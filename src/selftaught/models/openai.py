"""`openai:MODEL`: OpenAI, and every server that speaks its chat-completions protocol.

Answers are read leniently, field by field: many servers are only nearly of OpenAI's form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from selftaught.core.budget import Usage
from selftaught.core.language_model import Completions, ModelServices, Prompt
from selftaught.models.chat import (
    REASONING,
    ChatModel,
    addresses,
    check_arguments,
    check_url,
    plausible,
    read_content,
)
from selftaught.models.faults import ErrorInAnswer, read_fault
from selftaught.models.http import JsonClient
from selftaught.models.keys import KEYS_OF_HOSTS, find_key, is_loopback, variables_for
from selftaught.models.prices import Tokens, find_prices

# Which account of several pays.
_ACCOUNT = {"OPENAI_ORG_ID": "OpenAI-Organization", "OPENAI_PROJECT_ID": "OpenAI-Project"}
VARIABLES = (
    *_ACCOUNT,
    *("OPENAI_API_KEY", "OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT", "OPENAI_API_VERSION"),
    *sorted(set(KEYS_OF_HOSTS.values()) - {"OPENAI_API_KEY"}),
)
_OWN = "https://api.openai.com/v1"
CHAT_PATH = "/chat/completions"
# In a row: one alone may be a fault.
_SHORT_ANSWERS = 2
_MOST_SAMPLES = 128  # the protocol's bound of n
_AZURE_VERSION = "2024-10-21"
_LONGEST_TOKEN = 16  # letters, of many in a row
_SEED_BITS = 31  # what servers of all kinds take


@dataclass(eq=False, repr=False)
class OpenAIModel(ChatModel):
    """A model behind the chat-completions protocol.

    Attributes:
        is_openai: the company's own server, which wants the newer name of max_tokens.
    """

    holds = "choices"

    is_openai: bool
    _samples_per_request: int = field(init=False, default=_MOST_SAMPLES)
    _short_answers: int = field(init=False, default=0)

    @property
    def samples_per_request(self) -> int:
        return 1 if "n" in self.refused else self._samples_per_request

    async def sample(self, prompt: Prompt) -> Completions:
        body = self._body(prompt)
        answer = await self.ask(body, self._optional(body))
        texts, finishes, reasoned = self._choices(answer)
        usage, cost_usd = self._counted(prompt, answer, texts)
        notices = [self._learned(prompt.n, len(texts)), self.cut(prompt, usage)]
        if usage is not None and _is_of_one(usage, prompt, texts, finishes):
            usage, cost_usd = None, None
            self.refused.add("n")
            notices.append(
                f"{self.name} counts the tokens of one of several responses; it is asked for one"
            )
        model = answer.get("model")
        return Completions(
            texts=tuple(texts),
            usage=usage,
            model=model if isinstance(model, str) else self.name,
            cost_usd=cost_usd,
            finishes=tuple(finishes),
            reasoned=tuple(reasoned),
            notice="; ".join(filter(None, notices)),
        )

    def _learned(self, asked: int, brought: int) -> str:
        """Whether the server brings fewer responses a request than asked; what to tell, once."""
        if brought >= min(asked, self._samples_per_request):
            self._short_answers = 0
            return ""
        self._short_answers += brought > 0
        if self._short_answers < _SHORT_ANSWERS:
            return ""
        self._samples_per_request = brought
        return (
            f"{self.name} brings {brought} of {asked} responses a request; it is asked more often"
        )

    def _body(self, prompt: Prompt) -> dict[str, Any]:
        messages = [{"role": "user", "content": prompt.user}]
        if prompt.system:
            messages.insert(0, {"role": "system", "content": prompt.system})
        body: dict[str, Any] = {
            "model": self.model,
            "messages": messages,
            self._name_of_max_tokens(): prompt.max_tokens,
        }
        if prompt.n > 1:
            body["n"] = prompt.n
        if "temperature" not in self.refused:
            body["temperature"] = prompt.temperature
        if prompt.seeds and "seed" not in self.refused:
            body["seed"] = prompt.seeds[0] >> (63 - _SEED_BITS)
        if self.settings.reasoning_effort is not None:
            body["reasoning_effort"] = self.settings.reasoning_effort
        return body | self.args

    def _name_of_max_tokens(self) -> str:
        names = ("max_completion_tokens", "max_tokens")
        first, second = names if self.is_openai else names[::-1]
        return second if first in self.refused else first

    def _optional(self, body: Mapping[str, Any]) -> set[str]:
        """What the model may refuse, and do without; of the two names of max_tokens, one."""
        optional = {"n", "temperature", "seed"} - set(self.args)
        if not self.refused & {"max_tokens", "max_completion_tokens"}:
            optional.add(self._name_of_max_tokens())
        return optional & set(body)

    def _choices(self, answer: Mapping[str, Any]) -> tuple[list[str], list[str], list[bool]]:
        """Texts, why they ended, and whether there was reasoning besides; each place once."""
        texts: list[str] = []
        finishes: list[str] = []
        reasoned: list[bool] = []
        seen: set[int] = set()
        # Some keep their reasoning to themselves, and count it for all.
        is_hidden = _count(answer, "usage", "completion_tokens_details", "reasoning_tokens") > 0
        choices = [one for one in answer[self.holds] if isinstance(one, Mapping)]
        made = [choice for choice in choices if not choice.get("error")]
        if choices and not made:
            raise read_fault(ErrorInAnswer(choices[0]), name=self.name, secrets=self._secrets)
        for choice in made:
            place = choice.get("index")
            if isinstance(place, int):
                if place in seen:
                    continue  # the same once more
                seen.add(place)
            message = choice.get("message")
            message = message if isinstance(message, Mapping) else {}
            text, has_parts = read_content(message.get("content"))
            texts.append(text)
            finishes.append(str(choice.get("finish_reason") or "unknown")[:40])
            is_field = any(said and REASONING.search(name) for name, said in message.items())
            reasoned.append(is_hidden or has_parts or is_field)
        return texts, finishes, reasoned

    def _counted(
        self, prompt: Prompt, answer: Mapping[str, Any], texts: list[str]
    ) -> tuple[Any, float | None]:
        said = answer.get("usage")
        said = said if isinstance(said, Mapping) else {}
        into, out, total = (
            said.get(name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")
        )
        cached = (
            _count(said, "prompt_tokens_details", "cached_tokens")
            or _count(said, "prompt_cache_hit_tokens")
            or _count(said, "cached_tokens")
        )
        if isinstance(into, int) and isinstance(out, int):
            # Some count what was cached besides, and some reasoning in the total alone.
            into += cached if cached > into or total == into + cached + out else 0
            out = max(out, total - into) if isinstance(total, int) else out
        usage = plausible(prompt, into, out, *texts)
        if usage is None:
            return None, None
        return usage, self.usd(Tokens(usage.tokens_in, usage.tokens_out, cache_read=cached))


def _count(said: object, *names: str) -> int:
    """The number that stands there under these names; 0 if there is none."""
    for name in names:
        said = said.get(name) if isinstance(said, Mapping) else None
    return said if isinstance(said, int) and said > 0 else 0


def create(model: str, services: ModelServices) -> OpenAIModel:
    """The factory for `openai:...`. Raises: ConfigError."""
    settings = services.settings
    check_arguments(settings)
    url = settings.base_url or services.environment.get("OPENAI_BASE_URL") or None
    azure = services.environment.get("AZURE_OPENAI_ENDPOINT")
    if url is None and azure and not services.environment.get("OPENAI_API_KEY"):
        url = azure
    check_url(url)
    prices = find_prices(settings, model, provider="openai", url=url)
    name = f"openai:{model}"
    variables = variables_for(url, "OPENAI_API_KEY")
    is_azure = url is not None and (url == azure or "AZURE_OPENAI_API_KEY" in variables)
    if is_azure:
        variables = ["AZURE_OPENAI_API_KEY"]
    key = find_key(services, variables, url, provider=name)
    is_openai = url is None or is_azure or ("OPENAI_API_KEY" in variables and not is_loopback(url))
    places = [_OWN + CHAT_PATH] if url is None else addresses(url, CHAT_PATH)
    base = places[0].removesuffix(CHAT_PATH)
    headers = {"Authorization": f"Bearer {key}"}
    if is_azure and not base.endswith("/v1"):
        headers = {"api-key": key}
        places = [_of_deployment(base, model, services)]
    elif url is None or urlsplit(url).hostname == urlsplit(_OWN).hostname:
        said = {name: services.environment.get(one) for one, name in _ACCOUNT.items()}
        headers |= {name: value for name, value in said.items() if value}
    client = JsonClient(headers)
    return OpenAIModel(name, model, client, settings, prices, key, places, is_openai)


def _of_deployment(base: str, model: str, services: ModelServices) -> str:
    """The address in Azure's older form, which names the model and the version."""
    resource = re.sub(r"/openai(/deployments/[^/]+)?$", "", base)
    version = services.environment.get("OPENAI_API_VERSION") or _AZURE_VERSION
    deployment = f"{resource}/openai/deployments/{quote(model, safe='')}"
    return f"{deployment}{CHAT_PATH}?api-version={quote(version)}"


def _is_of_one(usage: Usage, prompt: Prompt, texts: list[str], finishes: list[str]) -> bool:
    """Whether the tokens out are too few for all responses: llama.cpp counts those of the first."""
    is_cut = usage.tokens_out == prompt.max_tokens and "length" in finishes
    is_short = usage.tokens_out < sum(map(len, texts)) // _LONGEST_TOKEN
    return len(texts) > 1 and (is_cut or is_short)
