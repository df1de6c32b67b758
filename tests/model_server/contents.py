"""Faults in what an answer holds. All are billed, as sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from model_server.exchange import Answer, Choice
from model_server.fault import Fault

HUGE_BYTES = 2_000_000

WrongUsage = Literal[
    "missing", "null", "zero", "negative", "absurd", "strings", "words", "null_numbers"
]
_NUMBERS: dict[WrongUsage, Callable[[int], Any]] = {
    "zero": lambda number: 0,
    "negative": lambda number: -number - 1,
    "absurd": lambda number: 10**12,
    "strings": str,
    "words": lambda number: "many",
    "null_numbers": lambda number: None,
}


def empty_choices() -> Fault:
    """An answer without choices."""
    return Fault("empty_choices", change=lambda answer: Answer(()))


def null_content() -> Fault:
    """The text of each choice is null."""
    return _of_each("null_content", lambda choice: replace(choice, text=None))


def reasoning_only() -> Fault:
    """Each text is reasoning, in a field or a block of its own, and there is no other."""

    def hide(payload: dict[str, Any]) -> dict[str, Any]:
        if "content" in payload:
            thought = {"type": "thinking", "thinking": _text_of(payload), "signature": "c2ln"}
            return {**payload, "content": [thought], "stop_reason": "max_tokens"}
        for choice in payload["choices"]:
            message = choice["message"]
            message |= {"content": None, "reasoning_content": message["content"]}
        return payload

    return Fault("reasoning_only", edit=hide)


def redacted() -> Fault:
    """As above, and nobody may read it."""

    def hide(payload: dict[str, Any]) -> dict[str, Any]:
        if "content" in payload:
            return {**payload, "content": [{"type": "redacted_thinking", "data": "RW1w"}]}
        for choice in payload["choices"]:
            choice["message"]["content"] = ""
        out = payload["usage"]["completion_tokens"]
        payload["usage"]["completion_tokens_details"] = {"reasoning_tokens": out}
        return payload

    return Fault("redacted", edit=hide)


def parts() -> Fault:
    """Each text comes in several parts, after reasoning."""

    def split(text: str) -> list[dict[str, Any]]:
        half = len(text) // 2
        texts = [{"type": "text", "text": part} for part in (text[:half], text[half:])]
        return [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, *texts]

    def edit(payload: dict[str, Any]) -> dict[str, Any]:
        if "content" in payload:
            return {**payload, "content": split(_text_of(payload))}
        for choice in payload["choices"]:
            choice["message"]["content"] = split(choice["message"]["content"])
        return payload

    return Fault("parts", edit=edit)


def reported(**usage: Any) -> Fault:
    """The usage has these counts besides, or instead."""
    return Fault("reported", edit=lambda payload: {**payload, "usage": payload["usage"] | usage})


def finish_length() -> Fault:
    """Each text is cut in half, as if it had reached its longest."""

    def cut(choice: Choice) -> Choice:
        text = choice.text or ""
        return replace(choice, text=text[: len(text) // 2], finish="length")

    return _of_each("finish_length", cut)


def content_filter() -> Fault:
    """Each choice is empty, because of what it would have said."""
    return _of_each(
        "content_filter", lambda choice: replace(choice, text="", finish="content_filter")
    )


def tool_calls() -> Fault:
    """Each choice calls a tool that nobody offered, and says nothing."""

    def call(choice: Choice) -> Choice:
        return replace(choice, text=None, finish="tool_calls", arguments='{"program": "pass"}')

    return _of_each("tool_calls", call)


def huge(size_bytes: int = HUGE_BYTES) -> Fault:
    """The first choice has 2 MB of text, whatever `max_tokens` says; billed as `max_tokens`."""

    def grow(answer: Answer) -> Answer:
        first = answer.choices[0]
        line = "# a long reply\n"
        text = (first.text or "") + "\n" + line * (size_bytes // len(line) + 1)
        return Answer((replace(first, text=text[:size_bytes]), *answer.choices[1:]))

    return Fault("huge", change=grow)


def lone_surrogates() -> Fault:
    """Half a surrogate pair amid each text and at its end, as JSON escapes."""

    def spoil(choice: Choice) -> Choice:
        text = choice.text or ""
        half = len(text) // 2
        return replace(choice, text=f"{text[:half]}\ud800{text[half:]}\udfff")

    return _of_each("lone_surrogates", spoil)


def fewer() -> Fault:
    """Half of the choices that were asked for, at least one."""
    return Fault(
        "fewer", change=lambda answer: Answer(answer.choices[: max(1, len(answer.choices) // 2)])
    )


def more() -> Fault:
    """Two choices more than were asked for."""

    def add(answer: Answer) -> Answer:
        count = len(answer.choices)
        extra = (replace(answer.choices[0], index=count + place) for place in range(2))
        return Answer((*answer.choices, *extra))

    return Fault("more", change=add)


def duplicates() -> Fault:
    """The first choice, index and all, in place of the second; after it where there is one."""
    return Fault(
        "duplicates",
        change=lambda answer: Answer((answer.choices[0], answer.choices[0], *answer.choices[2:])),
    )


def wrong_usage(variant: WrongUsage = "missing") -> Fault:
    """The reported usage is not there, null, or its numbers are wrong. The bill stays true."""

    def edit(payload: dict[str, Any]) -> dict[str, Any]:
        usage = payload.pop("usage")
        if variant == "missing":
            return payload
        wrong = _NUMBERS.get(variant)
        told = None if wrong is None else {name: wrong(number) for name, number in usage.items()}
        return {**payload, "usage": told}

    return Fault(f"wrong_usage_{variant}", edit=edit)


def _text_of(payload: dict[str, Any]) -> str:
    """That of an answer in Anthropic's dialect."""
    return "".join(block["text"] for block in payload["content"])


def _of_each(name: str, change: Callable[[Choice], Choice]) -> Fault:
    return Fault(name, change=lambda answer: Answer(tuple(map(change, answer.choices))))
