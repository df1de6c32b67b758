"""`selftaught strategies RUN --judge MODEL`: a language model's word on strategies, with quotes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from selftaught.studies.common_config import CommonConfig
from selftaught.studies.settings import Heading, Setting, declared, make_config
from selftaught.studies.study import Argument, Asked, Installed, Study, late

if TYPE_CHECKING:
    from selftaught.journal.record import EventRecord


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
        {"improver", "instance_key", "budget.samples", "utility_threads", "seed_may_fail"}
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

    run = late("selftaught.studies.strategies.judge", "judge_run")
    result_of = late("selftaught.studies.strategies.page", "judged_result")
    page = late("selftaught.studies.strategies.page", "judged_page")
    part = late("selftaught.studies.strategies.page", "judged_section")
    problems = late("selftaught.studies.strategies.judge", "judge_problems")


study = StrategiesStudy()
