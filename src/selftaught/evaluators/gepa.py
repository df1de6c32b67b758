"""A candidate, an evaluator and a dataset in GEPA's form as a task of texts."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from selftaught.core.errors import ConfigError
from selftaught.core.examples import LEAST, Examples, digest_of, split
from selftaught.core.outcome import Failed
from selftaught.core.task import Task
from selftaught.core.utility import Measure, ProgramFailed

if TYPE_CHECKING:
    from selftaught.core.seeds import Stream

Candidate: TypeAlias = str | dict[str, str]
_STREAMS: tuple[Stream, ...] = ("search", "val", "test")
_SAID_CHARS = 600
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Gepa(Examples):
    """A utility that asks `evaluator(candidate, example)` for each example of a stream.

    Attributes:
        names: of a candidate's texts; None if it is one text.
        single: whether the evaluator takes no example.
    """

    names: tuple[str, ...] | None = None
    single: bool = False

    def candidate(self, text: str) -> Candidate:
        """What the evaluator is given. Raises: ProgramFailed where a part is missing."""
        if self.names is None:
            return text
        if len(self.names) == 1:
            return {self.names[0]: text}
        found = re.split(r"^=== (.+) ===[ \t]*\n?", text, flags=re.MULTILINE)
        parts = dict(
            zip(found[1::2], (part.removesuffix("\n") for part in found[2::2]), strict=True)
        )
        if parts.keys() != set(self.names):
            missing = [name for name in self.names if name not in parts]
            said = f"no line `=== {missing[0]} ===`" if missing else "a line of marks too many"
            raise ProgramFailed(Failed("bad_output", f"the text has {said}"))
        return {name: parts[name] for name in self.names}

    def described(self, entry: str) -> str:
        return ""

    def _measured(self, program: Any, chosen: Sequence[tuple[Any, Any]]) -> Measure:
        candidate, evaluator = self.candidate(program), cast(Callable[..., Any], self.score)
        values, said, scores = [], [], dict[str, list[float]]()
        for example, _ in chosen:
            given = dict(candidate) if isinstance(candidate, dict) else candidate
            result: Any = evaluator(given) if self.single else evaluator(given, example)
            value, info = result if isinstance(result, tuple) else (result, {})
            values.append(float(value))
            told = dict(info or {}) if isinstance(info, Mapping) else {"info": info}
            for name, score in dict(told.pop("scores", None) or {}).items():
                scores.setdefault(str(name), []).append(float(score))
            said.append(
                (float(value), "\n".join(f"{k}: {v!s:.{_SAID_CHARS}}" for k, v in told.items()))
            )
        worst = sorted(said, key=lambda one: one[0])[:_SHOWN]
        return Measure(
            math.fsum(values) / len(values),
            per_instance=values,
            metrics={name: math.fsum(of) / len(of) for name, of in scores.items()},
            feedback="\n\n".join(f"score {value:.4g}\n{text}" for value, text in worst if text),
        )


def from_gepa(
    seed_candidate: Candidate,
    evaluator: Callable[..., Any],
    dataset: Sequence[Any] | None = None,
    **task: Any,
) -> Task:
    """A task of texts from what GEPA's `optimize_anything` takes.

    A candidate of several texts is improved as one, each under a line `=== its name ===`;
    `task.utility.candidate(text)` is it again. Examples are split into search, val and test as by
    `st.examples`; fewer than 12 are the same on all three, so that nothing is held out.

    Args:
        evaluator: `evaluator(candidate, example)`, or without a dataset `evaluator(candidate)`: a
            score, or a score with a dict of what is to be known of it, in which `scores` are
            numbers. It is trusted, and so is all that it does with a candidate.
        task: what else `Task` takes, such as `name`, `range` or a `description`, which is where
            objective and background go.
    Raises: ConfigError.
    """
    if not callable(evaluator):
        raise ConfigError(f"st.from_gepa: evaluator must be a function, not {evaluator!r}")
    names = tuple(seed_candidate) if isinstance(seed_candidate, dict) else None
    if names is not None and not all(
        isinstance(n, str) and isinstance(t, str) and "\n" not in n
        for n, t in dict(seed_candidate).items()  # type: ignore[arg-type]
    ):
        raise ConfigError("st.from_gepa: a candidate is a text, or texts by names of one line")
    seed = seed_candidate if isinstance(seed_candidate, str) else _joined(seed_candidate)
    pairs = [(example, None) for example in (dataset if dataset is not None else [None])]
    if not pairs:
        raise ConfigError("st.from_gepa: the dataset is empty")
    utility = Gepa(
        streams=split(pairs) if len(pairs) >= LEAST else dict.fromkeys(_STREAMS, pairs),
        score=evaluator,
        failed=-math.inf,
        show=0,
        digest=digest_of(pairs),
        place=_place(evaluator),
        names=names,
        single=dataset is None,
    )
    made = {"name": "candidate", "range": (-math.inf, math.inf), "kind": "text"}
    return Task(**{**made, "seed": seed, "utility": utility, **task})


def _joined(candidate: Mapping[str, str]) -> str:
    if len(candidate) == 1:
        return next(iter(candidate.values()))
    return "\n".join(f"=== {name} ===\n{text}" for name, text in candidate.items())


def _place(evaluator: Callable[..., Any]) -> tuple[Path, int] | None:
    plain = inspect.unwrap(evaluator)
    code = getattr(plain, "__code__", None)
    file = Path(code.co_filename) if code else None
    return (file, code.co_firstlineno) if code and file and file.is_file() else None
