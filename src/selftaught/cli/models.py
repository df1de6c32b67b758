"""Providers of language models for people and for programs."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from rich.console import Console

from selftaught.analysis import words
from selftaught.analysis.safe_text import printable
from selftaught.app import core_thread
from selftaught.app.serving import check_model
from selftaught.cli.options import configured
from selftaught.cli.report import plain_table, say
from selftaught.studies.common_config import DEFAULT_MODEL, ProviderConfig

_ABOUT_DEFAULT = (
    "needs no key and no network; it edits programs at random, and is not a language model"
)

_SHOWN = 60


def listed_models() -> dict[str, Any]:
    """The object of `models --json`."""
    points = sorted(metadata.entry_points(group="selftaught.models"), key=lambda p: p.name)
    return {
        "default": DEFAULT_MODEL,
        "about_default": _ABOUT_DEFAULT,
        "providers": [_listed(point) for point in points],
    }


def print_models(console: Console, models: dict[str, Any]) -> None:
    console.print(f"default: {models['default']}", style="bold")
    say(console, models["about_default"])
    console.print()
    table = plain_table("provider", "in the environment", "")
    for provider in models["providers"]:
        found = ", ".join(provider["environment"]) or "-"
        table.add_row(f"{provider['provider']}:", found, printable(provider["summary"]))
    table.columns[-1].no_wrap = False
    console.print(table)


def checked_model(name: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """The object of `models --check --json`."""
    config = configured(ProviderConfig, options)
    return core_thread.run(check_model(name or DEFAULT_MODEL, config))


def print_check(console: Console, checked: dict[str, Any]) -> None:
    usage = checked["usage"]
    tokens = f"{usage['tokens_in']:,} tokens in, {usage['tokens_out']:,} out"
    unreported = "" if checked["usage_reported"] else "; not reported for every answer"
    table = plain_table("", "")
    table.add_row("answered as", printable(checked["answered_as"]))
    table.add_row("latency", words.duration(checked["latency_s"]))
    table.add_row("price", _price(checked))
    money = "" if checked["price_in"] is None else f", {usage['usd']:.6f} USD"
    table.add_row("used", f"{tokens}{money}{unreported}")
    table.add_row(
        "requests", f"{usage['requests']} for {words.counted(usage['samples'], 'sample')}"
    )
    table.add_row(
        "said", printable(" | ".join(" ".join(text.split())[:_SHOWN] for text in checked["texts"]))
    )
    for name in ("quirks", "failures"):
        table.add_row(name, "\n".join(printable(said) for said in checked[name]) or "none")
    table.columns[-1].no_wrap = False
    console.print(f"{printable(checked['model'])} works", style="bold")
    console.print(table)


def _price(checked: Mapping[str, Any]) -> str:
    if checked["price_in"] is None:
        return "not known: a budget in USD needs --price-in and --price-out"
    return (
        f"{checked['price_in']:g} USD per million tokens in, {checked['price_out']:g} out, at most"
    )


def _listed(point: metadata.EntryPoint) -> dict[str, Any]:
    """A provider, and the names of its variables that the environment has."""
    try:
        module = inspect.getmodule(point.load())
    except Exception as error:  # noqa: BLE001 - a plugin's import may raise anything
        said = f"cannot be loaded: {type(error).__name__}: {error}"
        return {"provider": point.name, "summary": said, "environment": []}
    # A plugin need not say which variables it reads.
    variables = getattr(module, "VARIABLES", ())
    return {
        "provider": point.name,
        "summary": (inspect.getdoc(module) or "").partition("\n")[0],
        "environment": [name for name in variables if os.environ.get(name)],
    }
