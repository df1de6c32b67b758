"""A task: a seed program and a utility that scores programs, both the user's own."""

from __future__ import annotations

import inspect
import math
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import NoneType
from typing import Any, Literal

from selftaught.core import constraints
from selftaught.core.errors import ConfigError
from selftaught.core.examples import Examples
from selftaught.core.hidden import without_data, without_keys
from selftaught.core.own_code import Part, own_code, part_of
from selftaught.core.program import SOLUTION_ENTRY, Program
from selftaught.core.scale import Scale
from selftaught.core.shown_source import describe_source
from selftaught.core.text import clean
from selftaught.core.utility import Measure as Measure
from selftaught.core.utility import PerInstance as PerInstance
from selftaught.core.utility import ProgramFailed as ProgramFailed
from selftaught.core.utility import SandboxedProgram as SandboxedProgram
from selftaught.core.utility import Stages, Utility
from selftaught.core.utility import per_instance as per_instance


@dataclass(frozen=True, slots=True)
class Reference:
    """A value that somebody published for a task, to set a result beside.

    Attributes:
        value: in the task's own units.
        what: what reached it, such as "improved improver, GPT-4".
        source: where it is published: paper and table, or address.
    """

    value: float
    what: str
    source: str


# What a task's version covers, and what of it a model is shown; runs are checked, and go on, by the
# scheme that their journal names. Since 3 data and secrets are left out of what is shown.
VERSION_SCHEMES = (1, 2, 3)
VERSION_SCHEME = VERSION_SCHEMES[-1]

_STUB = "def {entry}(*args):\n    raise NotImplementedError\n"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


def _functions(utility: Any) -> list[Callable[..., Any]]:
    """The user's functions that a utility is made of; last the one that scores."""
    if isinstance(utility, Stages):
        return [*_functions(utility.cheap), *_functions(utility.full)]
    if isinstance(utility, PerInstance):
        return [utility.instances, utility.score]
    return [utility.score if isinstance(utility, Examples) else utility]


@dataclass(frozen=True)
class Task:
    """A program to improve and the way to score it.

    Attributes:
        name: letters, digits, `_` and `-`.
        seed: the first program, as source text or as a file; a relative path is taken from the
            folder of the file that defines the utility. None: the model writes it from the
            description.
        utility: trusted host code, plain or async: `utility(program, rng) -> float | Measure`.
        range: lowest and highest value. A failed candidate is worth the lowest, or costs the
            highest; a value outside is the utility's error. `(-math.inf, math.inf)`: any.
        entry: name of the function that is called in a candidate.
        description: what the model is shown. By default the source of the utility and of what it
            uses from the same file, with numbers among the constants and without texts and
            containers; a utility without readable source needs one.
        shown: names of constants that the model is shown as they are.
        best_known: the best value known, by which values are normalised if `range` has no end.
        minimize: whether the utility returns a cost, of which the lowest is best.
        constraints: by a metric's name the least and the most that it may be, None for no bound. A
            program that breaks one has failed, as `infeasible`.
        settings: whatever else tells one version of the task from another.
        utility_wall_s: seconds by the clock that one evaluation may take in the utility itself,
            calls of the program aside, before the utility counts as hung.
        source: where the problem comes from.
        seed_score: lowest and highest value that the seed program has on any instances; its tests
            hold the task to it.
        references: published values.
        kind: "program"; or "text", such as a prompt or a configuration: the utility is then given
            the text itself, and nothing runs in the sandbox.
        stateful: whether what calls leave behind must last for the whole evaluation: after a failed
            call all further ones fail, where otherwise they have a fresh guest.
        seed_value: what the seed scored at a run's start, where values are normalised by it. A run
            sets it.
    """

    name: str
    seed: str | Path | None
    utility: Utility
    range: tuple[float, float] = (0.0, math.inf)
    entry: str = SOLUTION_ENTRY
    description: str | None = None
    best_known: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    utility_wall_s: float = 60.0
    source: str = ""
    seed_score: tuple[float, float] | None = None
    references: Sequence[Reference] = ()
    minimize: bool = False
    constraints: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    seed_value: float | None = None
    shown: Sequence[str] = ()
    kind: Literal["program", "text"] = "program"
    stateful: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise ConfigError(
                f"task name {self.name!r} is not a name: use letters, digits, '_' and '-'"
            )
        if not callable(self.utility):
            raise self._wrong(f"utility must be a function, not {self.utility!r}")
        if not isinstance(self.seed, (str, Path, NoneType)):
            raise self._wrong(f"seed must be source text, a Path or None, not {self.seed!r}")
        try:
            lo, hi = (float(bound) for bound in self.range)
        except (TypeError, ValueError):
            raise self._wrong(f"range must be two numbers, not {self.range!r}") from None
        if not (lo < hi and (math.isfinite(lo) or (lo, hi) == (-math.inf, math.inf))):
            raise self._wrong(
                f"range {self.range!r} must have a finite lowest value below the highest"
            )
        if self.best_known is not None and not (
            lo <= self.best_known < hi if self.minimize else lo < self.best_known <= hi
        ):
            raise self._wrong(f"best_known {self.best_known!r} is outside of the range")
        if not self.utility_wall_s > 0:
            raise self._wrong(f"utility_wall_s {self.utility_wall_s!r} must be above 0")
        if self.seed_score is not None and not lo <= self.seed_score[0] <= self.seed_score[1] <= hi:
            raise self._wrong(f"seed_score {self.seed_score!r} must be two values of its range")
        if (metric := constraints.unclear(self.constraints)) is not None:
            raise self._wrong(
                f"the constraint of metric {metric} must be (least, most), with None for no "
                f"bound, not {self.constraints[metric]!r}"
            )
        if isinstance(self.utility, Examples) and self.minimize and self.utility.failed <= lo:
            raise self._wrong(
                f"an example that fails would have the best cost, {self.utility.failed:g}: give "
                "st.examples(..., failed=COST)"
            )
        if isinstance(self.shown, str):
            raise self._wrong("shown must be a list of names, not a text")
        if self.kind == "text":
            if self.seed is None:
                raise self._wrong("a task of texts needs a seed")
            object.__setattr__(self, "entry", "")  # texts have none
        elif self.kind != "program" or not self.entry.isidentifier():
            raise self._wrong(f"{self.kind!r}, {self.entry!r} is no kind, or no function's name")

    def _wrong(self, why: str) -> ConfigError:
        return ConfigError(f"task {self.name}: {why}")

    def worth(self, value: float) -> float:
        """Of a value, what is higher if it is better; and the other way round."""
        return -value if self.minimize else value

    @property
    def lowest(self) -> float:
        """What a failed candidate is worth: higher is better, of costs too."""
        return -float(self.range[1]) if self.minimize else float(self.range[0])

    @property
    def scale(self) -> Scale:
        lo, hi = map(float, self.range)
        worst, best = (hi, lo) if self.minimize else (lo, hi)
        return Scale(worst, best if self.best_known is None else self.best_known, self.seed_value)

    def normalised(self, value: float) -> float:
        """The value in [0, 1], 1 is best."""
        return self.scale.share(value)

    def broken(self, metrics: Mapping[str, float]) -> str:
        """How metrics break the constraints; empty if they do not. Raises: KeyError."""
        return constraints.broken(self.constraints, metrics)

    @property
    def scored_by(self) -> Callable[..., Any]:
        """The user's function that scores."""
        return _functions(self.utility)[-1]

    def seed_program(self) -> Program:
        """The first program; of a task without a seed, its function with nothing in it.

        Raises: ConfigError if the file cannot be read.
        """
        if self.seed is None:
            return Program(_STUB.format(entry=self.entry), self.entry)
        if isinstance(self.seed, str):
            return Program(self.seed, self.entry)
        path = self.seed if self.seed.is_absolute() else self._folder() / self.seed
        try:
            return Program(path.read_text(encoding="utf-8-sig"), self.entry)
        except (OSError, UnicodeDecodeError) as error:
            raise self._wrong(f"cannot read its seed {path}: {error}") from None

    def described(self) -> str:
        """What the model is shown of the utility.

        Raises: ConfigError if there is no description and the utility has no readable source.
        """
        return self.described_by(VERSION_SCHEME)

    def described_by(self, scheme: int) -> str:
        """What the model is shown in runs of a scheme, whose prompts stay what they were."""
        shown = self._shown[0] if scheme > 2 else "\n\n".join(text for text, _ in self._source)
        return self._goal + shown

    @property
    def secrets(self) -> Sequence[str]:
        """Likely secrets that are left out of what the model is shown: each by line and name."""
        return self._shown[1]

    @cached_property
    def _shown(self) -> tuple[str, Sequence[str]]:
        texts, secrets, constants = [], [], set[str]()
        for text, where in self._source:
            if self.description is None:
                made = without_data(textwrap.dedent(text), self.shown)
            else:
                made = without_keys(text)
            place, _, line = where.rpartition(":")
            secrets += [f"{place}:{int(line) + at - 1}: {name}" for at, name in made.secrets]
            texts.append(made.text)
            constants |= made.constants
        if unknown := [name for name in self.shown if name not in constants]:
            raise self._wrong(f"shown={unknown!r} are no constants that its utility uses")
        return "\n\n".join(texts), secrets

    @property
    def _goal(self) -> str:
        """Beside the utility: what its value and its metrics have to be, and of what examples."""
        said = ""
        if self.minimize:
            said += (
                "# What is scored below is a cost, which is minimised. utility(solution) is minus\n"
                f"# that cost, so that higher is better; a failed program is worth {self.lowest:g}."
                "\n"
            )
        said += constraints.said(self.constraints)
        said = said and said + "\n"
        if self.description is None and isinstance(self.utility, Examples):
            said += self.utility.described(self.entry)
        return clean(said)

    @cached_property
    def _source(self) -> Sequence[tuple[str, str]]:
        """The description, or all that it is by default, each part with the line that it is at."""
        if self.description is not None:
            return [(clean(self.description), "description:1")]
        try:
            listed = describe_source(_functions(self.utility))
            return [(clean(text), where) for text, where in listed]
        except LookupError as error:
            raise self._wrong(
                f"{error}; give Task(description=...), which is what the model will be shown"
            ) from None

    @cached_property
    def is_own(self) -> bool:
        """Whether its utility is the user's own code, rather than that of an installed package."""
        return bool(own_code(self.utility))

    @property
    def version(self) -> str:
        """Hash of all that makes scores comparable: see `version_parts`."""
        return self.version_by(VERSION_SCHEME)

    def version_by(self, scheme: int) -> str:
        """The version as runs of a scheme have it in their journals.

        Args:
            scheme: of `VERSION_SCHEMES`; 1 knew the utility by its own source alone.
        """
        return self._versions[min(scheme, 2) - 1]

    @cached_property
    def version_parts(self) -> Mapping[str, Part]:
        """What the version covers: seed, settings, and the user's own code that is reached.

        The description counts where it is given, or there is no such code, as of installed tasks.
        """
        described, code = self.described_by(1), own_code(self.utility)
        bounds = repr((self.range, self.entry, self.best_known))
        said = {
            "the seed": self.seed_program().source,
            "range, entry or best_known": bounds,
            "the settings": repr(sorted(self.settings.items())),
        }
        if self.stateful:
            said["stateful"] = "stateful"
        if self._goal:
            said["minimize or constraints"] = self._goal
        if self.description is not None or not code:
            said["the description"] = described
        return {**code, **{name: part_of(text) for name, text in said.items()}}

    @cached_property
    def _versions(self) -> tuple[str, str]:
        first = (
            self.name,
            self.described_by(1),
            self.seed_program().source,
            repr((self.range, self.entry, self.best_known)),
            repr(sorted(self.settings.items())),
        )
        of_first = part_of("\x1f".join(first)).digest
        if not self.is_own:
            # What the parts say is what the first scheme says, and keys, seeds and so results
            # follow from a version: those of installed tasks stay what they were.
            return of_first, of_first
        parts = (f"{name}={part.digest}" for name, part in sorted(self.version_parts.items()))
        return of_first, part_of("\x1f".join((self.name, *parts))).digest

    def defined_at(self) -> tuple[Path, int] | None:
        """File and line of the utility's function; None if it has no source."""
        if hasattr(type(self.utility), "place"):  # of an evaluator in another process
            found: tuple[Path, int] | None = getattr(self.utility, "place")  # noqa: B009
            return found
        try:
            plain = inspect.unwrap(self.scored_by)
            file, code = inspect.getsourcefile(plain), getattr(plain, "__code__", None)
        except TypeError:
            return None
        return None if file is None else (Path(file), getattr(code, "co_firstlineno", 1))

    def _folder(self) -> Path:
        place = self.defined_at()
        return Path.cwd() if place is None else place[0].resolve().parent
