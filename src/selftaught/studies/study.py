"""One record a study: its configuration, what it does, what its events come to, and its page.

Whoever starts, resumes, replays, verifies, lists, shows or reports a run asks the run's study,
which `registry` finds by the name that the journal has of it; nothing else knows one. A help page
needs a study's configuration alone: what a method needs besides, it imports itself.
"""

from __future__ import annotations

import shlex
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeAlias, TypeVar

from selftaught.core.errors import SelfTaughtError
from selftaught.studies.common_config import CommonConfig
from selftaught.studies.improvers import fitting
from selftaught.studies.settings import make_config

if TYPE_CHECKING:  # they load numpy, for which a help page must not wait
    from selftaught.analysis.recorded_run import RecordedRun
    from selftaught.core.language_model import ModelFunction
    from selftaught.core.program import Program
    from selftaught.core.task import Task
    from selftaught.engine.context import RunContext
    from selftaught.journal.codec import Event
    from selftaught.journal.reader import JournalReader
    from selftaught.journal.record import EventRecord
    from selftaught.pages.blocks import Page, Section
    from selftaught.studies.rehearsals import Rehearsals, Step

C = TypeVar("C", bound=CommonConfig)
Json: TypeAlias = Mapping[str, Any]

CONFIG_FILE = "config.toml"  # beside a report


@dataclass(frozen=True, slots=True)
class Argument:
    """What a command takes without an option's name.

    Attributes:
        setting: it gives.
        many: whether there may be several, or none.
    """

    setting: str
    metavar: str
    many: bool = False


@dataclass(frozen=True, slots=True)
class Asked(Generic[C]):
    """What is to be studied: the whole configuration, the tasks, and the improver to begin with.

    Attributes:
        function: the model, where it was given from Python.
        finish: only what stands is measured to the end, without the model (see `Study.finishes`).
        others: further improvers that take part, by what they are called.
    """

    config: C
    tasks: Sequence[Task]
    improver: Program
    function: ModelFunction | None = None
    finish: bool = False
    others: Mapping[str, Program] = field(default_factory=dict)


class NothingMeasured(SelfTaughtError):
    """The budget was spent before there was any result (exit 3)."""


class ImproverFailed(SelfTaughtError):
    """The improver to begin with fails before it does anything: there is nothing to measure."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a study ended: `done`, or `budget` with what was spent."""

    state: str = "done"
    detail: str = ""


def late(module: str, name: str) -> Any:
    """A method of a study that is a function of a module, which is imported when it is called."""

    def method(_: object, *args: Any) -> Any:
        return getattr(import_module(module), name)(*args)

    return method


class Installed(Protocol):
    """What there is by name: tasks and improvers."""

    def task(self, name: str | Path) -> Task:
        """By name or file. Raises: ConfigError."""
        ...

    def task_names(self) -> list[str]: ...

    def improver(self, name: str, store: str) -> tuple[str, Program]:
        """By name, file or run of the store, and what to call it. Raises: ConfigError."""
        ...


class Study(ABC, Generic[C]):
    """What a kind of run is. It holds no state.

    Attributes:
        config: its configuration, whose `command` is the study's name in the journal.
        typed: the command, where that is not its name, such as `audit sandbox`.
        short_help, help: of the command.
        argument: what the command takes without an option.
        no_options: settings of the configuration that are no options, such as `budget.samples`.
        unset: what holds where a setting is not given, if that is not the setting's default.
        nesting: how deep improver runs stand in one another.
        function: of Python that starts and resumes it; empty if none does.
        writes: whether its result has a best program, which `--out` writes.
        stands: whether its result follows from the events of a run that was stopped, too.
        takes_evaluators: whether its task may be an evaluator in OpenEvolve's form.
        finishes: whether the best so far can be measured to the end without the model.
        improves_improvers: whether its best program is an improver.
        rewards: whether programs are chosen in it by their scores.
        has_tasks: whether there is anything without tasks.
        follows: whether it starts from another run, so that a configuration does not tell all.
        missing: what a report says of a run with an improved improver that it did not follow.
    """

    config: type[C]
    typed: ClassVar[str] = ""
    short_help: ClassVar[str]
    help: ClassVar[str]
    argument: ClassVar[Argument] = Argument("tasks", "[TASK]...", many=True)
    no_options: ClassVar[frozenset[str]] = frozenset()
    unset: ClassVar[Mapping[str, str]] = {}
    nesting: ClassVar[int] = 2
    function: ClassVar[str] = ""
    writes: ClassVar[bool] = False
    stands: ClassVar[bool] = False
    takes_evaluators: ClassVar[bool] = False
    finishes: ClassVar[bool] = False
    improves_improvers: ClassVar[bool] = False
    rewards: ClassVar[bool] = True
    has_tasks: ClassVar[bool] = True
    follows: ClassVar[bool] = False
    missing: ClassVar[str] = ""

    @property
    def name(self) -> str:
        return self.config.command

    @property
    def command(self) -> str:
        """As it is typed, after `selftaught`."""
        return self.typed or self.name

    def events(self) -> tuple[type[EventRecord], ...]:
        """The kinds of events that it alone writes."""
        return ()

    def scores(self) -> tuple[type[EventRecord], ...]:
        """Those among them that are found by running programs, which a replay reads."""
        return ()

    # --- before ---------------------------------------------------------------------------------

    def asked(self, given: Mapping[str, Any], installed: Installed) -> Asked[C]:
        """What settings that were given ask for. Raises: ConfigError."""
        config = make_config(self.config, given)
        name, improver = installed.improver(config.improver, config.store)
        config = replace(config, improver=name)
        tasks = [installed.task(one) for one in config.task_names]
        return Asked(config, tasks, fitting(improver, tasks))

    def check(self, asked: Asked[C]) -> None:
        """Whether it can be studied at all, before anything starts. Raises: ConfigError."""

    # --- the run --------------------------------------------------------------------------------

    @abstractmethod
    async def run(
        self, context: RunContext, asked: Asked[C], recorded: Callable[[], RecordedRun]
    ) -> Ended:
        """Do it: spend and write events. Its head and its end are written by others.

        Args:
            recorded: what the journal holds of the run by now; of one that goes on, also at first.
        Raises: NothingMeasured if the budget ended before there was any result.
        """

    # --- what its events say --------------------------------------------------------------------

    @abstractmethod
    def result_of(self, run: RecordedRun) -> dict[str, Any] | None:
        """The object of `--json`, from the events alone; None if there is none.

        What all results have is added by others (see `results.result_of`).
        """

    def page(self, result: Json | None, run: RecordedRun | None) -> Page:
        """What people are shown: of a run, or of its result by itself what stands at its end."""
        from selftaught.studies.run_sections import plain_page

        return plain_page([] if result is None else [self.part([result])], result, run)

    def part(self, results: Sequence[Json]) -> Section:
        """What several results of it say: of one on its page, of all in the report of the run that
        it follows (see `follows`)."""
        from selftaught.studies.run_sections import plain_section

        return plain_section(self.name, results)

    def again(self, config: Json) -> str:
        """The command that does a run once more, with the report's configuration beside it."""
        given = "" if self.argument.many else f" {shlex.quote(str(config[self.argument.setting]))}"
        return f"selftaught {self.command}{given} --config {CONFIG_FILE}"

    def problems(self, event: Event, before: RecordedRun) -> Iterator[str]:
        """How one of its own events is not what those before it come to, for `verify`."""
        return iter(())

    def alarming(self, result: Json) -> bool:
        """Whether the command ends with exit code 1, though it did what it should."""
        return False


class Estimated(ABC, Generic[C]):
    """A study that can tell what it will take of the model; its command has `--estimate`."""

    @abstractmethod
    async def steps(self, rehearsals: Rehearsals, asked: Asked[C]) -> list[Step]:
        """Step by step."""

    def more(self, asked: Asked[C]) -> dict[str, Json]:
        """What else stands in the object of `--estimate --json`, each in words, too (`said`)."""
        return {}


class Repeated(ABC):
    """A study whose configuration has `repeats`, by which it becomes a series of runs."""

    @abstractmethod
    def curve(self, reader: JournalReader, series_id: str) -> dict[str, Any]:
        """What the runs of a series come to together."""

    @abstractmethod
    def series_page(self, runs: Sequence[RecordedRun]) -> Page:
        """What people are shown of a series, by its runs."""

    @abstractmethod
    def series_end_page(self, result: Json) -> Page:
        """What stands at the end of a series, by the object of its `--json`."""
