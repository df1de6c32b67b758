"""`selftaught bench`: improvers at equal samples and equal scorings, paired by seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from selftaught.core.errors import ConfigError
from selftaught.studies.common_config import DEFAULT_TASKS, CommonConfig
from selftaught.studies.settings import Setting, make_config
from selftaught.studies.study import Asked, Estimated, Installed, Study, late

if TYPE_CHECKING:
    from selftaught.journal.record import EventRecord


@dataclass(frozen=True, kw_only=True)
class BenchConfig(CommonConfig):
    """`selftaught bench`. It holds all that it needs of the improvers.

    Attributes:
        programs: sources of the improvers, by their names.
    """

    command: ClassVar[str] = "bench"
    tasks: tuple[str, ...] = DEFAULT_TASKS
    improver: str = "each of improvers"
    improvers: Annotated[
        tuple[str, ...],
        Setting(
            "What is compared, all others to the first: names, files, or the best ones of runs.",
            metavar="NAME|FILE|RUN,...",
            min_length=2,
        ),
    ] = ("seed", "greedy")
    samples: Annotated[
        tuple[int, ...],
        Setting(
            "Counts of samples at which the best is told; each improver draws the largest.",
            metavar="N,...",
            min_length=1,
        ),
    ] = (50, 100, 200)
    seeds: Annotated[
        int, Setting("Sets of instances, on each of which all improvers search.", ge=2, le=10_000)
    ] = 20
    width: Annotated[
        float,
        Setting(
            "With --estimate: how well differences are to be known, half of the interval's width, "
            "of values from 0 to 1.",
            gt=0,
        ),
    ] = 0.01
    programs: dict[str, str] = field(default_factory=dict)

    @property
    def task_names(self) -> tuple[str, ...]:
        return self.tasks


class BenchStudy(Study[BenchConfig], Estimated[BenchConfig]):
    config = BenchConfig
    short_help = "Compare improvers at equal samples, paired by seed."
    help = f"""Compare improvers on the TASKs at equal samples and equal scorings.

A TASK is a name (see `selftaught tasks`) or a Python file with a `task` in it; by default
{", ".join(DEFAULT_TASKS[:-1])} and {DEFAULT_TASKS[-1]}. On each, for each seed, every improver is
started on the same instances, and again from the seed program where it stops early, until it has
drawn the largest count of samples or scored one program more than that. What is compared is the
area under its curve: what its best so far by search is worth on test, over the samples. Only
programs that came from a reply of the model count.
"""
    stands = True
    # They follow from the samples.
    no_options = frozenset({"budget.samples", "limits.calls", "limits.utility_uses"})

    def events(self) -> tuple[type[EventRecord], ...]:
        from selftaught.journal.bench_events import BenchArm, SearchTrace

        return SearchTrace, BenchArm

    def asked(self, given: Mapping[str, Any], installed: Installed) -> Asked[BenchConfig]:
        from selftaught.core.program import IMPROVER_ENTRY, Program

        config = make_config(BenchConfig, given)
        if min(config.samples) < 1:
            raise ConfigError(f"samples must be above 0, not {min(config.samples)}")
        if list(config.samples) != sorted(set(config.samples)):
            raise ConfigError(f"samples must rise, not {','.join(map(str, config.samples))}")
        most = config.samples[-1]
        limits = replace(config.limits, calls=most, utility_uses=most + 1)
        _check_follows("improver", config.improver, BenchConfig.improver)
        for name in given.get("limits", {}):
            _check_follows(f"limits.{name}", getattr(config.limits, name), getattr(limits, name))
        # The settings of a report have the programs, and need no files.
        programs = config.programs
        if programs.keys() != set(config.improvers):
            found = [installed.improver(one, config.store) for one in config.improvers]
            programs = {name: program.source for name, program in found}
            names = tuple(name for name, _ in found)
            config = replace(config, improvers=names, programs=programs)
        for place, name in enumerate(config.improvers):
            if name in config.improvers[:place]:
                raise ConfigError(f"improver {name} is named twice")
        alike: dict[str, str] = {}
        for name, source in programs.items():
            if source in alike:
                raise ConfigError(f"improvers {alike[source]} and {name} are the same program")
            alike[source] = name
        first, *others = (Program(programs[one], IMPROVER_ENTRY) for one in config.improvers)
        return Asked(
            replace(config, limits=limits),
            [installed.task(name) for name in config.task_names],
            first,
            others=dict(zip([f"improver {n}" for n in config.improvers[1:]], others, strict=True)),
        )

    steps = late("selftaught.studies.bench.estimate", "bench_steps")
    more = late("selftaught.studies.bench.estimate", "bench_size")
    run = late("selftaught.studies.bench.run", "bench")
    part = late("selftaught.studies.bench.page", "bench_section")
    result_of = late("selftaught.studies.bench.results", "bench_result")
    problems = late("selftaught.studies.bench.arms", "bench_problems")


def _check_follows(name: str, said: object, follows: object) -> None:
    """A file may say what follows, as that of a report does, and nothing else."""
    if said != follows:
        raise ConfigError(f"{name} of a bench is {follows!r}, not {said!r}: leave it out")


study = BenchStudy()
