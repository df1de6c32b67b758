"""Listening on a port, for as long as a context is open."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from selftaught.core.errors import ConfigError

# At the end: how long open requests may go on; aiohttp waits twice.
_GRACE_S = 0.2


@asynccontextmanager
async def serve(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serve while the context is open; gives the port, which is a free one if `port` is 0.

    At the end requests that are open have a moment to finish, then they are cancelled.

    Raises: ConfigError if it cannot listen there.
    """
    runner = web.AppRunner(
        app, handler_cancellation=True, access_log=None, shutdown_timeout=_GRACE_S
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except (OSError, UnicodeError) as error:
            raise ConfigError(f"cannot listen on {host}:{port}: {_reason(error)}") from None
        yield site.port
    finally:
        await runner.cleanup()


def _reason(error: OSError | UnicodeError) -> str:
    if isinstance(error, UnicodeError):
        return "this is no name of a host"
    if error.errno == errno.EADDRINUSE:
        return "the port is in use; give another --port, or 0 for a free one"
    if isinstance(error, socket.gaierror) or error.errno is None:
        return str(error.strerror)
    return os.strerror(error.errno)  # without the address, which asyncio puts before it
