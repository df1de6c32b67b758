"""What an improve run will take of the model, and how many programs it scores."""

from __future__ import annotations

import math
from dataclasses import asdict

from selftaught.core.budget import Usage
from selftaught.core.errors import ConfigError
from selftaught.studies.improve.finalists import Plan
from selftaught.studies.improve.study import ImproveConfig
from selftaught.studies.rehearsals import Rehearsals, Scorings, Step
from selftaught.studies.settings import as_json
from selftaught.studies.study import Asked


async def improve_steps(rehearsals: Rehearsals, asked: Asked[ImproveConfig]) -> list[Step]:
    """The first program where the model writes it, the search, and what is measured after it.

    Raises: ConfigError where nothing bounds the search.
    """
    (task,), config = asked.tasks, as_json(asked.config)
    seed = task.seed_program()
    each, scored = await rehearsals.rehearse(asked.improver, seed, task.described())
    runs = _runs(asked.config, each)
    whole = math.ceil(runs)
    counts = (1 + math.ceil(runs * scored), 1 + whole * rehearsals.limits.utility_uses)
    seconds = await rehearsals.scoring_s(task)
    name = "search" if whole == 1 else f"search, {whole:,} improver runs"
    most = rehearsals.most_run * whole
    steps = [Step(name, _times(each, runs), most, Scorings(*counts, seconds))]
    if task.seed is None:
        steps.insert(0, Step("first program", *await rehearsals.first_program(task)))
    few, many = (Plan.of(config, count) for count in counts)
    measured = {
        "val": ((few.finalists + 1) * few.sets, (many.finalists + 1) * many.sets),
        "test": (2 * few.sets, 2 * many.sets),
    }
    return steps + [
        Step(f"measuring on {stream}", Usage(), Usage(), Scorings(*programs, seconds))
        for stream, programs in measured.items()
    ]


def _runs(config: ImproveConfig, each: Usage) -> float:
    """Improver runs for which the budget is enough, if each takes so much.

    Raises: ConfigError where nothing bounds them.
    """
    if config.patience is None and not config.is_budgeted:
        return 1.0
    took = asdict(each) | {"tokens": each.tokens_in + each.tokens_out}
    limits = asdict(config.budget).items()
    # A time, and a price that is not known, are no bound that can be told beforehand.
    fitting: list[float] = [
        limit / took[name] for name, limit in limits if limit and took.get(name, 0) > 0
    ]
    if not fitting:
        raise ConfigError(
            "nothing bounds what the search asks of the model: give --lm-calls, --samples, "
            "--tokens or, where the price is known, --usd"
        )
    return max(1.0, min(fitting))


def _times(each: Usage, runs: float) -> Usage:
    counts = {name: amount * runs for name, amount in asdict(each).items()}
    usd = counts.pop("usd")
    return Usage(**{name: math.ceil(amount) for name, amount in counts.items()}, usd=usd)
