"""A model behind OpenAI's chat-completions protocol, over HTTP."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from selftaught.core.errors import InfrastructureError, ModelFailure
from selftaught.core.language_model import Completions, Prompt
from selftaught.web import chat_protocol
from selftaught.web.chat_protocol import Json, RequestRefused

Answer = Callable[[Prompt], Awaitable[Completions]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MAX_BODY_BYTES = 8 << 20
# Once open requests are cancelled, how long they may take to put away what they hold.
_PUT_AWAY_S = 0.8
_OF_THIS_MACHINE = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")

# What another provider said of a request, told on.
_STATUS_OF = {"limited": 429, "prompt": 400}

_log = logging.getLogger(__name__)


def chat_app(name: str, answer: Answer, *, max_tokens: int) -> web.Application:
    """The protocol's paths, with and without `/v1`, and `/health`.

    Args:
        answer: asks the model; called concurrently, and cancelled when its client has gone. Its
            InfrastructureError is told to the client: 503 if it is retryable, else 500; 429 and 400
            where a provider behind it said so.
    """
    chat = _Chat(name, answer, max_tokens)
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_in_openai_format])
    for prefix in ("", "/v1"):
        app.router.add_get(f"{prefix}/models", chat.list_models)
        app.router.add_get(f"{prefix}/models/{{id:.+}}", chat.show_model)
        app.router.add_post(f"{prefix}/chat/completions", chat.complete)
    app.router.add_get("/health", _health)
    app.on_cleanup.append(chat.wait_for_the_cancelled)
    return app


class _Chat:
    """What is asked of one model."""

    def __init__(self, name: str, answer: Answer, max_tokens: int) -> None:
        self._name = name
        self._answer = answer
        self._max_tokens = max_tokens
        self._created = int(time.time())
        self._open: set[asyncio.Future[Completions]] = set()

    async def list_models(self, request: web.Request) -> web.Response:
        return web.json_response(chat_protocol.model_list(self._name, self._created))

    async def show_model(self, request: web.Request) -> web.Response:
        chat_protocol.check_model(request.match_info["id"], self._name)
        return web.json_response(chat_protocol.model_object(self._name, self._created))

    async def complete(self, request: web.Request) -> web.StreamResponse:
        asked = chat_protocol.read_request(await request.read(), self._name)
        prompt = chat_protocol.make_prompt(
            asked, max_tokens=self._max_tokens, fresh=lambda: secrets.randbits(63)
        )
        answer = await self._ask(prompt)
        whole = chat_protocol.completion(
            asked, answer, id=f"chatcmpl-{secrets.token_hex(12)}", created=int(time.time())
        )
        if asked.stream:
            return await _stream(request, whole, with_usage=asked.streams_usage)
        return web.json_response(whole)

    async def _ask(self, prompt: Prompt) -> Completions:
        """In a task of its own, which is cancelled once however often its client's request is."""
        task = asyncio.ensure_future(self._answer(prompt))
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            raise

    async def wait_for_the_cancelled(self, app: web.Application) -> None:
        """So that nobody takes from them what they still hold, such as a guest."""
        if self._open:
            await asyncio.wait(self._open, timeout=_PUT_AWAY_S)


async def _health(request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _stream(request: web.Request, whole: Json, *, with_usage: bool) -> web.StreamResponse:
    """The model answers all at once: what is streamed is complete, and cannot fail midway."""
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
    )
    try:
        await response.prepare(request)
        for chunk in chat_protocol.chunks(whole, with_usage=with_usage):
            await response.write(chat_protocol.event(chunk))
        await response.write(chat_protocol.DONE_EVENT)
        await response.write_eof()
    except ConnectionError:
        _log.debug("a client left before its stream ended")
    return response


@web.middleware
async def _in_openai_format(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever goes wrong becomes an error object; what nobody expected is only logged whole."""
    try:
        _refuse_web_pages(request)
        return await handler(request)
    except RequestRefused as refused:
        return _error(refused.status, str(refused), param=refused.param, code=refused.code)
    except ModelFailure as failure:
        return _error(_STATUS_OF.get(failure.kind, 503 if failure.retryable else 500), str(failure))
    except InfrastructureError as error:
        return _error(503 if error.retryable else 500, str(error))
    except web.RequestPayloadError:
        return _error(400, "The body cannot be decoded.")
    except web.HTTPException as error:
        return _http_error(request, error)
    except Exception:  # noqa: BLE001 - the edge
        _log.exception("%s %s failed", request.method, request.path)
        return _error(500, "The server had an error; its log says more.")


def _refuse_web_pages(request: web.Request) -> None:
    """There is no key check, and any page in the user's browser could send requests to here."""
    origin = request.headers.get("Origin")
    if origin is not None and not _OF_THIS_MACHINE.fullmatch(origin):
        raise RequestRefused(403, "Web pages of other hosts may not use this server.")


def _http_error(request: web.Request, error: web.HTTPException) -> web.Response:
    asked = f"{request.method} {request.path}"
    match error.status:
        case 404:
            return _error(404, f"Unknown request URL: {asked}.", code="unknown_url")
        case 405:
            allowed = error.headers["Allow"]
            response = _error(405, f"Not allowed: {asked}. Allowed here: {allowed}.")
            response.headers["Allow"] = allowed
            return response
        case 413:
            most = f"{MAX_BODY_BYTES >> 20} MB"
            return _error(413, f"The body is too large: {most} at most.", code="request_too_large")
    return _error(error.status, HTTPStatus(error.status).phrase)


def _error(
    status: int, message: str, *, param: str | None = None, code: str | None = None
) -> web.Response:
    body = chat_protocol.error_object(status, message, param=param, code=code)
    # OpenAI's clients ask again after any status of 500 and above, unless they are told not to.
    headers = {"x-should-retry": "false"} if status == HTTPStatus.INTERNAL_SERVER_ERROR else None
    return web.json_response(body, status=status, headers=headers)
