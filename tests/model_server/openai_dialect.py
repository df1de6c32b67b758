"""OpenAI's chat completions, also as Azure speaks them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_server.dialect import bad_count, contents_of, size_of, streams
from model_server.exchange import Answer, Choice, Question, Refusal, tokens_of


@dataclass(frozen=True, slots=True)
class OpenAIDialect:
    """OpenAI's JSON.

    Attributes:
        deployment: the model, where Azure has it in the path; otherwise the body names it.
    """

    deployment: str = ""

    @property
    def request_id_header(self) -> str:
        return "x-request-id"

    def read(self, body: Mapping[str, Any], credential: str) -> Question | Refusal:
        model = self.deployment or body.get("model")
        if not isinstance(model, str) or not model:
            return Refusal(400, "you must provide a model parameter")
        contents = contents_of(body.get("messages"))
        if isinstance(contents, Refusal):
            return contents
        wrong = streams(body) or bad_count(body, "n", "max_tokens", "max_completion_tokens")
        if wrong is not None:
            return wrong
        return Question(
            anthropic=False,
            body=body,
            credential=credential,
            model=model,
            samples=body.get("n") or 1,
            max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
            tokens_in=tokens_of(size_of(contents)),
        )

    def answer(self, question: Question, answer: Answer, number: int) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": question.model,
            "choices": [_choice(choice) for choice in answer.choices],
            "usage": {
                "prompt_tokens": question.tokens_in,
                "completion_tokens": answer.tokens_out(question.max_tokens),
                "total_tokens": question.tokens_in + answer.tokens_out(question.max_tokens),
            },
        }

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        error: dict[str, Any] = {"message": refusal.message, "type": refusal.kind}
        if not refusal.terse:
            error |= {"param": refusal.param, "code": refusal.code}
        return {"error": error}


def _choice(choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": choice.text, "refusal": None}
    if choice.arguments is not None:
        function = {"name": "improve", "arguments": choice.arguments}
        call = {"id": f"call_{choice.index}", "type": "function", "function": function}
        message["tool_calls"] = [call]
    return {
        "index": choice.index,
        "message": message,
        "logprobs": None,
        "finish_reason": choice.finish,
    }
