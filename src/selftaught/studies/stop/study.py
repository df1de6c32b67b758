"""`selftaught run`: STOP itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from selftaught.core.betting import PAIRS, fewest_pairs
from selftaught.core.errors import ConfigError
from selftaught.studies.common_config import DEFAULT_TASKS, CommonConfig, RunsConfig
from selftaught.studies.settings import Heading, Setting
from selftaught.studies.study import Asked, Estimated, Repeated, Study, late

if TYPE_CHECKING:
    from selftaught.journal.reader import JournalReader
    from selftaught.journal.record import EventRecord


# What older runs did not know, and were as if it was said.
ARCHIVE = (("select", "latest"), ("proposals", 1), ("history", False))


@dataclass(frozen=True, kw_only=True)
class RunConfig(CommonConfig):
    """`selftaught run`."""

    command: ClassVar[str] = "run"
    tasks: tuple[str, ...] = DEFAULT_TASKS
    iterations: Annotated[int, Setting("Steps T of Algorithm 1.", ge=1)] = 4
    accept: Annotated[
        Literal["strict", "revert", "paper", "certified"],
        Setting(
            "Adopt a proposal if it is better on val (strict), if it is worth anything (revert), "
            "always (paper), or only if it is shown to be better: that a run adopts anything that "
            "is not has a probability of 5 % at most (certified)."
        ),
    ] = "strict"
    certify_pairs: Annotated[
        int,
        Setting(
            "Pairs of improver runs, shared by all tasks, by which certified decides a proposal "
            "at most.",
            ge=1,
        ),
    ] = PAIRS
    select: Annotated[
        Literal["latest", "best", "thompson", "novel"],
        Setting(
            "Who proposes, of all that was adopted: the last (latest), the best on val by the "
            "lower end of its interval (best), one drawn by what came of it and its descendants "
            "(thompson); or the best improves the one that least was tried from (novel)."
        ),
    ] = "latest"
    proposals: Annotated[int, Setting("Proposals a step, side by side.", ge=1, le=100)] = 1
    history: Annotated[
        bool,
        Setting(
            "Improvers can read what became of the improver that they improve, on search "
            "instances: history()."
        ),
    ] = False
    runs: Annotated[RunsConfig, Setting(heading=Heading.RUNS)] = field(default_factory=RunsConfig)
    repeats: Annotated[
        int,
        Setting(
            "Independent runs, with seeds one after another, that share the budget; at the end "
            "comes the learning curve over all of them.",
            ge=1,
            le=1000,
        ),
    ] = 1
    # Each of them takes about as many samples again.
    baselines: Annotated[
        bool | None,
        Setting(
            "Compare the final improver also to chain of thought, greedy iteration and best of n, "
            "at as many samples. By default so with --repeats above 1."
        ),
    ] = None

    @property
    def task_names(self) -> tuple[str, ...]:
        return self.tasks

    def settled(self, tasks: int) -> Self:
        runs = RunsConfig(**self.runs.resolved(tasks))
        return replace(self, runs=runs, baselines=self.with_baselines)

    @property
    def decisions(self) -> int:
        """How often it may adopt something."""
        return self.iterations * self.proposals

    @property
    def with_baselines(self) -> bool:
        return self.repeats > 1 if self.baselines is None else self.baselines


class StopStudy(Study[RunConfig], Estimated[RunConfig], Repeated):
    config = RunConfig
    short_help = "Let an improver improve itself, and measure by how much."
    help = f"""Run STOP: an improver improves itself, judged by what it reaches on the TASKs.

A TASK is a name (see `selftaught tasks`) or a Python file with a `task` in it; by default
{", ".join(DEFAULT_TASKS[:-1])} and {DEFAULT_TASKS[-1]}. At the end the final improver is compared
on test instances, which no improver ever saw, to the improver it began with.
"""
    function = "self_improve"
    improves_improvers = True
    stands = True

    def events(self) -> tuple[type[EventRecord], ...]:
        from selftaught.journal.study_events import Baseline, Certificate, Iteration, Proposal

        return Proposal, Certificate, Iteration, Baseline

    def check(self, asked: Asked[RunConfig]) -> None:
        from selftaught.engine.describe import describe_meta_utility
        from selftaught.studies.checking import check_prompt

        config = asked.config
        runs, limits = config.runs.resolved(len(asked.tasks)), config.limits.value()
        models = tuple(config.models) if len(config.models) > 1 else ()
        modules = config.sandbox.modules
        told = describe_meta_utility(
            asked.tasks, runs, limits, modules, models=models, history=config.history
        )
        check_prompt("the meta-utility", told, asked.improver, config.prompt_kb)
        fewest = fewest_pairs(config.decisions, len(asked.tasks))
        if config.accept == "certified" and config.certify_pairs < fewest:
            each = f" with {config.proposals} proposals each" if config.proposals > 1 else ""
            raise ConfigError(
                f"{config.certify_pairs} pairs can show no proposal to be better: at T = "
                f"{config.iterations}{each} it takes --certify-pairs {fewest} at least"
            )

    def curve(self, reader: JournalReader, series_id: str) -> dict[str, Any]:
        from selftaught.analysis.curve import learning_curve

        return learning_curve(reader, series_id).as_json()

    steps = late("selftaught.studies.stop.run", "stop_steps")
    more = late("selftaught.studies.stop.beforehand", "stop_told")
    run = late("selftaught.studies.stop.run", "stop_run")
    page = late("selftaught.studies.stop.page", "page")
    series_page = late("selftaught.studies.stop.series_page", "series_page")
    series_end_page = late("selftaught.studies.stop.series_page", "series_end_page")
    result_of = late("selftaught.studies.stop.results", "stop_result")
    problems = late("selftaught.studies.stop.checks", "stop_problems")


study = StopStudy()
