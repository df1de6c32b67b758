"""Providers of language models for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from selftaught.analysis.replies import LOST
from selftaught.app.discovery import providers
from selftaught.cli.options import configured
from selftaught.pages import words
from selftaught.pages.blocks import Block, Facts, Paragraph, Table
from selftaught.studies.common_config import DEFAULT_MODEL
from selftaught.studies.models_config import ProviderConfig

_ABOUT_DEFAULT = (
    "needs no key and no network; it edits programs at random, and is not a language model"
)

_SHOWN = 60


def listed_models() -> dict[str, Any]:
    """The object of `models --json`."""
    return {"default": DEFAULT_MODEL, "about_default": _ABOUT_DEFAULT, "providers": providers()}


def models_blocks(models: dict[str, Any]) -> Iterator[Block]:
    yield Facts((), f"default: {models['default']}")
    yield Paragraph(models["about_default"])
    rows = [
        (f"{one['provider']}:", ", ".join(one["environment"]) or "-", one["summary"])
        for one in models["providers"]
    ]
    yield Table("", ("provider", "in the environment", ""), tuple(rows))


def checked_model(name: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """The object of `models --check --json`."""
    from selftaught.app import core_thread
    from selftaught.app.serving import check_model

    config = configured(ProviderConfig, options)
    return core_thread.run(check_model(name or DEFAULT_MODEL, config))


def check_blocks(checked: dict[str, Any]) -> Iterator[Block]:
    usage = checked["usage"]
    tokens = f"{usage['tokens_in']:,} tokens in, {usage['tokens_out']:,} out"
    unreported = "" if checked["usage_reported"] else "; not reported for every answer"
    money = "" if checked["price_in"] is None else f", {usage['usd']:.6f} USD"
    said = " | ".join(" ".join(text.split())[:_SHOWN] for text in checked["texts"])
    rows = (
        ("answered as", checked["answered_as"]),
        ("latency", words.duration(checked["latency_s"])),
        ("price", _price(checked)),
        ("used", f"{tokens}{money}{unreported}"),
        ("requests", f"{usage['requests']} for {words.counted(usage['samples'], 'sample')}"),
        ("programs", _programs(checked)),
        ("said", said),
        *((name, "; ".join(checked[name]) or "none") for name in ("quirks", "failures")),
    )
    yield Facts(rows, f"{checked['model']} works")


def _programs(checked: Mapping[str, Any]) -> str:
    lost = "".join(f"; {n} {LOST.get(why, why)}" for why, n in checked["lost"].items())
    return f"in {checked['programs']} of {len(checked['texts'])} replies{lost}"


def _price(checked: Mapping[str, Any]) -> str:
    if checked["price_in"] is None:
        return "not known: a budget in USD needs --price-in and --price-out"
    return (
        f"{checked['price_in']:g} USD per million tokens in, {checked['price_out']:g} out, at most"
    )
