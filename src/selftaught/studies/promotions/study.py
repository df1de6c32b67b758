"""`selftaught audit promotions`: were the proposals that runs adopted really better?"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from selftaught.studies.common_config import DEFAULT_STORE, CommonConfig
from selftaught.studies.settings import Section, Setting
from selftaught.studies.study import Argument, Asked, Estimated, Installed, Json, Study, late

if TYPE_CHECKING:
    from selftaught.journal.record import EventRecord


@dataclass(frozen=True, kw_only=True)
class Adopted(Section):
    """A proposal that a run adopted.

    Attributes:
        policy: by which.
        k: its place among the proposals of step t.
        improver, parent: ids of their programs.
        val: its mean difference to its parent when it was adopted; None if that was not measured.
    """

    run_id: str
    t: int
    policy: str
    improver: str
    parent: str
    val: float | None
    k: int = 0


@dataclass(frozen=True, kw_only=True)
class PromotionsConfig(CommonConfig):
    """`selftaught audit promotions`. It holds all that it needs of the runs that it follows.

    Attributes:
        origins: ids of those runs.
        adopted: what they adopted, in their order.
        programs: sources of the improvers by their ids.
    """

    command: ClassVar[str] = "promotions"
    pairs: Annotated[int, Setting("Paired runs of each proposal and its parent, a task.", ge=2)] = (
        30
    )
    origins: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    adopted: tuple[Adopted, ...] = ()
    programs: dict[str, str] = field(default_factory=dict)

    @property
    def task_names(self) -> tuple[str, ...]:
        return self.tasks


class PromotionsStudy(Study[PromotionsConfig], Estimated[PromotionsConfig]):
    config = PromotionsConfig
    typed = "audit promotions"
    short_help = "Measure adopted proposals anew: how many were no better?"
    help = """Measure the proposals that RUNs adopted anew, each against the improver it replaced.

Both run on the same fresh instances, pair by pair, which no run has seen. An adopted proposal that
is not better there was promoted falsely. Runs of several policies make one table: the share of
false promotions by policy. What is not given is as in the runs, which must have been alike but for
policy and seed: model, limits, tasks, sandbox. RUN is a run's id, the start of it, or `latest`; of
a series all runs are taken.
"""
    argument = Argument("origins", "RUN...", many=True)
    no_options = frozenset({"improver"})
    follows = True
    unset: ClassVar[Mapping[str, str]] = {"model": "that of RUN"}

    def events(self) -> tuple[type[EventRecord], ...]:
        from selftaught.journal.study_events import Promotion

        return (Promotion,)

    def asked(self, given: Mapping[str, Any], installed: Installed) -> Asked[PromotionsConfig]:
        from selftaught.studies.promotions.origins import asked_of, find_origins

        origins = find_origins(given.get("store", DEFAULT_STORE), given.get("origins", ()))
        return asked_of(origins, given, installed)

    def again(self, config: Json) -> str:
        return f"selftaught {self.command} {shlex.join(config['origins'])}"

    steps = late("selftaught.studies.promotions.run", "promotions_steps")
    run = late("selftaught.studies.promotions.run", "promotions")
    part = late("selftaught.studies.promotions.page", "promotions_section")
    result_of = late("selftaught.studies.promotions.results", "promotions_result")
    problems = late("selftaught.studies.promotions.results", "promotions_problems")


study = PromotionsStudy()
