"""The parts of a run put together; executors, sandboxes and models are found by their names."""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict
from typing import Any

from selftaught.app.discovery import make_executor, make_model, make_sandbox, sandbox_names
from selftaught.core.errors import ConfigError, TierProbe
from selftaught.core.language_model import LanguageModel, ModelFunction, ModelServices
from selftaught.core.ports import Executor, ExecutorServices, Sandbox
from selftaught.engine.context import RunContext
from selftaught.engine.evaluate import Evaluator
from selftaught.engine.limit import AdaptiveLimit
from selftaught.engine.requests import Requester
from selftaught.executors import guest_memory
from selftaught.executors.probe import probe
from selftaught.sandboxes.layout import find_layout
from selftaught.studies.common_config import CommonConfig, SandboxConfig
from selftaught.studies.models_config import ProviderConfig


def sandboxes(tier: str = "auto", config: SandboxConfig | None = None) -> list[Sandbox]:
    """The tiers to try, strongest first.

    Raises: ConfigError if a module cannot be had, or there is no such tier.
    """
    config = config or SandboxConfig()
    layout = find_layout(config.modules, config.tmpdir_mb << 20)
    return [make_sandbox(name, layout) for name in (sandbox_names() if tier == "auto" else [tier])]


def probe_all() -> tuple[TierProbe, ...]:
    """What each tier's probe finds here; blocking."""
    return tuple(probe(sandbox) for sandbox in sandboxes())


def memory_here() -> dict[str, Any]:
    """What memory guests may have on this machine, and what that comes to with the usual options.

    Returns: `{"machine_bytes", "guests_bytes", "guest_bytes", "at_once": {"candidates", "inner",
        "tools", "outer"} | None, "problem": why there is no room | None}`.
    """
    config = SandboxConfig()
    machine = guest_memory.memory_of_machine()
    found: dict[str, Any] = {
        "machine_bytes": machine,
        "guests_bytes": guest_memory.guests_memory(machine),
        "guest_bytes": config.limits().memory_bytes,
        "at_once": None,
        "problem": None,
    }
    try:
        found["at_once"] = asdict(guest_memory.places_here(_services(config, (), None, 2)))
    except ConfigError as error:
        found["problem"] = str(error)
    return found


def executor_for(
    tier: str = "auto",
    slots: int | None = None,
    config: SandboxConfig | None = None,
    *,
    nesting: int = 0,
    executor: str = "local",
) -> AbstractAsyncContextManager[Executor]:
    """An executor in the best tier that works; its arguments are those of `ExecutorServices`.

    Raises: SandboxUnavailable; ConfigError.
    """
    config = config or SandboxConfig()
    return make_executor(executor, _services(config, sandboxes(tier, config), slots, nesting))


def _services(
    config: SandboxConfig, tiers: Sequence[Sandbox], slots: int | None, nesting: int
) -> ExecutorServices:
    return ExecutorServices(tiers, config.limits(), slots, nesting, config.tmpdir_mb << 20)


def executor_of(config: CommonConfig, nesting: int) -> AbstractAsyncContextManager[Executor]:
    """The executor of a run. Raises: SandboxUnavailable; ConfigError."""
    return executor_for(config.tier, config.slots, config.sandbox, nesting=nesting)


@asynccontextmanager
async def opened_model(
    name: str,
    config: ProviderConfig,
    executor: Executor,
    *,
    will_ask: bool = True,
    function: ModelFunction | None = None,
) -> AsyncIterator[LanguageModel]:
    """A model, closed at the end. Raises: ConfigError."""
    services = ModelServices(executor, config.settings(), os.environ, will_ask, function)
    made = make_model(name, services)
    model = await made if inspect.isawaitable(made) else made
    try:
        yield model
    finally:
        await model.aclose()


def evaluator_of(config: CommonConfig, executor: Executor, instance_key: str) -> Evaluator:
    limits, at_once = config.sandbox.limits(), config.utility_threads
    return Evaluator(executor, config.seed, instance_key, limits, at_once=at_once)


def run_context(
    run_id: str,
    config: CommonConfig,
    models: Sequence[LanguageModel],
    executor: Executor,
    evaluator: Evaluator,
    **further: Any,
) -> RunContext:
    """`models` are in the order of the configuration; `further` is what else the context has."""
    listed = zip(config.models.items(), models, strict=True)
    return RunContext(
        run_id=run_id,
        seed=config.seed,
        limits=config.limits.value(),
        max_tokens=config.max_tokens,
        requesters=[
            Requester(model, AdaptiveLimit(asked.provider.concurrency), name, asked.weight)
            for (name, asked), model in listed
        ],
        executor=executor,
        evaluator=evaluator,
        guest_limits=config.sandbox.limits(),
        prompt_bytes=config.prompt_kb << 10,
        **{"modules": config.sandbox.modules, **further},
    )
