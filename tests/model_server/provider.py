"""The provider: takes one HTTP request after another through its plan."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from aiohttp import web

from model_server.anthropic_dialect import AnthropicDialect
from model_server.dialect import Dialect
from model_server.exchange import Answer, Question, Refusal, choice_of
from model_server.fault import NO_FAULT, Fault
from model_server.ledger import Ledger, Served
from model_server.openai_dialect import OpenAIDialect
from model_server.plans import Plan
from model_server.replies import Reply
from model_server.wire import Wire

_CHAT = re.compile(r"(/openai)?/v1/chat/completions|/openai/deployments/([^/]+)/chat/completions")
_KEY_HEADERS = ("Authorization", "api-key", "x-api-key")


@dataclass(slots=True)
class _Exchange:
    """What is known so far of a request under way."""

    number: int
    request: web.BaseRequest
    authorization: str
    started_s: float
    body: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""
    bill: tuple[int, int, int] | None = None
    disconnected: bool = False

    def served(self, wire: Wire) -> Served:
        samples, tokens_in, tokens_out = self.bill or (0, 0, 0)
        return Served(
            number=self.number,
            path=self.request.path,
            body=self.body,
            headers=self.request.headers,
            authorized=bool(self.authorization),
            authorization=self.authorization,
            fault=self.fault,
            status=None if wire.response is None else wire.response.status,
            whole=wire.whole,
            billed=self.bill is not None,
            samples=samples,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            disconnected=self.disconnected,
            started_s=self.started_s,
            ended_s=time.monotonic(),
        )


class Provider:
    """Serves in one event loop.

    Attributes:
        stopping: set before the connections are aborted, which no client is to be blamed for.
        errors: what a plan or a reply of the user's raised.
    """

    def __init__(
        self, *, plan: Plan, reply: Reply, latency_s: float, models: Sequence[str], ledger: Ledger
    ) -> None:
        self._plan = plan
        self._reply = reply
        self._latency_s = latency_s
        self._models = tuple(models)
        self._ledger = ledger
        self._burst = NO_FAULT
        self._burst_left = 0
        self.stopping = False
        self.errors: list[Exception] = []

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve one request; aiohttp cancels this when the client goes away."""
        if request.method == "GET" and request.path == "/counts":
            return web.json_response(asdict(self._ledger.counts(wait=False)))
        if request.method == "GET" and request.path in ("/v1/models", "/openai/v1/models"):
            return web.json_response(self._listing())
        dialect = _dialect(request.path) if request.method == "POST" else None
        if dialect is None:
            unknown = Refusal(404, f"Invalid URL ({request.method} {request.path})")
            return web.json_response(OpenAIDialect().refusal(unknown), status=404)
        return await self._exchange(request, dialect, await request.content.read())

    async def _exchange(
        self, request: web.BaseRequest, dialect: Dialect, raw: bytes
    ) -> web.StreamResponse:
        held = (request.headers[name] for name in _KEY_HEADERS if name in request.headers)
        exchange = _Exchange(self._ledger.begin(), request, next(held, ""), time.monotonic())
        wire = Wire(request, dialect, exchange.number, self._ledger)
        try:
            await self._serve(exchange, dialect, wire, raw)
        except ConnectionError:
            exchange.disconnected = not (self.stopping or wire.cut)
        except asyncio.CancelledError:
            exchange.disconnected = not (self.stopping or wire.cut)
            raise
        except Exception as error:
            self.errors.append(error)
            raise
        finally:
            self._ledger.end(exchange.served(wire))
        # aiohttp finds it sent already, or nobody there to send it to.
        return wire.response or web.Response()

    async def _serve(self, exchange: _Exchange, dialect: Dialect, wire: Wire, raw: bytes) -> None:
        question = _question(exchange, dialect, raw)
        fault = self._fault_of(exchange)
        if isinstance(question, Refusal):
            await wire.refuse(question)
            return
        refusal = fault.refuse(question)
        if refusal is not None:
            exchange.fault = fault.name
            await wire.refuse(refusal)
            return
        answer = fault.change(self._answer(exchange, question))
        exchange.bill = (
            len(answer.choices),
            question.tokens_in,
            answer.tokens_out(question.max_tokens),
        )
        exchange.fault = "" if fault.only_refuses else fault.name
        payload = fault.edit(dialect.answer(question, answer, exchange.number))
        if self._latency_s:
            await asyncio.sleep(self._latency_s)
        await fault.deliver(wire, json.dumps(payload).encode())

    def _fault_of(self, exchange: _Exchange) -> Fault:
        if self._burst_left:
            self._burst_left -= 1
            return self._burst
        fault = self._plan(exchange.number, exchange.body) or NO_FAULT
        self._burst, self._burst_left = fault, fault.following
        return fault

    def _answer(self, exchange: _Exchange, question: Question) -> Answer:
        return Answer(
            tuple(
                choice_of(
                    self._reply(exchange.number, question.body, index), index, question.max_tokens
                )
                for index in range(question.samples)
            )
        )

    def _listing(self) -> dict[str, Any]:
        models = [
            {"id": name, "object": "model", "created": 0, "owned_by": "selftaught"}
            for name in self._models
        ]
        return {"object": "list", "data": models}


def _dialect(path: str) -> Dialect | None:
    if path == "/v1/messages":
        return AnthropicDialect()
    chat = _CHAT.fullmatch(path)
    return None if chat is None else OpenAIDialect(chat[2] or "")


def _question(exchange: _Exchange, dialect: Dialect, raw: bytes) -> Question | Refusal:
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return Refusal(400, "We could not parse the JSON body of your request.")
    exchange.body = body
    return dialect.read(body, exchange.authorization.removeprefix("Bearer "))
