"""What a study or a protocol would take of the model, before anything is asked, and its page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from selftaught.app.discovery import check_distinct, check_model_name
from selftaught.app.parts import evaluator_of, executor_of, opened_model, run_context
from selftaught.core.budget import Budget, Usage
from selftaught.core.errors import ConfigError, InfrastructureError
from selftaught.core.language_model import Completions, FreeModel, LanguageModel, Prompt
from selftaught.core.seeds import PUBLIC_KEY
from selftaught.engine.context import RunContext
from selftaught.engine.ledger import Ledger
from selftaught.journal.port import NoJournal
from selftaught.pages import words
from selftaught.pages.blocks import Block, Page, Paragraph, Section, Table
from selftaught.studies.registry import find_study
from selftaught.studies.rehearsals import Rehearsals, Step, summed
from selftaught.studies.study import Asked, Estimated, Repeated

_COLUMNS = ("calls", "samples", "tokens in", "tokens out", "USD")
_MEANING = (
    "Likely: every improver does what it does in a rehearsal, one that is not written yet what the "
    "first one does, and responses are as long as the program and a few sentences; models that "
    "reason take more. At most: every limit is used up, prompts are as long as --prompt-kb allows, "
    "and responses as --max-tokens; requests that break off and are made again come on top. A "
    "budget (--usd) bounds all of it."
)


async def estimated(*asked: Asked[Any]) -> dict[str, Any]:
    """The object of `--estimate --json` of studies one after another, in the budget of the first.

    Asks the model nothing, and writes nothing. Raises: ConfigError; SandboxUnavailable.
    """
    first = asked[0].config
    for one in asked:
        check_distinct(one.tasks)
    for name in first.models:
        check_model_name(name)
    async with _rehearsals(asked[0]) as (rehearsals, model):
        steps = [step for one in asked for step in await _steps(rehearsals, one)]
        price = {"price": "dearest"} if len(first.models) > 1 else {}
        told = summed(steps, model, first.budget.value()) | price
        more = [_estimated(one).more(one) for one in asked]
        return {**told, **{name: value for part in more for name, value in part.items()}}


async def _steps(rehearsals: Rehearsals, asked: Asked[Any]) -> list[Step]:
    """Those of the first run, and all other runs of a series together."""
    study = _estimated(asked)
    steps = await study.steps(rehearsals, asked)
    others = asked.config.repeats - 1 if isinstance(study, Repeated) else 0
    if others:
        likely, most = (
            sum((getattr(step, kind) for step in steps), Usage()) * others
            for kind in ("likely", "most")
        )
        name = "the other run" if others == 1 else f"the other {others} runs"
        steps.append(Step(name, likely, most))
    return steps


def _estimated(asked: Asked[Any]) -> Estimated[Any]:
    study = find_study(asked.config.command)
    if not isinstance(study, Estimated):
        raise ConfigError(f"selftaught {study.command} has no estimate")
    return study


class Dearest(FreeModel):
    """Several models where nobody knows which will be asked: each request is the dearest's."""

    def __init__(self, name: str, models: Sequence[LanguageModel]) -> None:
        self.name = name
        self._models = models
        self.samples_per_request = min(one.samples_per_request for one in models)

    def most_usd(self, tokens_in: int, tokens_out: int) -> float | None:
        prices = [one.most_usd(tokens_in, tokens_out) for one in self._models]
        known = [price for price in prices if price is not None]
        return max(known) if len(known) == len(prices) else None

    async def sample(self, prompt: Prompt) -> Completions:
        raise InfrastructureError("an estimate asks no model")


@asynccontextmanager
async def _rehearsals(asked: Asked[Any]) -> AsyncIterator[tuple[Rehearsals, LanguageModel]]:
    """Runs around a model that costs nothing, and the one that would be paid."""
    config = asked.config
    async with executor_of(config, find_study(config.command).nesting) as executor:
        async with AsyncExitStack() as stack:
            models = [
                await stack.enter_async_context(
                    opened_model(name, one.provider, executor, will_ask=False)
                )
                for name, one in config.models.items()
            ]
            model = models[0] if len(models) == 1 else Dearest(config.model_label, models)

            def rehearsed(free: LanguageModel) -> RunContext:
                parts = (executor, evaluator_of(config, executor, PUBLIC_KEY))
                further: Any = {"ledger": Ledger(Budget()), "journal": NoJournal()}
                return run_context("estimate", config, [free] * len(models), *parts, **further)

            yield Rehearsals(rehearsed, model), model


def estimate_page(estimate: Mapping[str, Any]) -> Page:
    """Likely and at most, step by step, and what the budget allows of it."""
    blocks: list[Block] = []
    for kind, heading in (("likely", "likely"), ("most", "at most")):
        rows = [(step["name"], *_cells(step[kind])) for step in estimate["steps"]]
        rows.append(("in all", *_cells(estimate[kind])))
        if kind == "most" and any(limit is not None for limit in estimate["budget"].values()):
            rows.append(("and within the budget", *_cells(estimate["most_within_budget"])))
        blocks.append(Table("", (heading, *_COLUMNS), tuple(rows), counts=True))
    scored = [step for step in estimate["steps"] if "scored" in step]
    if scored:
        blocks.append(_scorings(scored))
    blocks.append(Paragraph(_MEANING))
    told = (one for one in estimate.values() if isinstance(one, Mapping) and "said" in one)
    blocks += [Paragraph(one["said"]) for one in told]
    if estimate.get("price"):
        blocks.append(Paragraph("Each request is counted at the price of the dearest model."))
    if estimate["likely"]["usd"] is None:
        blocks.append(Paragraph("The price is not known: give --price-in and --price-out."))
    title = f"What the run will ask of {estimate['model']}; spent: nothing"
    return Page(title, (), (Section("estimate", "", tuple(blocks)),))


def _scorings(steps: Sequence[Mapping[str, Any]]) -> Table:
    """Programs that are scored, and how long it takes."""
    rows = []
    for step in steps:
        counts = [step["scored"][kind] for kind in ("likely", "most")]
        times = [words.duration(count * step["scored"]["seconds_each"]) for count in counts]
        rows.append((step["name"], *(f"{count:,}" for count in counts), *times))
    note = "time: as scoring the first program takes here now; the model's comes on top"
    headings = ("programs scored", "likely", "at most", "time, likely", "at most")
    return Table("", headings, tuple(rows), note, counts=True)


def _cells(amount: Mapping[str, Any]) -> tuple[str, ...]:
    counts = (amount["lm_calls"], amount["samples"], amount["tokens_in"], amount["tokens_out"])
    usd = "?" if amount["usd"] is None else words.dollars(amount["usd"])
    return (*(f"{count:,}" for count in counts), usd)
