"""What providers of conversations have in common: one request, and its faults."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlsplit

from selftaught.core.budget import Usage
from selftaught.core.errors import ConfigError, ModelFailure
from selftaught.core.language_model import ModelSettings, Prompt
from selftaught.models.faults import (
    ErrorInAnswer,
    ProviderError,
    broken_answer,
    hide_in,
    read_fault,
    refused_parameter,
)
from selftaught.models.http import JsonClient
from selftaught.models.keys import NO_KEY
from selftaught.models.prices import Prices, Tokens

# A response of which more came is cut there: a guest could not be sent it.
LONGEST_TEXT = 4 << 20
# A count of tokens so far above what was asked for is no count.
_ABSURD = 16
_OVERHEAD_TOKENS = 4096
# Bytes that a token has at most, on an average of any prompt: twice what programs have.
_BYTES_PER_TOKEN = 8
# Where servers that were told nothing cut a prompt.
_WINDOWS = (2048, 4096, 8192)
# What fields and parts are called that hold reasoning.
REASONING = re.compile("reason|think|thought")
_NOT_ARGUMENTS = (
    *("model", "messages", "system", "n", "stream", "stream_options"),
    *("max_tokens", "max_completion_tokens"),  # what is reserved follows from it
)

_log = logging.getLogger(__name__)


@dataclass(eq=False, repr=False)
class ChatModel:
    """One model at one server; what differs by provider is `holds` and `sample`.

    Attributes:
        holds: the list that an answer is read from.
        name: as it is shown, such as openai:gpt-5-mini.
        model: the provider's name of it.
        prices: None if they are not known.
        key: the API key, which may never be shown, or `NO_KEY`.
        addresses: of the requests, the likelier one first; one is left when that is known.
        refused: parameters that the model refuses, found out so far.
    """

    holds: ClassVar[str]

    name: str
    model: str
    client: JsonClient
    settings: ModelSettings
    prices: Prices | None
    key: str
    addresses: list[str]
    refused: set[str] = field(init=False, default_factory=set)
    _not_there: list[str] = field(init=False, default_factory=list)
    _is_cut: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.args = check_arguments(self.settings)
        self._secrets = () if self.key == NO_KEY else (self.key,)

    def __str__(self) -> str:
        return f"{self.name}, {self.prices or 'of unknown price'}"

    def most_usd(self, tokens_in: int, tokens_out: int) -> float | None:
        return None if self.prices is None else self.prices.most_usd(Tokens(tokens_in, tokens_out))

    @property
    def context_tokens(self) -> int | None:
        """Tokens that prompt and response may have together, where that is known."""
        return None if self.prices is None else self.prices.context_tokens

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
        address, sent = self.addresses[0], sorted(set(optional) & set(body))
        try:
            async with asyncio.timeout(self.settings.timeout_s):
                answer = await self.client.post(path or address, body)
        except ProviderError as error:
            raise self._failure(error, address, sent) from None
        except TimeoutError:
            limit = f"{self.settings.timeout_s:g} s"
            raise ModelFailure(
                f"{self.name} did not answer within {limit} (--request-timeout-s)",
                kind="fault",
                maybe_billed=True,
            ) from None
        except (ValueError, RecursionError):
            raise broken_answer(self.name, "with what is not JSON") from None
        if not isinstance(answer, dict):
            raise broken_answer(self.name, "with what is not a JSON object")
        # Before anything is cut from it, journalled, or sent to a guest.
        hide_in(answer, self._secrets)
        if path is not None:
            return answer
        found = answer.get(self.holds)
        if not isinstance(found, list) or (answer.get("error") and not found):
            raise self._failure(ErrorInAnswer(answer), address, sent)
        self.addresses = [address]
        return answer

    def _failure(self, error: ProviderError, address: str, optional: Sequence[str]) -> ModelFailure:
        failure = read_fault(error, name=self.name, secrets=self._secrets)
        if self._is_elsewhere(failure, address):
            return self._moved(failure, address)
        if failure.status in (401, 403) and self.key == NO_KEY:
            said = f"{failure}; no key was sent: --api-key-env names the variable of one"
            return ModelFailure(said, kind=failure.kind, status=failure.status)
        # What refuses the prompt may mention its parameters too.
        parameter = None if failure.kind != "rejected" else refused_parameter(error, optional)
        if parameter is None:
            return failure
        known = parameter in self.refused
        self.refused.add(parameter)
        notice = "" if known else f"{self.name} does not take {parameter}; it is not sent again"
        said = str(failure)
        return ModelFailure(said, kind="adjusted", status=failure.status, notice=notice)

    def _is_elsewhere(self, failure: ModelFailure, address: str) -> bool:
        """Whether the address is refused, and not the model; never one that has answered."""
        said, path = str(failure).removeprefix(self.name), urlsplit(address).path
        is_about_it = failure.status in (404, 405) and (path in said or self.model not in said)
        return is_about_it and (self.addresses != [address] or bool(self._not_there))

    def _moved(self, failure: ModelFailure, address: str) -> ModelFailure:
        """From now on the other address is asked; without one, all that was tried is told."""
        said = f"{str(failure).removeprefix(f'{self.name}: ')}, at {address}"
        if self.addresses == [address]:
            told = "; ".join([*self._not_there, said])
            return ModelFailure(f"{self.name}: {told}", kind="rejected", status=failure.status)
        notice = ""
        if address in self.addresses:
            self.addresses.remove(address)
            self._not_there.append(said)
            notice = f"{self.name} is not at {address}; it is asked at {self.addresses[0]}"
        return ModelFailure(str(failure), kind="adjusted", status=failure.status, notice=notice)

    def cut(self, prompt: Prompt, usage: Usage | None) -> str:
        """What to tell, once, if the server says that it read far less than the prompt has."""
        least = prompt.size_bytes / _BYTES_PER_TOKEN
        read = None if usage is None or self._is_cut else usage.tokens_in
        if read is None or read >= least or (read >= least / 2 and read not in _WINDOWS):
            return ""
        self._is_cut = True
        return (
            f"{self.name} read {read:,} tokens of a prompt of {prompt.size_bytes:,} bytes: its "
            "server seems to cut prompts; give it a larger context window, or a smaller --prompt-kb"
        )


def addresses(url: str, path: str, *, adds_v1: bool = False) -> list[str]:
    """Where a server with this base URL may answer, the likelier address first.

    Args:
        url: with or without a slash, /v1 and the path at its end.
        adds_v1: whether /v1 is not expected there.
    """
    base = url.rstrip("/").removesuffix(path).rstrip("/")
    bare = base.removesuffix("/v1")
    places = [f"{bare}/v1{path}", f"{bare}{path}"]
    return places if adds_v1 or bare != base else places[::-1]


def read_content(content: object) -> tuple[str, bool]:
    """The text of a message, a string or parts; and whether there was reasoning among these."""
    texts: list[str] = []
    reasoned = False
    for part in content if isinstance(content, list) else [content]:
        said: Mapping[str, Any] = part if isinstance(part, Mapping) else {"text": part}
        if REASONING.search(str(said.get("type"))) or said.get("thought") is True:
            reasoned = True
        elif isinstance(said.get("text"), str):
            texts.append(said["text"])
    return "".join(texts)[:LONGEST_TEXT], reasoned


def check_url(url: str | None) -> None:
    """Raises: ConfigError if it is no address of a server."""
    parts = urlsplit(url or "https://host")
    if "@" in parts.netloc:  # not quoted: it holds a password
        raise ConfigError(
            "the base URL must hold no user and password: a key goes by --api-key-file"
        )
    is_host = re.fullmatch(r"[\w.:-]+", parts.hostname or "")
    if parts.scheme not in ("http", "https") or not is_host or parts.query or parts.fragment:
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
