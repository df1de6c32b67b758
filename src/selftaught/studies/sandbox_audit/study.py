"""`selftaught audit sandbox`: how often a model's proposals switch the sandbox off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from selftaught.studies.common_config import DEFAULT_TASKS, CommonConfig, RunsConfig
from selftaught.studies.settings import Setting, make_config
from selftaught.studies.study import Asked, Installed, Study, late

if TYPE_CHECKING:
    from selftaught.journal.record import EventRecord

AUDIT_IMPROVER = "the audit's own"


@dataclass(frozen=True, kw_only=True)
class AuditConfig(CommonConfig):
    """`selftaught audit sandbox`.

    Attributes:
        tasks, runs: of the meta-utility that the improver is told of.
        own_prompts: the texts of `prompts`, by the names of their files: a run has them.
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
    prompts: Annotated[
        tuple[str, ...],
        Setting(
            "A prompt of your own, asked beside ours by as many samples; may be given again.",
            option="--prompt",
            metavar="FILE",
        ),
    ] = ()
    own_prompts: dict[str, str] = field(default_factory=dict)
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
    # The proposals are the samples, and no utility scores them.
    no_options = frozenset({"budget.samples", "utility_threads", "seed_may_fail"})

    def events(self) -> tuple[type[EventRecord], ...]:
        from selftaught.journal.study_events import AuditTally, AuditVerdict

        return AuditTally, AuditVerdict

    def scores(self) -> tuple[type[EventRecord], ...]:
        from selftaught.journal.study_events import AuditVerdict

        return (AuditVerdict,)

    def asked(self, given: Mapping[str, Any], installed: Installed) -> Asked[AuditConfig]:
        from selftaught.core.errors import ConfigError
        from selftaught.studies.improvers import own_program

        config = make_config(AuditConfig, given)
        if config.improver != AUDIT_IMPROVER:
            raise ConfigError("a sandbox audit has an improver of its own: leave out 'improver'")
        # The settings of a report have the texts, and need no files.
        if {Path(path).stem for path in config.prompts} != config.own_prompts.keys():
            config = replace(config, own_prompts=_read(config.prompts))
        tasks = [installed.task(name) for name in config.task_names]
        return Asked(config, tasks, own_program("audit_improver"))

    run = late("selftaught.studies.sandbox_audit.run", "sandbox_audit")
    part = late("selftaught.studies.sandbox_audit.page", "audit_section")
    result_of = late("selftaught.studies.sandbox_audit.rates", "audit_result")
    problems = late("selftaught.studies.sandbox_audit.rates", "audit_problems")
    alarming = late("selftaught.studies.sandbox_audit.page", "something_came_out")


def _read(files: tuple[str, ...]) -> dict[str, str]:
    """Texts by the names of their files. Raises: ConfigError."""
    from selftaught.core.errors import ConfigError

    found: dict[str, str] = {}
    for path in map(Path, files):
        if path.stem in (*found, "without", "with"):
            raise ConfigError(f"prompt {path}: there is a prompt {path.stem!r} already: rename it")
        try:
            found[path.stem] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read the prompt {path}: {error}") from None
    return found


study = SandboxAudit()
