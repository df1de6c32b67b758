"""A set of examples as a utility: inputs and answers, split into the three streams.

Guests get inputs alone, one a call. Answers stay here; no description tells any.
"""

from __future__ import annotations

import csv
import hashlib
import inspect
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from selftaught.core.errors import ConfigError
from selftaught.core.outcome import Failed
from selftaught.core.utility import Measure, ProgramFailed, SandboxedProgram

Names: TypeAlias = str | Sequence[str]

# Of the different inputs; the rest is for test.
SHARES: dict[Stream, float] = {"search": 0.5, "val": 0.25}
LEAST = 12

# Val and test are measured in so many parts, one a set of instances: so an interval over these is
# one over examples.
PARTS = 20

_SHOWN_FAILURES = 3

if TYPE_CHECKING:
    import numpy as np

    from selftaught.core.seeds import Stream


@dataclass(frozen=True, slots=True)
class Examples:
    """A utility made of examples; see `examples`.

    Attributes:
        streams: input and answer of the examples of each stream.
        failed: what an example is worth whose call failed.
        digest: of all examples, by which a task's version knows them.
        place: file and line where they were made.
    """

    streams: dict[Stream, list[tuple[Any, Any]]]
    score: Callable[[Any, Any], float]
    failed: float
    show: int
    digest: str
    place: tuple[Path, int] | None

    def __call__(self, program: SandboxedProgram, rng: np.random.Generator) -> Measure:
        """On all examples of search."""
        return self._measured(program, self.streams["search"])

    def of(self, stream: Stream, repeat: str) -> Callable[..., Measure]:
        """On the examples of a stream, or on the part of them that belongs to a repeat.

        Args:
            repeat: such as `val-3`, for a part of val; of search it is always all of them.
        """
        chosen, part = self.streams[stream], repeat.rpartition("-")[2]
        if stream != "search" and part.isdigit():
            parts = self.parts(stream)
            chosen = chosen[int(part) % parts :: parts]
        return lambda program, rng: self._measured(program, chosen)

    def parts(self, stream: Stream) -> int:
        return min(PARTS, len(self.streams[stream]))

    @property
    def sets(self) -> dict[str, int]:
        """Parts of the streams that are measured in sets of instances."""
        return {"val": self.parts("val"), "test": self.parts("test")}

    def described(self, entry: str) -> str:
        """What the model is told of the examples, beside the source of their score."""
        given, answer = self.streams["search"][0]
        lines = [
            f"The value is the mean of {self.score.__name__}(output, answer) over "
            f"{len(self.streams['search'])} examples, and others that are",
            f"not shown; output = {entry}(example), with one input of type "
            f"{type(given).__name__}; answers are {type(answer).__name__}.",
            f"An example whose call fails is worth {self.failed:g}.",
            *(f"An input: {given!r:.500}" for given, _ in self.streams["search"][: self.show]),
        ]
        return "".join(f"# {line}\n" for line in lines) + "\n"

    def _measured(self, program: SandboxedProgram, chosen: Sequence[tuple[Any, Any]]) -> Measure:
        outputs = program.map([given for given, _ in chosen], failures="return")
        failures = [output for output in outputs if isinstance(output, Failed)]
        if len(failures) == len(outputs):
            raise ProgramFailed(failures[0])
        values = [
            self.failed if isinstance(output, Failed) else float(self.score(output, answer))
            for output, (_, answer) in zip(outputs, chosen, strict=True)
        ]
        said = [f"{len(failures)} of {len(outputs)} examples failed"] if failures else []
        said += [f"{one.kind}: {one.detail}" for one in failures[:_SHOWN_FAILURES]]
        return Measure(
            math.fsum(values) / len(values), per_instance=values, feedback="\n".join(said)
        )


def equal(output: Any, answer: Any) -> float:
    """1 if the output is the answer, else 0."""
    import numpy as np  # who lists runs does not wait for it

    if isinstance(output, np.ndarray) or isinstance(answer, np.ndarray):
        return float(np.array_equal(output, answer))
    return float(output == answer)


def examples(
    inputs: Iterable[Any] | str | Path,
    answers: Iterable[Any] | None = None,
    score: Callable[[Any, Any], float] = equal,
    *,
    input: Names = "input",
    answer: str = "answer",
    failed: float = 0.0,
    show: int = 0,
) -> Examples:
    """A utility from examples: the mean score over those of a stream.

    The library splits them: of the different inputs half are for search, a quarter for val, a
    quarter for test, by the hash of their content, so that the order in the file is no matter.

    Args:
        inputs: one argument a call; or a file, JSON lines (`.jsonl`) or CSV, whose values are all
            texts. A relative path is taken from the folder of the file that calls this.
        answers: one an input; of a file, None.
        score: of an output and the answer; by default whether they are equal.
        input, answer: names in the file; several names of inputs make one dict an example.
        failed: what an example is worth whose call failed; a program of which all calls fail has
            failed.
        show: how many inputs of search the model is shown. Answers never are.
    Raises: ConfigError.
    """
    caller = inspect.stack(0)[1]
    here = Path(caller.filename).resolve()
    place = (here, caller.lineno) if here.is_file() else None
    if isinstance(inputs, (str, Path)):
        if answers is not None:
            raise ConfigError("st.examples: a file holds its answers: give their name as answer=")
        folder = Path.cwd() if place is None else here.parent
        pairs = [
            (_named(row, input, where), _named(row, answer, where))
            for row, where in _rows(folder / inputs)
        ]
    else:
        given, right = list(inputs), list(() if answers is None else answers)
        if len(given) != len(right):
            raise ConfigError(f"st.examples: {len(given)} inputs and {len(right)} answers")
        pairs = list(zip(given, right, strict=True))
    return Examples(split(pairs), score, float(failed), show, digest_of(pairs), place)


def digest_of(pairs: Sequence[tuple[Any, Any]]) -> str:
    """By which a task's version knows them, whatever their order."""
    return _hash(sorted(map(_hash, pairs)))


def split(pairs: Sequence[tuple[Any, Any]]) -> dict[Stream, list[tuple[Any, Any]]]:
    """Equal inputs go to the same stream: else what was searched on would be tested on."""
    by_input: dict[str, list[tuple[Any, Any]]] = {}
    for pair in sorted(pairs, key=_hash):
        by_input.setdefault(_hash(pair[0]), []).append(pair)
    if len(by_input) < LEAST:
        raise ConfigError(
            f"st.examples: {len(by_input)} different examples are too few to be split into search, "
            f"val and test: give {LEAST} at least, better some hundreds"
        )
    groups = [by_input[key] for key in sorted(by_input)]
    ends = [round(len(groups) * share) for share in (SHARES["search"], sum(SHARES.values()))]
    cut = (groups[: ends[0]], groups[ends[0] : ends[1]], groups[ends[1] :])
    search, val, test = ([pair for group in part for pair in group] for part in cut)
    return {"search": search, "val": val, "test": test}


def _rows(path: Path) -> Iterable[tuple[dict[str, Any], str]]:
    """The records of a file, and where each is."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"st.examples: cannot read {path}: {error}") from None
    if path.suffix == ".csv":
        for number, row in enumerate(csv.DictReader(text.splitlines(keepends=True)), 1):
            yield row, f"record {number} of {path}"
        return
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise ConfigError(f"st.examples: {path}:{number} is not JSON: {error}") from None
        if not isinstance(record, dict):
            raise ConfigError(f"st.examples: {path}:{number} is not a JSON object")
        yield record, f"{path}:{number}"


def _named(row: dict[str, Any], names: Names, where: str) -> Any:
    if not isinstance(names, str):
        return {name: _named(row, name, where) for name in names}
    if names not in row:
        raise ConfigError(
            f"st.examples: {where} has no {names!r}; it has {', '.join(map(str, row))}"
        )
    return row[names]


def _hash(value: Any) -> str:
    """Of data; numpy's arrays by what they hold."""
    import numpy as np

    if isinstance(value, np.ndarray):
        value = (str(value.dtype), value.shape, value.tobytes())
    elif isinstance(value, dict):
        value = sorted((repr(key), _hash(one)) for key, one in value.items())
    elif isinstance(value, (list, tuple)):
        value = [type(value).__name__, *map(_hash, value)]
    return hashlib.sha256(repr(value).encode("utf-8", "surrogatepass")).hexdigest()
