"""The server's end of one HTTP exchange."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Mapping

from aiohttp import web

from model_server.dialect import Dialect
from model_server.exchange import Refusal
from model_server.ledger import Ledger

JSON = "application/json"
# On, and no time to linger: closing sends a reset in place of an end.
_RESET = struct.pack("ii", 1, 0)


class Wire:
    """Sends one response, or spoils it.

    Attributes:
        response: what was begun to be sent, or None.
        whole: whether all of a response was handed to the kernel.
        cut: whether the connection was aborted from this end.
    """

    __slots__ = ("_dialect", "_ledger", "_number", "_request", "cut", "response", "whole")

    def __init__(
        self, request: web.BaseRequest, dialect: Dialect, number: int, ledger: Ledger
    ) -> None:
        self._request = request
        self._dialect = dialect
        self._number = number
        self._ledger = ledger
        self.response: web.StreamResponse | None = None
        self.whole = False
        self.cut = False

    async def send(
        self,
        body: bytes,
        *,
        status: int = 200,
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Send a whole response, and return when the kernel has it."""
        response = web.Response(
            body=body,
            status=status,
            content_type=content_type,
            headers={**self._id_header(), **(headers or {})},
        )
        await self._begin(response)
        self._ledger.ending(self._number)
        await self._end(response)

    async def refuse(self, refusal: Refusal) -> None:
        """Send an error in the provider's own format."""
        body = json.dumps(refusal.body or self._dialect.refusal(refusal)).encode()
        await self.send(body, status=refusal.status, headers=refusal.headers)

    async def send_part(self, body: bytes, sent_bytes: int) -> None:
        """Send headers that promise the whole of a body, and the first bytes of it."""
        response = await self._begin_json(len(body))
        await response.write(body[:sent_bytes])
        await self._flushed()

    async def trickle(self, body: bytes, pieces: int, pause_s: float) -> None:
        """Send a whole body in so many pieces, with a pause before each."""
        response = await self._begin_json(len(body))
        size = -(-len(body) // pieces)
        for start in range(0, len(body), size):
            await asyncio.sleep(pause_s)
            if start + size >= len(body):
                self._ledger.ending(self._number)
            await response.write(body[start : start + size])
        await self._end(response)

    def abort(self, *, reset: bool = False) -> None:
        """Close the connection; with a reset (ECONNRESET) or as if the answer had ended."""
        self.cut = True
        transport = self._request.transport
        if transport is None:
            return
        if reset:
            transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, _RESET
            )
        transport.abort()

    async def _begin_json(self, size_bytes: int) -> web.StreamResponse:
        response = web.StreamResponse(headers=self._id_header())
        response.content_type = JSON
        response.content_length = size_bytes
        await self._begin(response)
        return response

    async def _begin(self, response: web.StreamResponse) -> None:
        self.response = response
        await response.prepare(self._request)

    async def _end(self, response: web.StreamResponse) -> None:
        await response.write_eof()
        await self._flushed()
        self.whole = True

    def _id_header(self) -> dict[str, str]:
        return {self._dialect.request_id_header: f"req_{self._number}"}

    async def _flushed(self) -> None:
        """Wait until nothing is left in this process; ends with a cancellation if the client left.

        Polling, as aiohttp tells only when its buffer is below its own mark.
        """
        transport = self._request.transport
        while transport is not None and transport.get_write_buffer_size():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
