"""`selftaught ui`: the runs of a store in a browser, live; and beside a run that is started."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from selftaught.cli.edge import DONE
from selftaught.cli.options import SectionedCommand, option, reading_store_option
from selftaught.core.errors import ConfigError

_PORT = 8765
_ENDS_WITHIN_S = 5.0

beside_option = option("--ui", "with_ui", is_flag=True, help="Show it in a browser, too, live.")


@click.command(
    "ui", cls=SectionedCommand, short_help="Show the runs of a store in a browser, live."
)
@option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="P",
    default=None,
    help=f"Port to listen on; 0 for a free one.  [default: {_PORT}, or a free one]",
)
@option("--open", "opens", is_flag=True, help="Open it in this machine's browser.")
@option("--read-only", is_flag=True, help="Show only: nothing can be stopped or started from it.")
@reading_store_option
def ui(port: int | None, opens: bool, read_only: bool, store: str) -> int:
    """Serve a page on which the runs of a store are watched as they go on, compared, stopped, gone
    on with and started.

    It prints its address, which holds a token: whoever has it, on this machine, sees and does what
    you can. Ctrl-C ends the page, and no run that was started from it.
    """
    import asyncio

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(port, store, opens=opens, read_only=read_only))
    return DONE


async def _serve(port: int | None, store: str, *, opens: bool, read_only: bool) -> None:
    import asyncio

    from selftaught.web.ui.server import serving

    async with contextlib.AsyncExitStack() as stack:
        context = serving(store, _PORT if port is None else port, Path(), read_only=read_only)
        try:
            served = await stack.enter_async_context(context)
        except ConfigError:
            if port is not None:
                raise
            context = serving(store, 0, Path(), read_only=read_only)
            served = await stack.enter_async_context(context)
        click.echo(served.address)
        if opens:
            import webbrowser

            await asyncio.to_thread(webbrowser.open, served.address)
        await asyncio.Event().wait()  # until cancelled


@contextlib.contextmanager
def page_beside(store: str) -> Iterator[None]:
    """A page of the store while the body runs, in a process of the same group."""
    command = (sys.executable, "-P", "-m", "selftaught", "ui", f"--store={store}")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        if not address:
            raise ConfigError("the page could not be started; it says above why")
        click.echo(f"watch it at {address}", err=True)
        try:
            yield
        finally:
            click.echo("the page ends with this command; selftaught ui shows it again", err=True)
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_ENDS_WITHIN_S)
            process.kill()
