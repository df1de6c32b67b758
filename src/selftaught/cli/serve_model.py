"""`selftaught serve-model`: a model behind OpenAI's protocol, for other tools."""

from __future__ import annotations

import contextlib
import ipaddress
import sys
from typing import Any

import click

from selftaught.cli.edge import DONE
from selftaught.cli.options import SectionedCommand, configured, setting_options
from selftaught.studies.common_config import ServerConfig


@click.command(
    "serve-model", cls=SectionedCommand, short_help="Serve a model behind OpenAI's protocol."
)
@click.argument("model", metavar="MODEL")
@setting_options(ServerConfig)
def serve_model(model: str, **options: Any) -> int:
    """Serve MODEL behind OpenAI's chat-completions protocol, so that other tools can use it.

    MODEL is written provider:name, such as local:mutator. There is no key check: whoever reaches
    the port can use the model. Ctrl-C ends it.
    """
    from selftaught.app import core_thread

    config = configured(ServerConfig, options)
    try:
        core_thread.run(_serve(model, config))
    except KeyboardInterrupt:
        _say("stopped; guests are gone")
    return DONE


async def _serve(name: str, config: ServerConfig) -> None:
    import asyncio

    from selftaught.app.serving import running_model
    from selftaught.web.chat_server import chat_app
    from selftaught.web.listening import serve

    async with running_model(name, config, tier=config.tier, slots=config.slots) as model:
        app = chat_app(name, model.sample, max_tokens=config.max_tokens)
        async with serve(app, config.host, config.port) as bound_port:
            _tell_address(name, config.host, bound_port)
            await asyncio.Event().wait()  # until cancelled


def _tell_address(name: str, host: str, port: int) -> None:
    url = f"http://{_reachable(host)}:{port}/v1"
    _say(f"{name} answers at {url}")
    model = name.partition(":")[2]
    how = f"OPENAI_BASE_URL={url} OPENAI_API_KEY=none, or --model openai:{model} --base-url {url}"
    _say(f"use it with {how}")
    if not _is_loopback(host):
        _say(
            "warning: this is open to other machines, and anybody who reaches it can use the model"
        )


def _is_loopback(host: str) -> bool:
    """Whether only this machine reaches it; of a name other than localhost nothing is known."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reachable(host: str) -> str:
    """How this machine's own tools reach the host, as it stands in a URL."""
    address = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{address}]" if ":" in address else address


def _say(message: str) -> None:
    from selftaught.pages.text import printable

    with contextlib.suppress(OSError):  # nobody reads it: that must not end the server
        print(f"selftaught: {printable(message)}", file=sys.stderr, flush=True)
