"""What providers of conversations have in common: one request through an SDK, and its faults."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol
from urllib.parse import urlsplit

from selftaught.core.budget import Usage
from selftaught.core.errors import ConfigError, ModelFailure
from selftaught.core.language_model import ModelSettings, Prompt
from selftaught.models.faults import broken_answer, hide_in, read_fault, refused_parameter
from selftaught.models.keys import NO_KEY
from selftaught.models.prices import Prices, Tokens

# A response of which more came is cut there: a guest could not be sent it.
LONGEST_TEXT = 4 << 20
CONNECT_S = 15.0
# A count of tokens so far above what was asked for is no count.
_ABSURD = 16
_OVERHEAD_TOKENS = 4096
_NOT_ARGUMENTS = (
    *("model", "messages", "system", "n", "stream", "stream_options"),
    *("max_tokens", "max_completion_tokens"),  # what is reserved follows from it
)

_log = logging.getLogger(__name__)


class SdkClient(Protocol):
    """The part of an SDK's asynchronous client that is used."""

    async def post(self, path: str, *, cast_to: Any, body: Any) -> Any: ...

    async def close(self) -> None: ...


@dataclass(eq=False, repr=False)
class ChatModel:
    """One model at one server; what differs by provider is `path` and `sample`.

    Attributes:
        path: of the requests.
        name: as it is shown, such as openai:gpt-5-mini.
        model: the provider's name of it.
        error: the root of the SDK's errors.
        prices: None if they are not known.
        key: the API key, which may never be shown, or `NO_KEY`.
        refused: parameters that the model refuses, found out so far.
    """

    path: ClassVar[str]

    name: str
    model: str
    client: SdkClient
    error: type[Exception]
    settings: ModelSettings
    prices: Prices | None
    key: str
    refused: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.args = check_arguments(self.settings)
        self._secrets = () if self.key == NO_KEY else (self.key,)

    def __str__(self) -> str:
        return f"{self.name}, {self.prices or 'of unknown price'}"

    def most_usd(self, tokens_in: int, tokens_out: int) -> float | None:
        return None if self.prices is None else self.prices.most_usd(Tokens(tokens_in, tokens_out))

    def usd(self, tokens: Tokens) -> float | None:
        return None if self.prices is None else self.prices.usd(tokens)

    async def aclose(self) -> None:
        await self.client.close()

    async def ask(
        self, body: Mapping[str, Any], optional: Iterable[str] = (), path: str | None = None
    ) -> Mapping[str, Any]:
        """Send one request; its answer as JSON.

        Args:
            optional: parameters of the body that it may do without, or that have another name.
            path: of another kind of request.
        Raises: ModelFailure; kind `adjusted` when one of `optional` is from now on in `refused`.
        """
        try:
            async with asyncio.timeout(self.settings.timeout_s):
                answer = await self.client.post(path or self.path, cast_to=object, body=body)
        except self.error as error:
            raise self._failure(error, sorted(set(optional) & set(body))) from None
        except TimeoutError:
            limit = f"{self.settings.timeout_s:g} s"
            raise ModelFailure(
                f"{self.name} did not answer within {limit} (--request-timeout-s)",
                kind="fault",
                maybe_billed=True,
            ) from None
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise broken_answer(self.name, "with what is not JSON") from None
        if not isinstance(answer, dict):
            raise broken_answer(self.name, "with what is not a JSON object")
        # Before anything is cut from it, journalled, or sent to a guest.
        hide_in(answer, self._secrets)
        return answer

    def _failure(self, error: Exception, optional: Sequence[str]) -> ModelFailure:
        failure = read_fault(error, name=self.name, secrets=self._secrets)
        parameter = refused_parameter(error, optional)
        if parameter is None:
            return failure
        known = parameter in self.refused
        self.refused.add(parameter)
        notice = "" if known else f"{self.name} does not take {parameter}; it is not sent again"
        said = str(failure)
        return ModelFailure(said, kind="adjusted", status=failure.status, notice=notice)


def check_url(url: str | None) -> None:
    """Raises: ConfigError if it is no address of a server."""
    parts = urlsplit(url or "https://host")
    if "@" in parts.netloc:  # not quoted: it holds a password
        raise ConfigError(
            "the base URL must hold no user and password: a key goes by --api-key-file"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"base URL {url!r} must be such as http://127.0.0.1:8000/v1")


def check_arguments(settings: ModelSettings) -> dict[str, Any]:
    """The user's own arguments of each request. Raises: ConfigError for one that is ours."""
    for name in settings.args:
        if name in _NOT_ARGUMENTS:
            raise ConfigError(f"--model-arg {name}: {name} is set by other means")
    try:
        json.dumps(dict(settings.args), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"--model-arg: {error}") from None
    return dict(settings.args)


def plausible(prompt: Prompt, into: object, out: object, *texts: str) -> Usage | None:
    """The usage that a provider reports, if it can be true; else None."""
    if not all(isinstance(count, int) and not isinstance(count, bool) for count in (into, out)):
        return None
    assert isinstance(into, int)
    assert isinstance(out, int)
    most_in = _ABSURD * (prompt.size_bytes + _OVERHEAD_TOKENS)
    most_out = _ABSURD * (prompt.n * prompt.max_tokens + _OVERHEAD_TOKENS) + sum(map(len, texts))
    fits = 0 < into <= most_in and 0 <= out <= most_out
    if not fits or (out == 0 and any(texts)):
        _log.warning("usage of %r tokens in and %r out cannot be; the worst is counted", into, out)
        return None
    return Usage(requests=1, samples=len(texts), tokens_in=into, tokens_out=out)
