"""`selftaught strategies RUN --judge MODEL`: a language model's word on strategies, with quotes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from selftaught.studies.common_config import CommonConfig
from selftaught.studies.settings import Heading, Setting, declared, make_config
from selftaught.studies.study import Argument, Asked, Ended, Installed, Json, Study, latest

if TYPE_CHECKING:
    from selftaught.analysis.recorded_run import RecordedRun
    from selftaught.engine.context import RunContext
    from selftaught.journal.codec import Event
    from selftaught.journal.events import EventRecord
    from selftaught.pages.blocks import Page, Section


@dataclass(frozen=True, kw_only=True)
class StrategiesConfig(CommonConfig):
    """`selftaught strategies`.

    Attributes:
        origin: id of the run whose improvers are judged.
    """

    command: ClassVar[str] = "strategies"
    model: Annotated[
        str,
        Setting(
            "Ask this language model about each improver, too: a run of its own.",
            option="--judge",
            metavar="PROVIDER:NAME",
        ),
    ] = ""
    origin: str = ""


_OF_GUESTS = {Heading.LIMITS, Heading.SANDBOX}


class StrategiesStudy(Study[StrategiesConfig]):
    config = StrategiesConfig
    short_help = "Find the search strategies of a run's improvers."
    help = """Find the search strategies that the improvers of a RUN use, each with its evidence.

A strategy is found in an improver's program, whose text is read in the sandbox, or in the calls
that it made: for this no model is asked, and nothing is written. With --judge a language model is
asked about each program, too, by written rubrics. It has to quote lines; a quote that is not in
the program is thrown away. That is a run as any other: `resume`, `replay`, `verify`, `show` and
`report` take its id. RUN is a run's id, the start of it, or `latest`.
"""
    argument = Argument("origin", "RUN")
    no_options = frozenset(
        {"improver", "instance_key", "budget.samples"}
        | {".".join(one.path) for one in declared(StrategiesConfig) if one.heading in _OF_GUESTS}
    )
    nesting = 1
    rewards = False
    has_tasks = False
    follows = True

    def events(self) -> tuple[type[EventRecord], ...]:
        from selftaught.journal.study_events import StrategyReadings, StrategyVerdict

        return StrategyReadings, StrategyVerdict

    def scores(self) -> tuple[type[EventRecord], ...]:
        from selftaught.journal.study_events import StrategyReadings

        return (StrategyReadings,)

    def asked(self, given: Mapping[str, Any], installed: Installed) -> Asked[StrategiesConfig]:
        from selftaught.studies.strategies.judge import first_improver

        config = make_config(StrategiesConfig, given)
        origin, improver = first_improver(config)
        return Asked(replace(config, origin=origin, improver=f"that of {origin}"), (), improver)

    async def run(
        self,
        context: RunContext,
        asked: Asked[StrategiesConfig],
        recorded: Callable[[], RecordedRun],
    ) -> Ended:
        from selftaught.studies.strategies.judge import judge

        return await judge(context, asked.config, recorded())

    def result_of(self, run: RecordedRun) -> dict[str, Any] | None:
        from selftaught.analysis.strategies.found import strategies_json
        from selftaught.journal.study_events import StrategyReadings, StrategyVerdict

        verdicts = latest(run.events, StrategyVerdict).values()
        by_improver = {one.improver: one for one in verdicts}
        for one in latest(run.events, StrategyReadings).values() if by_improver else ():
            return {
                "origin": one.origin,
                "improvers": strategies_json(one.improvers, by_improver),
            }
        return None

    def page(self, result: Json | None, run: RecordedRun | None) -> Page:
        from selftaught.analysis.run_view import run_view
        from selftaught.studies.run_sections import end_page, whole_page

        found = [] if result is None else [self.part([result])]
        if run is None:
            assert result is not None  # else there is nothing to show
            return end_page(result, found)
        title = f"Strategies of run {run.head.config['origin']}, judged: run {run.run_id}"
        return whole_page(title, [run_view(run)], "improver", found)

    def part(self, results: Sequence[Json]) -> Section:
        from selftaught.analysis.strategies.page import strategies_section

        found = [
            {"run_id": one["origin"], "model": one["model"], "improvers": one["improvers"]}
            for one in results
        ]
        models = ", ".join(dict.fromkeys(one["model"] for one in results))
        return strategies_section("judge", f"Search strategies, by rules and by {models}", found)

    def problems(self, event: Event, before: RecordedRun) -> Iterator[str]:
        from selftaught.studies.strategies.judge import judge_problems

        return judge_problems(event, before)


study = StrategiesStudy()
