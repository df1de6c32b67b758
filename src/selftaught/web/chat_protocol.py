"""OpenAI's chat-completions protocol: what a request asks, and what replies look like. No I/O.

Source: the API reference at platform.openai.com/docs/api-reference/chat.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from selftaught.core.errors import SelfTaughtError
from selftaught.core.language_model import Completions, Prompt
from selftaught.core.seeds import derive

Json = dict[str, Any]

DONE_EVENT = b"data: [DONE]\n\n"

_INVALID_REQUEST = "invalid_request_error"
_SERVER_ERROR = "server_error"
_SEED_BITS = 63
_CHUNK_CHARS = 512
_MOST_STOPS = 64
_INT64 = 1 << 63
# Wrong values may be megabytes long.
_shown = reprlib.Repr()
_shown.maxstring = 100
# What providers say of a response that did not end by itself, in OpenAI's words.
_FINISHES = {
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
    "refusal": "content_filter",
}


class RequestRefused(SelfTaughtError):
    """A request that is not answered.

    Attributes:
        param: what of the request was wrong, such as `messages[0].role`; or None.
        code: OpenAI's word for what was wrong; or None.
    """

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code


# --- requests -----------------------------------------------------------------------------------


class _Asked(BaseModel):
    """A part of a request: types are exact, and what is not known here is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class TextPart(_Asked):
    """One part of a message's content."""

    type: Literal["text"]
    text: str


def _as_parts(content: object) -> object:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if isinstance(content, list):
        return content
    raise PydanticCustomError("content_type", "Input should be a string or a list of text parts")


def _as_list(stop: object) -> object:
    if stop is None:
        return []
    return [stop] if isinstance(stop, str) else stop


_Stop = Annotated[str, Field(min_length=1)]
_Stops = Annotated[
    list[_Stop], FailFast(), Field(max_length=_MOST_STOPS), BeforeValidator(_as_list)
]


class Message(_Asked):
    """One turn of the conversation; its content is a list of parts also if a string was sent."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[list[TextPart], FailFast(), Field(min_length=1), BeforeValidator(_as_parts)]

    @property
    def text(self) -> str:
        return "\n".join(part.text for part in self.content)


class StreamOptions(_Asked):
    """What comes with a stream."""

    include_usage: bool | None = None


class ChatRequest(_Asked):
    """The body of a request for chat completions."""

    model: str
    messages: Annotated[list[Message], FailFast(), Field(min_length=1)]
    n: int | None = Field(None, ge=1, le=128)
    temperature: float | None = Field(None, ge=0, le=2, allow_inf_nan=False)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    seed: int | None = Field(None, ge=-_INT64, lt=_INT64)
    stop: _Stops = Field(default_factory=list)
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    @property
    def streams_usage(self) -> bool:
        return self.stream_options is not None and bool(self.stream_options.include_usage)


def read_request(body: bytes, name: str) -> ChatRequest:
    """The request in a body, for the model of this name.

    Raises: RequestRefused, which names the parameter and what is wrong with it.
    """
    try:
        request = ChatRequest.model_validate_json(body)
    except ValidationError as error:
        raise _refusal(error.errors(include_url=False)[0]) from None
    check_model(request.model, name)
    return request


def check_model(asked: str, name: str) -> None:
    """`provider:model` is also known as `model`. Raises: RequestRefused for any other."""
    if asked not in (name, name.partition(":")[2]):
        raise RequestRefused(
            404,
            f"The model {_shown.repr(asked)} does not exist: this server has {name!r}.",
            param="model",
            code="model_not_found",
        )


def make_prompt(request: ChatRequest, *, max_tokens: int, fresh: Callable[[], int]) -> Prompt:
    """What the model is asked."""
    n = request.n or 1
    if request.seed is None:
        seeds = [fresh() for _ in range(n)]
    else:
        said = derive(json.dumps([[message.role, message.text] for message in request.messages]))
        seeds = [_derived_seed(request.seed, said, index) for index in range(n)]
    system = [m.text for m in request.messages if m.role in ("system", "developer")]
    turns = [m for m in request.messages if m.role in ("user", "assistant")]
    return Prompt(
        system="\n\n".join(system),
        user=_conversation(turns),
        n=n,
        temperature=1.0 if request.temperature is None else request.temperature,
        max_tokens=request.max_completion_tokens or request.max_tokens or max_tokens,
        seeds=tuple(seeds),
    )


def _derived_seed(seed: int, said: int, index: int) -> int:
    return derive("chat completion", seed, said, index) >> (128 - _SEED_BITS)


def _conversation(turns: Sequence[Message]) -> str:
    if [turn.role for turn in turns] == ["user"]:
        return turns[0].text
    return "\n\n".join(f"{turn.role}:\n{turn.text}" for turn in turns)


def _refusal(error: ErrorDetails) -> RequestRefused:
    if error["type"] == "json_invalid":
        return RequestRefused(400, f"The body is no valid JSON: {error['ctx']['error']}.")
    param = _param(error["loc"])
    if error["type"] == "missing":
        message = f"Missing required parameter: '{param}'."
        return RequestRefused(400, message, param=param, code="missing_required_parameter")
    where = "body" if param is None else f"'{param}'"
    message = f"Invalid {where}: {error['msg']} (it was {_shown.repr(error['input'])})."
    code = "invalid_type" if error["type"].endswith("_type") else "invalid_value"
    return RequestRefused(400, message, param=param, code=code)


def _param(path: Sequence[int | str]) -> str | None:
    """Such as `messages[0].content[1].type`; None for the whole body."""
    written = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return written.removeprefix(".") or None


# --- replies ------------------------------------------------------------------------------------


def completion(request: ChatRequest, answer: Completions, *, id: str, created: int) -> Json:
    """The reply to a request as one object, made of what the model answered."""
    texts = answer.texts[: request.n or 1]
    finishes = (*answer.finishes, *[""] * len(texts))
    usage = answer.usage
    return {
        "id": id,
        "object": "chat.completion",
        "created": created,
        "model": answer.model,
        "system_fingerprint": None,
        "choices": [
            _choice(index, text, finishes[index], request.stop) for index, text in enumerate(texts)
        ],
        "usage": usage
        and {
            "prompt_tokens": usage.tokens_in,
            "completion_tokens": usage.tokens_out,
            "total_tokens": usage.tokens_in + usage.tokens_out,
        },
    }


def _choice(index: int, text: str, finish: str, stops: Sequence[str]) -> Json:
    """One response, cut at the first stop sequence."""
    found = [place for stop in stops if (place := text.find(stop)) >= 0]
    return {
        "index": index,
        "message": {
            "role": "assistant",
            "content": text[: min(found, default=None)],
            "refusal": None,
        },
        "logprobs": None,
        "finish_reason": "stop" if found else _FINISHES.get(finish, "stop"),
    }


def chunks(whole: Json, *, with_usage: bool) -> Iterator[Json]:
    """A reply in chunks: of each choice its role, its content, its end; and the usage."""
    head = {**whole, "object": "chat.completion.chunk", "usage": None}
    if not with_usage:
        del head["usage"]

    def chunk(choice: Json, delta: Json, finish_reason: str | None = None) -> Json:
        said = {"index": choice["index"], "delta": delta, "logprobs": None}
        return head | {"choices": [said | {"finish_reason": finish_reason}]}

    for choice in whole["choices"]:
        text = choice["message"]["content"]
        yield chunk(choice, {**choice["message"], "content": ""})
        for start in range(0, len(text), _CHUNK_CHARS):
            yield chunk(choice, {"content": text[start : start + _CHUNK_CHARS]})
        yield chunk(choice, {}, choice["finish_reason"])
    if with_usage:
        yield head | {"choices": [], "usage": whole["usage"]}


def event(chunk: Mapping[str, Any]) -> bytes:
    """A chunk as a server-sent event."""
    return b"data: %b\n\n" % json.dumps(chunk).encode()


def model_object(name: str, created: int) -> Json:
    """A model, as it is listed."""
    return {"id": name, "object": "model", "created": created, "owned_by": "selftaught"}


def model_list(name: str, created: int) -> Json:
    """All models of a server: one."""
    return {"object": "list", "data": [model_object(name, created)]}


def error_object(
    status: int, message: str, *, param: str | None = None, code: str | None = None
) -> Json:
    """An error, with the type that OpenAI gives to those of its status."""
    kind = _SERVER_ERROR if status >= 500 else _INVALID_REQUEST
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
