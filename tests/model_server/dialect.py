"""What a provider's dialect is, and what all dialects share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from model_server.exchange import Answer, Question, Refusal, text_bytes


class Dialect(Protocol):
    """A provider's JSON: requests into questions, answers and refusals into responses."""

    @property
    def request_id_header(self) -> str: ...

    def read(self, body: Mapping[str, Any], credential: str) -> Question | Refusal:
        """The question in a request's JSON object, or why it is refused."""
        ...

    def answer(self, question: Question, answer: Answer, number: int) -> dict[str, Any]:
        """The response's JSON object; its `usage` tells the truth."""
        ...

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        """The error's JSON object."""
        ...


def contents_of(messages: Any) -> list[str] | Refusal:
    """The text of each message, or why they are refused."""
    if not isinstance(messages, list) or not messages:
        return Refusal(
            400,
            "Missing required parameter: 'messages'.",
            param="messages",
            code="missing_required_parameter",
        )
    contents = [
        text_of(message.get("content")) if isinstance(message, Mapping) else None
        for message in messages
    ]
    for place, content in enumerate(contents):
        if content is None:
            param = f"messages[{place}].content"
            return Refusal(400, f"Invalid type for '{param}'.", param=param, code="invalid_type")
    return [content for content in contents if content is not None]


def text_of(content: Any) -> str | None:
    """The text of a message's content, a string or a list of text parts; None of anything else."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        return None
    parts = [part.get("text") if isinstance(part, Mapping) else None for part in content]
    texts = [part for part in parts if isinstance(part, str)]
    return "".join(texts) if len(texts) == len(parts) else None


def size_of(texts: Iterable[str]) -> int:
    """Bytes of all of them."""
    return sum(len(text_bytes(text)) for text in texts)


def bad_count(body: Mapping[str, Any], *names: str) -> Refusal | None:
    """Why one of these parameters is not the positive integer that it should be."""
    for name in names:
        value = body.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            said, code = f"Invalid type for '{name}': expected an integer.", "invalid_type"
        elif value < 1:
            said = f"Invalid '{name}': integer below minimum value. Expected a value >= 1, "
            said, code = said + f"but got {value} instead.", "integer_below_min_value"
        else:
            continue
        return Refusal(400, said, param=name, code=code)
    return None


def streams(body: Mapping[str, Any]) -> Refusal | None:
    """This server does not stream."""
    if not body.get("stream"):
        return None
    return Refusal(400, "This server does not stream.", param="stream", code="unsupported_value")
