"""Providers of language models for people and for programs."""

from __future__ import annotations

import inspect
from importlib import metadata
from typing import Any

from rich.console import Console

from selftaught.app.config import DEFAULT_MODEL
from selftaught.cli.report import plain_table, say
from selftaught.cli.terminal import printable

_ABOUT_DEFAULT = (
    "needs no key and no network; it edits programs at random, and is not a language model"
)


def listed_models() -> dict[str, Any]:
    """The object of `models --json`."""
    points = sorted(metadata.entry_points(group="selftaught.models"), key=lambda p: p.name)
    return {
        "default": DEFAULT_MODEL,
        "about_default": _ABOUT_DEFAULT,
        "providers": [{"provider": point.name, "summary": _summary(point)} for point in points],
    }


def print_models(console: Console, models: dict[str, Any]) -> None:
    console.print(f"default: {models['default']}", style="bold")
    say(console, models["about_default"])
    console.print()
    table = plain_table("provider", "")
    for provider in models["providers"]:
        table.add_row(f"{provider['provider']}:", printable(provider["summary"]))
    table.columns[-1].no_wrap = False
    console.print(table)


def _summary(point: metadata.EntryPoint) -> str:
    """The first line of the docstring of the provider's module, or why it cannot be loaded."""
    try:
        factory = point.load()
    except Exception as error:  # noqa: BLE001 - a plugin's import may raise anything
        return f"cannot be loaded: {type(error).__name__}: {error}"
    module = inspect.getmodule(factory)
    return (inspect.getdoc(module) or "").partition("\n")[0]
