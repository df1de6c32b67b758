"""What a study or a protocol would take of the model, before anything is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from selftaught.app.discovery import check_distinct, check_model_name
from selftaught.app.parts import Services, executor_of, opened_model, run_context
from selftaught.core.budget import Budget, Usage
from selftaught.core.errors import ConfigError
from selftaught.core.language_model import LanguageModel
from selftaught.core.seeds import PUBLIC_KEY
from selftaught.engine.context import RunContext
from selftaught.engine.evaluate import Evaluator
from selftaught.engine.ledger import Ledger
from selftaught.journal.port import NoJournal
from selftaught.studies.registry import find_study
from selftaught.studies.rehearsals import Rehearsals, Step, summed
from selftaught.studies.study import Asked, Estimated, Repeated


async def estimated(*asked: Asked[Any]) -> dict[str, Any]:
    """The object of `--estimate --json` of studies one after another, in the budget of the first.

    Asks the model nothing, and writes nothing. Raises: ConfigError; SandboxUnavailable.
    """
    first = asked[0].config
    for one in asked:
        check_distinct(one.tasks)
    check_model_name(first.model)
    async with _rehearsals(asked[0]) as (rehearsals, model):
        steps = [step for one in asked for step in await _steps(rehearsals, one)]
        return summed(steps, model, first.budget.value())


async def _steps(rehearsals: Rehearsals, asked: Asked[Any]) -> list[Step]:
    """Those of the first run, and all other runs of a series together."""
    study = find_study(asked.config.command)
    if not isinstance(study, Estimated):
        raise ConfigError(f"selftaught {study.command} has no estimate")
    steps: list[Step] = await study.steps(rehearsals, asked)
    others = asked.config.repeats - 1 if isinstance(study, Repeated) else 0
    if others:
        likely, most = (
            sum((getattr(step, kind) for step in steps), Usage()) * others
            for kind in ("likely", "most")
        )
        name = "the other run" if others == 1 else f"the other {others} runs"
        steps.append(Step(name, likely, most))
    return steps


@asynccontextmanager
async def _rehearsals(asked: Asked[Any]) -> AsyncIterator[tuple[Rehearsals, LanguageModel]]:
    """Runs around a model that costs nothing, and the one that would be paid."""
    config = asked.config
    async with executor_of(config, find_study(config.command).nesting) as executor:
        async with opened_model(config.model, config, executor, will_ask=False) as model:

            def rehearsed(free: LanguageModel) -> RunContext:
                evaluator = Evaluator(executor, config.seed, PUBLIC_KEY, config.sandbox.limits())
                services = Services(executor, evaluator, NoJournal())
                return run_context("estimate", config, free, services, Ledger(Budget()))

            yield Rehearsals(rehearsed, model), model
