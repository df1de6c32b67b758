"""The page's server: its addresses, and the stream of what changes on an open page."""

from __future__ import annotations

import asyncio
import json
import logging
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from aiohttp import web
from aiohttp.typedefs import Middleware

from selftaught.core.errors import ConfigError, SelfTaughtError
from selftaught.pages.markup import joined, tag
from selftaught.pages.svg import drawn
from selftaught.web.listening import serve
from selftaught.web.ui import acts_page, compare_page
from selftaught.web.ui.access import HEADERS, Gate, Handler, token_of
from selftaught.web.ui.acts_page import Asked
from selftaught.web.ui.commands import Acts
from selftaught.web.ui.frame import Parts, View, command, document
from selftaught.web.ui.glance import Glance
from selftaught.web.ui.parts import SlowParts
from selftaught.web.ui.programs_page import find_program, improver_view, tree_view
from selftaught.web.ui.run_page import figures_of, run_view
from selftaught.web.ui.runs_page import runs_view
from selftaught.web.ui.watch import Watcher

_HEARTBEAT_S = 15.0
_MOST_FORM_BYTES = 64 << 10
_ASSETS = {"ui.js": "text/javascript", "ui.css": "text/css", "icon.svg": "image/svg+xml"}
_STYLES = ("page.css", "blocks.css", "svg.css")

_log = logging.getLogger(__name__)

Viewer = Callable[[web.Request], Awaitable[View]]


class Served(NamedTuple):
    """A server that is up: where, and the address with its token."""

    port: int
    address: str


@asynccontextmanager
async def serving(
    store: str, port: int, folder: Path, *, read_only: bool = False
) -> AsyncIterator[Served]:
    """Serve the runs of a store while the context is open, on this machine alone.

    Args:
        folder: whose tasks can be chosen for a new run.
    Raises: ConfigError if it is no store of ours, or the port cannot be had.
    """
    watcher = Watcher(store)
    gate = Gate(token_of(repr(watcher.location)))
    pages = Pages(watcher, folder, read_only)
    following = asyncio.create_task(watcher.follow())
    try:
        async with serve(pages.app(gate), "127.0.0.1", port) as bound:
            gate.port = bound
            yield Served(bound, gate.address())
    finally:
        following.cancel()
        pages.acts.close()
        with suppress(asyncio.CancelledError):
            await following
        watcher.close()


@dataclass(slots=True)
class Pages:
    """What there is at which address."""

    watcher: Watcher
    folder: Path
    read_only: bool = False
    slow: SlowParts = field(init=False)
    acts: Acts = field(init=False)

    def __post_init__(self) -> None:
        self.slow = SlowParts(self.watcher)
        self.acts = Acts(self.watcher.store, self.watcher.touch)

    def app(self, gate: Gate) -> web.Application:
        app = web.Application(
            client_max_size=_MOST_FORM_BYTES, middlewares=[gate.middleware(), self._in_words]
        )
        views: dict[str, Viewer] = {
            "/": self._runs,
            "/run/{run}": self._run,
            "/run/{run}/tree": self._tree,
            "/run/{run}/improvers": self._improvers,
            r"/run/{run}/improver/{number:\d{1,9}}": self._improvers,
            "/program/{program}": self._program,
            "/compare": self._compare,
        }
        if not self.read_only:
            views |= {"/start": self._start, "/acts": self._acts, r"/acts/{act:\d{1,9}}": self._act}
            app.router.add_post("/run/{run}/stop", self._stop)
            app.router.add_post("/run/{run}/resume", self._resume)
            app.router.add_post("/start", self._begin)
        for path, viewer in views.items():
            app.router.add_get(path, self._page(viewer))
            app.router.add_get(f"/live{path if path != '/' else ''}", self._stream(viewer))
        app.router.add_get("/run/{run}/{figure:[a-z]+}.svg", self._figure)
        app.router.add_get("/assets/{name}", _asset)
        return app

    # --- views ------------------------------------------------------------------------------------

    async def _runs(self, request: web.Request) -> View:
        return runs_view(self.watcher, request.query)

    async def _run(self, request: web.Request) -> View:
        run_id = await self._run_id(request.match_info["run"])
        return run_view(self.watcher, self.slow, run_id, acts=not self.read_only)

    async def _tree(self, request: web.Request) -> View:
        run_id = await self._run_id(request.match_info["run"])
        return await tree_view(self.watcher, run_id, _from(request) or 1)

    async def _improvers(self, request: web.Request) -> View:
        run_id = await self._run_id(request.match_info["run"])
        number = request.match_info.get("number")
        asked = None if number is None else int(number)
        return improver_view(self.watcher, self.slow, run_id, asked, _from(request))

    async def _program(self, request: web.Request) -> View:
        prefix, run = request.match_info["program"], request.query.get("run")
        return await self.watcher.slowly(lambda reader: find_program(reader, prefix, run))

    async def _compare(self, request: web.Request) -> View:
        asked = list(dict.fromkeys(request.query.getall("run", [])))
        if not 1 <= len(asked) <= compare_page.MOST:
            raise ConfigError(f"select 2 to {compare_page.MOST} runs to compare")
        run_ids = [await self._run_id(one) for one in asked]
        return await compare_page.compare_view(self.watcher, list(dict.fromkeys(run_ids)))

    async def _start(self, request: web.Request) -> View:
        loop = asyncio.get_running_loop()
        shown = self.watcher.shown
        return await loop.run_in_executor(None, acts_page.start_view, self.folder, shown)

    async def _acts(self, request: web.Request) -> View:
        return acts_page.acts_view(self.acts)

    async def _act(self, request: web.Request) -> View:
        act = self.acts.all.get(int(request.match_info["act"]))
        if act is None:
            raise LookupError("this server knows of no such act")
        return acts_page.act_view(act)

    async def _run_id(self, prefix: str) -> str:
        found = await self.watcher.find(prefix)
        if found is None:
            raise LookupError(f"no run of this store begins with {prefix[:40]}")
        return found

    async def _glance(self, run_id: str) -> Glance:
        found = await self.watcher.glance(run_id)
        assert found is not None  # it was waited for
        return found

    async def _figure(self, request: web.Request) -> web.Response:
        run_id = await self._run_id(request.match_info["run"])
        found = figures_of(await self._glance(run_id)).get(request.match_info["figure"])
        if found is None:
            raise LookupError("this run has no such figure")
        said = drawn(found[1], found[0], alone=True)
        # Its own style is all that it may use, should it be opened by itself.
        policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return web.Response(text=said, content_type="image/svg+xml", headers={**HEADERS, **policy})

    # --- acts -------------------------------------------------------------------------------------

    async def _stop(self, request: web.Request) -> web.Response:
        return await self._do(
            acts_page.asked_to_stop(await self._run_id(request.match_info["run"]))
        )

    async def _resume(self, request: web.Request) -> web.Response:
        run_id = await self._run_id(request.match_info["run"])
        glance = await self._glance(run_id)
        return await self._do(acts_page.asked_to_resume(run_id, glance, await _form(request)))

    async def _begin(self, request: web.Request) -> web.Response:
        posted = await request.post()
        tasks = [str(one) for one in posted.getall("task", [])]
        return await self._do(acts_page.asked_to_start(await _form(request), tasks, self.folder))

    async def _do(self, asked: Asked) -> web.Response:
        typed = f"{asked.typed} --store {shlex.quote(self.watcher.shown)}"
        act = await self.acts.start(asked.arguments, typed, asked.told)
        headers = {**HEADERS, "Location": f"/acts/{act.number}"}
        return web.Response(status=303, headers=headers)

    # --- pages and streams ------------------------------------------------------------------------

    def _page(self, viewer: Viewer) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            view = await viewer(request)
            parts = {**view.parts, **await view.draw()} if view.draw else view.parts
            stream = f"/live{request.path_qs if request.path != '/' else _query(request)}"
            return self._html(view, parts, stream if view.draw else "")

        return handle

    def _html(self, view: View, parts: Parts, stream: str, status: int = 200) -> web.Response:
        shown = View(view.title, parts, view.draw, view.trail)
        said = document(shown, stream, self.watcher.shown, acts=not self.read_only)
        return web.Response(status=status, text=said, content_type="text/html", headers=HEADERS)

    def _stream(self, viewer: Viewer) -> Handler:
        """Parts of a page as they change; all of them at first, whenever a page was opened."""

        async def handle(request: web.Request) -> web.StreamResponse:
            view = await viewer(request)
            response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
            sent: dict[str, str] = {}
            with suppress(ConnectionError):
                await response.prepare(request)
                await response.write(b"retry: 1000\n\n")
                while view.draw is not None:
                    version = self.watcher.version
                    parts = await view.draw()
                    new = {name: one for name, one in parts.items() if sent.get(name) != one}
                    sent.update(new)
                    said = b"".join(_event(version, name, one) for name, one in new.items())
                    await response.write(said or b": here\n\n")
                    await self.watcher.change(version, _HEARTBEAT_S)
            return response

        return handle

    @property
    def _in_words(self) -> Middleware:
        @web.middleware
        async def told(request: web.Request, handler: Handler) -> web.StreamResponse:
            """Whatever goes wrong becomes a page that says so."""
            try:
                return await handler(request)
            except KeyError:  # a journal says what no run says
                _log.exception("%s %s failed", request.method, request.path)
                return self._trouble(500, "This cannot be told; selftaught verify says more.")
            except LookupError as error:
                return self._trouble(404, str(error))
            except ConfigError as error:
                return self._trouble(400, str(error))
            except SelfTaughtError as error:
                return self._trouble(503, str(error))
            except web.HTTPException as error:
                return self._trouble(error.status, error.reason)
            except (asyncio.CancelledError, ConnectionError):
                raise
            except Exception:  # noqa: BLE001 - the edge
                _log.exception("%s %s failed", request.method, request.path)
                return self._trouble(500, "The page had an error; the log of its server says more.")

        return told

    def _trouble(self, status: int, said: str) -> web.Response:
        parts = {"trouble": joined(tag("p", said), command("selftaught ui", "Its server:"))}
        return self._html(View("This cannot be shown", parts), parts, "", status)


def _event(version: int, name: str, said: str) -> bytes:
    told = json.dumps({"id": name, "html": said})
    return f"id: {version}\nevent: part\ndata: {told}\n\n".encode()


def _query(request: web.Request) -> str:
    return f"?{request.query_string}" if request.query_string else ""


def _from(request: web.Request) -> int | None:
    said = request.query.get("from", "")
    return min(int(said), 10**9) if said.isascii() and said.isdigit() and len(said) < 12 else None


async def _form(request: web.Request) -> Mapping[str, str]:
    posted = await request.post()
    return {name: value for name, value in posted.items() if isinstance(value, str)}


async def _asset(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name in _STYLES:
        said = resources.files("selftaught.pages").joinpath(name).read_text("utf-8")
        return web.Response(text=said, content_type="text/css", headers=HEADERS)
    if name not in _ASSETS:
        raise LookupError(f"there is no {name[:40]}")
    said = resources.files("selftaught.web.ui").joinpath("assets", name).read_text("utf-8")
    return web.Response(text=said, content_type=_ASSETS[name], headers=HEADERS)
