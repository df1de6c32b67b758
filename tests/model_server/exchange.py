"""The nouns of one exchange, before a dialect words them: question, answer, refusal, tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

BYTES_A_TOKEN = 4

Finish = Literal["stop", "length", "content_filter", "tool_calls"]


def tokens_of(size_bytes: int) -> int:
    """The true number of tokens of so many bytes of text, rounded up."""
    return -(-size_bytes // BYTES_A_TOKEN)


def text_bytes(text: str) -> bytes:
    """UTF-8, in which a lone surrogate takes three bytes."""
    return text.encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Question:
    """A valid request.

    Attributes:
        anthropic: whether it came in Anthropic's dialect.
        body: its JSON object.
        credential: the key that was sent, without the word Bearer; empty if none was.
        model: the model that was asked.
        samples: answers wanted.
        max_tokens: output tokens an answer at most, or None.
        tokens_in: the true tokens of all its messages.
    """

    anthropic: bool
    body: Mapping[str, Any]
    credential: str = field(repr=False)
    model: str
    samples: int
    max_tokens: int | None
    tokens_in: int


@dataclass(frozen=True, slots=True)
class Choice:
    """One sample of an answer.

    Attributes:
        index: its place, as told to the client.
        text: its text, or None for null.
        finish: why it ended.
        arguments: JSON text of the arguments of a tool call, or None if it has none.
    """

    index: int
    text: str | None
    finish: Finish = "stop"
    arguments: str | None = None

    @property
    def tokens(self) -> int:
        """True tokens of its text and its arguments."""
        return tokens_of(len(text_bytes(self.text or "")) + len(text_bytes(self.arguments or "")))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says."""

    choices: tuple[Choice, ...]

    def tokens_out(self, max_tokens: int | None) -> int:
        """True tokens of all choices; no provider bills more of one than it was allowed to say."""
        each = (choice.tokens for choice in self.choices)
        return sum(tokens if max_tokens is None else min(tokens, max_tokens) for tokens in each)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error in place of an answer.

    Attributes:
        status: of the HTTP response.
        message: for people.
        kind: the `type` in OpenAI's dialect; Anthropic's follows from the status.
        param, code: as in OpenAI's dialect.
        terse: leave `param` and `code` out, where otherwise they are null.
        headers: further headers of the response.
        body: its JSON object, in place of the dialect's.
    """

    status: int
    message: str
    kind: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    terse: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None


def choice_of(text: str, index: int, max_tokens: int | None) -> Choice:
    """A text as a choice, cut where it is longer than `max_tokens`."""
    whole = text_bytes(text)
    if max_tokens is None or len(whole) <= max_tokens * BYTES_A_TOKEN:
        return Choice(index, text)
    return Choice(index, whole[: max_tokens * BYTES_A_TOKEN].decode("utf-8", "ignore"), "length")
