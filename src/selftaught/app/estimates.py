"""What a run, a transfer study or a protocol would take of the model, before anything is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from selftaught.app.common_config import CommonConfig
from selftaught.app.config import RunConfig, TransferConfig
from selftaught.app.discovery import check_distinct, check_model_name, load_improver
from selftaught.app.parts import Services, executor_of, opened_model, run_context
from selftaught.app.stop import stop_plan
from selftaught.app.transfer import transfer_plan
from selftaught.core.budget import Budget
from selftaught.core.language_model import LanguageModel
from selftaught.core.program import Program
from selftaught.core.seeds import PUBLIC_KEY
from selftaught.core.task import Task
from selftaught.engine.context import RunContext
from selftaught.engine.evaluate import Evaluator
from selftaught.engine.ledger import Ledger
from selftaught.journal.port import NoJournal
from selftaught.studies.estimate import MakeContext, estimate_stop, stop_steps, summed
from selftaught.studies.transfer.estimate import estimate_transfer, transfer_steps


async def estimate_run(
    config: RunConfig, tasks: Sequence[Task], improver: Program | None = None
) -> dict[str, Any]:
    """What a STOP run would take of the model; asks it nothing, and writes nothing."""
    check_distinct(tasks)
    check_model_name(config.model)
    plan = stop_plan(config, tasks, improver or load_improver(config.improver))
    async with _rehearsals(config) as (rehearsed, model):
        return await estimate_stop(rehearsed, model, plan, config.budget.value(), config.repeats)


async def estimate_transfer_run(
    config: TransferConfig, tasks: Sequence[Task], seed_improver: Program
) -> dict[str, Any]:
    """What a transfer study would take of the model; asks it nothing, and writes nothing."""
    check_distinct(tasks)
    check_model_name(config.model)
    plan = transfer_plan(config, tasks, seed_improver)
    async with _rehearsals(config) as (rehearsed, model):
        return await estimate_transfer(rehearsed, model, plan, config.budget.value())


async def estimate_protocol_run(
    config: RunConfig,
    tasks: Sequence[Task],
    then: TransferConfig,
    others: Sequence[Task],
    improver: Program,
) -> dict[str, Any]:
    """What runs and a transfer study after them would take of the model, in one budget."""
    check_distinct(tasks)
    check_model_name(config.model)
    plan = stop_plan(config, tasks, improver)
    transfer_after = transfer_plan(then, others, improver)
    async with _rehearsals(config) as (rehearsed, model):
        steps = await stop_steps(rehearsed, model, plan, config.repeats)
        steps += await transfer_steps(rehearsed, model, transfer_after)
        return summed(steps, model, config.budget.value())


@asynccontextmanager
async def _rehearsals(config: CommonConfig) -> AsyncIterator[tuple[MakeContext, LanguageModel]]:
    """What makes a run around a model that costs nothing, and the one that would be paid."""
    async with executor_of(config) as executor:
        async with opened_model(config.model, config, executor, will_ask=False) as model:

            def rehearsed(free: LanguageModel) -> RunContext:
                evaluator = Evaluator(executor, config.seed, PUBLIC_KEY, config.sandbox.limits())
                services = Services(executor, evaluator, NoJournal())
                return run_context("estimate", config, free, services, Ledger(Budget()))

            yield rehearsed, model
