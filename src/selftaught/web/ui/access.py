"""Who may see the page: whoever has its token, from this machine's own browser, and nobody else.

Other pages in the same browser reach loopback, too, and pages of other ports send the same cookies:
so the Host and the Origin of a request must be ours, and whatever acts says its origin.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.typedefs import Middleware

from selftaught.app.instance_key import kept_secret
from selftaught.core.errors import ConfigError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_TOKEN = "token"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    # Without any a browser would not tell the origin of a form, either.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def token_of(place: str) -> str:
    """The token for a store: the same after a restart, so that an open page goes on.

    Where nothing can be kept, it is another one each time.
    """
    try:
        secret = kept_secret("ui_key")
    except (OSError, ConfigError):
        secret = secrets.token_hex(16)
    return hmac.new(secret.encode(), place.encode(), hashlib.sha256).hexdigest()[:40]


@dataclass(slots=True)
class Gate:
    """What a request must show. `port` is known once the server listens."""

    token: str
    port: int = 0

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(f"{name}:{self.port}" for name in ("127.0.0.1", "localhost", "[::1]"))

    @property
    def cookie(self) -> str:
        """Its name; cookies do not tell ports apart."""
        return f"selftaught_{self.port}"

    def address(self) -> str:
        return f"http://{self.hosts[0]}/?{urlencode({_TOKEN: self.token})}"

    def middleware(self) -> Middleware:
        @web.middleware
        async def checked(request: web.Request, handler: Handler) -> web.StreamResponse:
            refused = self._refusal(request)
            if refused is not None:
                return refused
            given = request.query.get(_TOKEN)
            if given is not None and request.method == "GET":
                return self._let_in(request, given)
            if not self._is(request.cookies.get(self.cookie, "")):
                said = "Open the address that `selftaught ui` has printed: it holds a token."
                return web.Response(status=401, text=said, headers=HEADERS)
            return await handler(request)

        return checked

    def _refusal(self, request: web.Request) -> web.Response | None:
        host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
        if host not in self.hosts:
            said = "This page is served to this machine, by the address that was printed."
            return web.Response(status=421, text=said, headers=HEADERS)
        ours = origin == f"http://{host}"
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        is_visit = request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
        is_safe = request.method in ("GET", "HEAD")
        if (
            (origin is not None and not ours)
            or (not is_safe and not ours)
            or (site not in ("same-origin", "none") and not (is_safe and is_visit))
        ):
            said = "Pages of other addresses may not use this one."
            return web.Response(status=403, text=said, headers=HEADERS)
        return None

    def _let_in(self, request: web.Request, given: str) -> web.Response:
        """With a cookie in place of the token, which then stands in no address any more."""
        if not self._is(given):
            return web.Response(status=401, text="This token is not the page's.", headers=HEADERS)
        query = {name: value for name, value in request.query.items() if name != _TOKEN}
        where = request.path + (f"?{urlencode(query)}" if query else "")
        answer = web.Response(status=303, headers={**HEADERS, "Location": where})
        answer.set_cookie(self.cookie, self.token, httponly=True, samesite="Strict", path="/")
        return answer

    def _is(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode())
