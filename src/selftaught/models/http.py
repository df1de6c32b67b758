"""JSON over HTTP to one provider: a request is sent once, over connections that are kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from selftaught.models.faults import ProviderError
from selftaught.models.keys import is_loopback

if TYPE_CHECKING:  # each command that lists models would wait for it
    import aiohttp

_CONNECT_S = 15.0
_KEEP_S = 5.0  # a connection that nobody uses: servers close theirs no sooner


class JsonClient:
    """For one event loop; `headers` are those of all requests, the key among them."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.base_url = ""  # of addresses that are paths
        self._headers = headers
        self._session: aiohttp.ClientSession | None = None

    async def post(self, address: str, body: Mapping[str, Any]) -> Any:
        """What was answered. It may take its time: whoever waits sets a limit.

        Raises: ProviderError; ValueError or RecursionError if it is no JSON.
        """
        url = f"{self.base_url}{address}"
        import aiohttp

        # As text that is not ASCII is shortest, and as SDKs send it.
        sent = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        session = self._session = self._session or self._session_for(url)
        try:
            # Redirects are not followed: the key would go with them.
            async with session.post(url, data=sent.encode(), allow_redirects=False) as response:
                said = await response.read()
        except aiohttp.ClientError as error:
            raise ProviderError(str(error)) from error
        if response.status // 100 != 2:
            raise ProviderError.of_status(response.status, said, response.headers)
        return json.loads(said)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _session_for(self, url: str) -> aiohttp.ClientSession:
        import aiohttp

        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_S),
            headers={
                "Accept": "application/json",
                "Content-Type": "application/json",
                "User-Agent": f"selftaught/{version('selftaught')}",
                **self._headers,
            },
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=_proxy_for(url),
        )


def _proxy_for(url: str) -> str | None:
    """The one that the environment names, as for other programs (HTTPS_PROXY, NO_PROXY)."""
    parts = urlsplit(url)
    is_direct = is_loopback(url) or proxy_bypass(parts.netloc)
    return None if is_direct else getproxies().get(parts.scheme)
