"""The port of language models, and what goes through it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from selftaught.core.budget import Usage
from selftaught.core.text import clean

if TYPE_CHECKING:  # who lists providers does not wait for numpy
    from selftaught.core.ports import Executor

_BYTES_PER_TOKEN = 4
_FEWEST_CHARS_PER_TOKEN = 3
_USUAL_CONTEXT = 32_768  # tokens, where nobody knows


def likely_tokens(*texts: str) -> int:
    """Tokens that texts have, about: English and programs, 4 bytes each. At most it is their bytes.

    Source: OpenAI's help article "What are tokens and how to count them?". Our tasks' descriptions,
    seeds and improvers have 3.8 bytes a token of GPT-4o's (o200k_base), from 3.3 to 4.8 each.
    """
    sizes = (len(text.encode("utf-8", "replace")) for text in texts)
    return sum(-(-size // _BYTES_PER_TOKEN) for size in sizes)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request to a language model.

    Attributes:
        system: the expertise that the improver asks for.
        temperature: 0 or above.
        max_tokens: output tokens a response at most.
        seeds: one 63-bit seed a response, for models that can be seeded.
    """

    system: str
    user: str
    n: int = 1
    temperature: float = 0.7
    max_tokens: int = 4096
    seeds: tuple[int, ...] = ()

    @property
    def size_bytes(self) -> int:
        """Bytes of its texts in UTF-8, which bound their tokens from above."""
        return sum(len(text.encode("utf-8", "replace")) for text in (self.system, self.user))


# A model of the user's own: the responses to a prompt, from a plain or an async function.
ModelFunction: TypeAlias = Callable[[Prompt], Sequence[str] | Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Completions:
    """What a language model answered to one request; its texts are clean.

    Attributes:
        texts: the responses; more than were asked for are dropped, the rest is asked for again.
        usage: tokens that the answer took, or None where the provider does not say, or says what
            cannot be: then the worst case is counted. Calls, requests and samples are counted by
            whoever asked, not here.
        cost_usd: money, or None where the price is unknown.
        finishes: why each response ended, in the provider's word, such as stop or length.
        reasoned: whether each response had reasoning, which no text holds; empty if unknown.
        notice: what users should know, said once: what was found out about the model; or empty.
    """

    texts: tuple[str, ...]
    usage: Usage | None
    model: str
    cost_usd: float | None = 0.0
    finishes: tuple[str, ...] = ()
    reasoned: tuple[bool, ...] = ()
    notice: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "texts", tuple(map(clean, self.texts)))
        object.__setattr__(self, "model", clean(self.model))
        object.__setattr__(self, "finishes", tuple(map(clean, self.finishes)))
        object.__setattr__(self, "notice", clean(self.notice))


class LanguageModel(Protocol):
    """A provider's model. One request is one `sample`: waiting, limits, and asking again are ours.

    All methods may be called concurrently, from one event loop.
    """

    @property
    def name(self) -> str: ...

    @property
    def samples_per_request(self) -> int:
        """Most responses that one request can bring; may fall as that is found out."""
        ...

    def most_usd(self, tokens_in: int, tokens_out: int) -> float | None:
        """What a request can cost at most with so many tokens; None if the price is unknown."""
        ...

    async def sample(self, prompt: Prompt) -> Completions:
        """One request, sent once.

        Raises: ModelFailure, which says what became of it; InfrastructureError if it is ours.
        """
        ...

    async def aclose(self) -> None:
        """Give back what the model holds; no call is under way."""
        ...


class FreeModel:
    """What models have in common that cost nothing and take any `n`."""

    samples_per_request = 1 << 30

    def most_usd(self, tokens_in: int, tokens_out: int) -> float | None:
        return 0.0

    async def aclose(self) -> None:
        """Nothing is held."""


def prompt_chars(models: Iterable[LanguageModel], max_tokens: int, most: int) -> int:
    """Characters of a prompt for which each of these models has room beside a response.

    A model may say with `context_tokens` how much prompt and response may have together. Where they
    cannot both be as long as they may, each has half.

    Args:
        most: whatever the models say.
    """
    contexts = [getattr(one, "context_tokens", None) or _USUAL_CONTEXT for one in models]
    context = min(contexts, default=_USUAL_CONTEXT)
    return min(most, _FEWEST_CHARS_PER_TOKEN * max(context // 2, context - max_tokens))


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What a user says of a provider; each provider takes what it knows.

    Attributes:
        base_url: of a server that speaks the provider's protocol; None for the provider's own.
        api_key_file: holds the key, for its owner's eyes only; None for the environment.
        api_key_env: the variable that holds the key; None for that of the server's host.
        args: further arguments of each request, sent as they are.
        price_in, price_out: USD per million tokens; None for the listed price.
    """

    base_url: str | None = None
    api_key_file: Path | None = None
    api_key_env: str | None = None
    reasoning_effort: str | None = None
    args: Mapping[str, Any] = field(default_factory=dict)
    price_in: float | None = None
    price_out: float | None = None
    timeout_s: float = 600.0


@dataclass(frozen=True, slots=True)
class ModelServices:
    """What a provider's factory may use: `create(model: str, services) -> LanguageModel`, which may
    be async.

    Attributes:
        environment: environment variables, where keys are looked for.
        will_ask: whether the model will be asked anything; if not, no key is needed.
        function: the model itself, where the user gave it from Python.
    """

    executor: Executor
    settings: ModelSettings = ModelSettings()
    environment: Mapping[str, str] = field(default_factory=dict)
    will_ask: bool = True
    function: ModelFunction | None = None
