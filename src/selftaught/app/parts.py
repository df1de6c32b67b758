"""The parts of a run put together: the only place that knows concrete classes."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from selftaught.app.config import CommonConfig, ProviderConfig, SandboxConfig
from selftaught.app.discovery import make_model
from selftaught.core.errors import TierProbe
from selftaught.core.language_model import LanguageModel, ModelServices
from selftaught.core.ports import Executor, Journal, Sandbox
from selftaught.core.progress import Listener, silent
from selftaught.engine.context import RunContext
from selftaught.engine.evaluate import Evaluator
from selftaught.engine.ledger import Ledger
from selftaught.engine.limit import AdaptiveLimit
from selftaught.engine.requests import Requester
from selftaught.executors.limits import CORES
from selftaught.executors.local import LocalExecutor
from selftaught.executors.probe import choose, probe
from selftaught.sandboxes.layout import find_layout
from selftaught.sandboxes.namespaced import NamespacedSandbox
from selftaught.sandboxes.sealed import SealedSandbox


def sandboxes(tier: str = "auto", config: SandboxConfig | None = None) -> list[Sandbox]:
    """The tiers to try, strongest first. Raises: ConfigError if a module cannot be had."""
    config = config or SandboxConfig()
    layout = find_layout(config.modules, config.tmpdir_mb << 20)
    found: list[Sandbox] = [NamespacedSandbox(layout), SealedSandbox(layout)]
    return [sandbox for sandbox in found if tier in ("auto", sandbox.tier)]


def probe_all() -> tuple[TierProbe, ...]:
    """What each tier's probe finds here; blocking."""
    return tuple(probe(sandbox) for sandbox in sandboxes())


@asynccontextmanager
async def executor_for(
    tier: str = "auto", slots: int | None = None, config: SandboxConfig | None = None
) -> AsyncIterator[Executor]:
    """A running executor in the best tier that works here.

    Raises: SandboxUnavailable; ConfigError.
    """
    sandbox, _ = choose(sandboxes(tier, config))
    async with LocalExecutor(sandbox, candidates=slots or CORES).running() as executor:
        yield executor


@asynccontextmanager
async def opened_model(
    name: str, config: ProviderConfig, executor: Executor, *, will_ask: bool = True
) -> AsyncIterator[LanguageModel]:
    """A model, closed at the end. Raises: ConfigError."""
    services = ModelServices(executor, config.settings(), os.environ, will_ask)
    model = make_model(name, services)
    try:
        yield model
    finally:
        await model.aclose()


@dataclass(frozen=True, slots=True)
class Services:
    """What serves a run."""

    executor: Executor
    evaluator: Evaluator
    journal: Journal


def run_context(
    run_id: str,
    config: CommonConfig,
    model: LanguageModel,
    services: Services,
    ledger: Ledger,
    listener: Listener = silent,
) -> RunContext:
    return RunContext(
        run_id=run_id,
        seed=config.seed,
        limits=config.limits.value(),
        max_tokens=config.max_tokens,
        requester=Requester(model, AdaptiveLimit(config.concurrency)),
        executor=services.executor,
        evaluator=services.evaluator,
        journal=services.journal,
        ledger=ledger,
        listener=listener,
        guest_limits=config.sandbox.limits(),
        prompt_bytes=config.prompt_kb << 10,
    )
