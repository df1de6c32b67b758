"""Anthropic's messages. The samples of an answer are its text blocks, one unless a fault adds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_server.dialect import (
    bad_count,
    contents_of,
    size_of,
    streams,
    text_of,
)
from model_server.exchange import (
    Answer,
    Choice,
    Finish,
    Question,
    Refusal,
    tokens_of,
)

_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_STOP_REASONS: Mapping[Finish, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "content_filter": "refusal",
    "tool_calls": "tool_use",
}


@dataclass(frozen=True, slots=True)
class AnthropicDialect:
    """Anthropic's JSON."""

    @property
    def request_id_header(self) -> str:
        return "request-id"

    def read(self, body: Mapping[str, Any], credential: str) -> Question | Refusal:
        for name in ("model", "messages", "max_tokens"):
            if not body.get(name):
                return Refusal(400, f"{name}: Field required")
        contents = contents_of(body["messages"])
        if isinstance(contents, Refusal):
            return contents
        system = text_of(body.get("system"))
        if system is None:
            return Refusal(400, "system: Input should be a valid string or a list of text blocks")
        wrong = streams(body) or bad_count(body, "max_tokens")
        if wrong is not None:
            return wrong
        return Question(
            anthropic=True,
            body=body,
            credential=credential,
            model=str(body["model"]),
            samples=1,
            max_tokens=body["max_tokens"],
            tokens_in=tokens_of(size_of([system, *contents])),
        )

    def answer(self, question: Question, answer: Answer, number: int) -> dict[str, Any]:
        last: Finish = answer.choices[-1].finish if answer.choices else "stop"
        return {
            "id": f"msg_{number}",
            "type": "message",
            "role": "assistant",
            "model": question.model,
            "content": [block for choice in answer.choices for block in _blocks(choice)],
            "stop_reason": _STOP_REASONS[last],
            "stop_sequence": None,
            "usage": {
                "input_tokens": question.tokens_in,
                "output_tokens": answer.tokens_out(question.max_tokens),
            },
        }

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        kind = _ERROR_TYPES.get(refusal.status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": refusal.message}}


def _blocks(choice: Choice) -> list[dict[str, Any]]:
    if choice.arguments is not None:
        call = {"type": "tool_use", "id": f"toolu_{choice.index}", "name": "improve"}
        return [{**call, "input": json.loads(choice.arguments)}]
    if choice.finish == "content_filter" and not choice.text:
        return []
    return [{"type": "text", "text": choice.text}]
