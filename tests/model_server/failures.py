"""Faults that may pass: the provider is busy, broken or slow, or the connection is."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any, Literal

from model_server.exchange import Question, Refusal
from model_server.fault import Fault
from model_server.wire import Wire

_PAGE = b"<!DOCTYPE html><html><head><title>Just a moment</title></head><body>...</body></html>"
_TOO_MANY_IN_200 = {"message": "Rate limit exceeded", "code": 429}
_ERROR_IN_200 = {"error": {"message": "Provider returned error", "code": 502}}


def rate_limited() -> Fault:
    """429, which does not say when to come again. Not billed."""
    return Fault("rate_limited", refuse=lambda question: _too_many(question))


def rate_limited_retry_after(seconds: float | str = 1) -> Fault:
    """429 with a `retry-after` header: seconds, or any text such as a date. Not billed."""
    headers = {"retry-after": str(seconds)}
    return Fault(
        "rate_limited_retry_after",
        refuse=lambda question: replace(_too_many(question), headers=headers),
    )


def server_error(burst: int = 0) -> Fault:
    """500, for this request and the `burst` requests that follow. Not billed."""
    said = "The server had an error while processing your request. Sorry about that!"
    refusal = Refusal(500, said, kind="server_error")
    return Fault("server_error", refuse=lambda question: refusal, following=burst)


def overloaded(status: Literal[503, 529] | None = None) -> Fault:
    """503, or 529 as Anthropic says it; by default what the dialect has. Not billed."""

    def refuse(question: Question) -> Refusal:
        code = status or (529 if question.anthropic else 503)
        return Refusal(code, "Overloaded", kind="service_unavailable_error")

    return Fault("overloaded", refuse=refuse)


def gateway_timeout() -> Fault:
    """504 from in front of a provider that made its answer all the same. Billed."""
    refusal = Refusal(504, "Gateway Time-out", kind="timeout_error")

    async def deliver(wire: Wire, body: bytes) -> None:
        await wire.refuse(refusal)

    return Fault("gateway_timeout", deliver=deliver)


def slow(seconds: float = 2.0) -> Fault:
    """The answer comes so much later. Billed, also if the client left meanwhile."""

    async def deliver(wire: Wire, body: bytes) -> None:
        await asyncio.sleep(seconds)
        await wire.send(body)

    return Fault("slow", deliver=deliver)


def trickle(seconds: float = 2.0, pieces: int = 20) -> Fault:
    """The answer comes at once, but bit by bit: no pause is long, the whole is. Billed."""

    async def deliver(wire: Wire, body: bytes) -> None:
        await wire.trickle(body, pieces, seconds / pieces)

    return Fault("trickle", deliver=deliver)


def never() -> Fault:
    """No byte until the client goes away. Billed."""

    async def deliver(wire: Wire, body: bytes) -> None:
        await asyncio.Event().wait()

    return Fault("never", deliver=deliver)


def drop_before_answer(*, reset: bool = False) -> Fault:
    """The connection ends, or is reset, before any byte of the response. Billed."""

    async def deliver(wire: Wire, body: bytes) -> None:
        wire.abort(reset=reset)

    return Fault("drop_before_answer", deliver=deliver)


def drop_mid_body() -> Fault:
    """The connection ends after the headers and half of the body. Billed."""

    async def deliver(wire: Wire, body: bytes) -> None:
        await wire.send_part(body, len(body) // 2)
        wire.abort()

    return Fault("drop_mid_body", deliver=deliver)


def malformed_json() -> Fault:
    """200 with half of a JSON text, complete by its Content-Length. Billed."""

    async def deliver(wire: Wire, body: bytes) -> None:
        await wire.send(body[: len(body) // 2])

    return Fault("malformed_json", deliver=deliver)


def not_json() -> Fault:
    """200 with a page of HTML, as from a proxy. Billed."""

    async def deliver(wire: Wire, body: bytes) -> None:
        await wire.send(_PAGE, content_type="text/html")

    return Fault("not_json", deliver=deliver)


def other_json(value: Any = _ERROR_IN_200) -> Fault:
    """200 with this JSON value; by default an error, as gateways send. Billed."""

    async def deliver(wire: Wire, body: bytes) -> None:
        await wire.send(json.dumps(value).encode())

    return Fault("other_json", deliver=deliver)


def null_choices() -> Fault:
    """200 with null where the choices, or the content, should be. Billed."""

    def edit(payload: dict[str, Any]) -> dict[str, Any]:
        return {name: None if name in ("choices", "content") else payload[name] for name in payload}

    return Fault("null_choices", edit=edit)


def error_in_answer(error: Any = _TOO_MANY_IN_200) -> Fault:
    """200 with an error, by default that of too many requests. Not billed."""
    return Fault("error_in_answer", refuse=lambda question: Refusal(200, "", body={"error": error}))


def _too_many(question: Question) -> Refusal:
    said = f"Rate limit reached for {question.model} on requests per min (RPM): Limit 3, Used 3."
    return Refusal(429, said, kind="requests", code="rate_limit_exceeded")
