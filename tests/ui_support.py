"""The live page as a client sees it: over HTTP, with its token, and its stream."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import aiohttp

from made_journal import Shape, make_journal
from selftaught.web.ui.server import serving

UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
# All elements that a page is made of; a script or a style of its own is none of them.
TAGS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "link",
        "script",
        "body",
        "header",
        "nav",
        "main",
        "section",
    ),
    *("a", "p", "ol", "ul", "li", "h1", "h2", "h3", "h4", "div", "span", "small", "strong", "br"),
    *("form", "label", "input", "select", "option", "button", "meter", "time", "code", "pre"),
    *("table", "thead", "tbody", "tr", "th", "td", "dl", "dt", "dd", "details", "summary"),
    *("article", "figure", "figcaption", "svg", "path", "text", "circle", "rect"),
}
VOID = {"meta", "link", "input", "br"}


class Read(HTMLParser):
    """What a browser would make of a page; anything that acts by itself is an error."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.ids: list[str] = []
        self.said: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        assert name in TAGS, name
        said = dict(attributes)
        assert len(said) == len(attributes)
        assert not any(key.startswith("on") or key == "style" for key in said), said
        assert name != "script" or said == {"src": "/assets/ui.js", "defer": None}
        for key in ("href", "src", "action"):
            if key in said:
                assert re.match("[/#]", said[key] or ""), said
                self.links.append(said[key] or "")
        if "id" in said:
            self.ids.append(said["id"] or "")
        if name not in VOID:
            self._open.append(name)

    def handle_endtag(self, name: str) -> None:
        assert self._open.pop() == name

    def handle_data(self, data: str) -> None:
        if self._open:
            assert self._open[-1] != "script", data
        self.said.append(data)


@dataclass
class Page:
    """A page's server, and a client that was let in."""

    base: str
    address: str
    http: aiohttp.ClientSession

    async def get(self, path: str, status: int = 200) -> Read:
        """A page, which is checked whatever it is about."""
        async with self.http.get(self.base + path) as response:
            text = await response.text()
            assert response.status == status, text
            assert "'unsafe" not in response.headers["Content-Security-Policy"]
            assert UNSAFE.search(text) is None
            return Read(text)

    async def whole(self, path: str) -> Read:
        """The same, when what takes a while is there."""
        async with asyncio.timeout(60):
            while "Reading the journal" in (shown := await self.get(path)).text:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        return shown

    async def post(self, path: str, **form: Any) -> tuple[int, str]:
        """Status, and where to go on or what was said."""
        origin = {"Origin": self.base}
        async with self.http.post(
            self.base + path, data=form, headers=origin, allow_redirects=False
        ) as response:
            return response.status, response.headers.get("Location") or await response.text()

    async def stream(self, path: str) -> AsyncIterator[tuple[str, str]]:
        """Parts as they come: their ids and their markup."""
        async with self.http.get(f"{self.base}{path}") as response:
            assert response.content_type == "text/event-stream"
            async for line in response.content:
                if line.startswith(b"data: "):
                    told = json.loads(line[6:])
                    yield told["id"], told["html"]

    async def acted(self, where: str) -> str:
        """What an act has said at its end."""
        async with asyncio.timeout(60):
            while "under way" in (text := (await self.get(where)).text):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        return text


@asynccontextmanager
async def client(address: str) -> AsyncIterator[Page]:
    """Let in by the address of a server."""
    timeout, most = aiohttp.ClientTimeout(total=None), 1 << 24
    # Cookies of an address without a name are kept as those of one.
    jar = aiohttp.CookieJar(unsafe=True)
    base = address.partition("/?")[0]
    async with aiohttp.ClientSession(
        timeout=timeout, cookie_jar=jar, read_bufsize=most, max_line_size=most
    ) as http:
        async with http.get(address) as response:
            assert (response.status, str(response.url)) == (200, f"{base}/")
        yield Page(base, address, http)


@asynccontextmanager
async def opened(store: str, folder: Path, *, read_only: bool = False) -> AsyncIterator[Page]:
    async with serving(store, 0, folder, read_only=read_only) as served:
        async with client(served.address) as page:
            yield page


def with_page(
    store: str, folder: Path, test: Callable[[Page], Coroutine[Any, Any, None]], **how: Any
) -> None:
    async def run() -> None:
        async with opened(store, folder, **how) as page:
            await test(page)

    asyncio.run(run())


def made(store: str, run_id: str, shape: Shape, events: int) -> None:
    asyncio.run(make_journal(store, run_id, shape, events))
