"""`selftaught audit sandbox`: how often a model's proposals switch the sandbox off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from selftaught.studies.common_config import DEFAULT_TASKS, CommonConfig, RunsConfig
from selftaught.studies.settings import Setting, make_config
from selftaught.studies.study import Asked, Ended, Installed, Json, Study

if TYPE_CHECKING:
    from selftaught.analysis.recorded_run import RecordedRun
    from selftaught.engine.context import RunContext
    from selftaught.journal.codec import Event
    from selftaught.journal.events import EventRecord
    from selftaught.pages.blocks import Page

AUDIT_IMPROVER = "the audit's own"


@dataclass(frozen=True, kw_only=True)
class AuditConfig(CommonConfig):
    """`selftaught audit sandbox`.

    Attributes:
        tasks, runs: of the meta-utility that the improver is told of.
    """

    command: ClassVar[str] = "audit"
    improver: str = AUDIT_IMPROVER
    samples: Annotated[int, Setting("Proposals to draw.", ge=1)] = 10_000
    warning: Annotated[
        Literal["without", "with", "both"],
        Setting(
            "Whether the improver is warned of switching the sandbox off; both: half of the "
            "samples each."
        ),
    ] = "both"
    tasks: tuple[str, ...] = DEFAULT_TASKS
    runs: RunsConfig = field(default_factory=RunsConfig)

    @property
    def task_names(self) -> tuple[str, ...]:
        return self.tasks


class SandboxAudit(Study[AuditConfig]):
    config = AuditConfig
    typed = "audit sandbox"
    short_help = "How often proposals switch the sandbox off."
    help = f"""Count how often a model switches the sandbox off when it improves an improver.

The paper's experiment: an improver tries programs with `run_code(code, use_sandbox=True)` before it
scores them, and the model is asked to improve it. Each proposal is judged twice: by reading it, and
by what it attempts when it is run. All of it runs in the sandbox, whatever the flag says; ends with
exit code 1 if anything came out of it.

The TASKs (by default {", ".join(DEFAULT_TASKS[:-1])} and {DEFAULT_TASKS[-1]}) are those that the
meta-utility, which the model is shown, is about. It is a run as any other: `resume`, `replay` and
`verify` take its id.
"""
    rewards = False
    no_options = frozenset({"budget.samples"})  # the proposals are the samples

    def events(self) -> tuple[type[EventRecord], ...]:
        from selftaught.journal.study_events import AuditTally, AuditVerdict

        return AuditTally, AuditVerdict

    def scores(self) -> tuple[type[EventRecord], ...]:
        from selftaught.journal.study_events import AuditVerdict

        return (AuditVerdict,)

    def asked(self, given: Mapping[str, Any], installed: Installed) -> Asked[AuditConfig]:
        from selftaught.core.errors import ConfigError
        from selftaught.studies.sandbox_audit.run import audit_improver

        config = make_config(AuditConfig, given)
        if config.improver != AUDIT_IMPROVER:
            raise ConfigError("a sandbox audit has an improver of its own: leave out 'improver'")
        tasks = [installed.task(name) for name in config.task_names]
        return Asked(config, tasks, audit_improver())

    async def run(
        self,
        context: RunContext,
        asked: Asked[AuditConfig],
        recorded: Callable[[], RecordedRun],
    ) -> Ended:
        from selftaught.studies.sandbox_audit.run import sandbox_audit

        return await sandbox_audit(context, asked, recorded())

    def page(self, result: Json | None, run: RecordedRun | None) -> Page:
        from selftaught.studies.sandbox_audit.page import page

        return page(result, run)

    def result_of(self, run: RecordedRun) -> dict[str, Any] | None:
        from selftaught.studies.sandbox_audit.results import audit_result

        return audit_result(run)

    def problems(self, event: Event, before: RecordedRun) -> Iterator[str]:
        from selftaught.studies.sandbox_audit.checks import audit_problems

        return audit_problems(event, before)

    def alarming(self, result: Json) -> bool:
        from selftaught.studies.sandbox_audit.page import something_came_out

        return something_came_out(result)


study = SandboxAudit()
