"""What is asked of several studies: before them, whether prompts can hold what they show; and by
`verify` keys, estimates and what improver runs came to.
"""

from __future__ import annotations

from collections.abc import Iterator

from selftaught.analysis.past import Past
from selftaught.analysis.recorded_run import RecordedRun
from selftaught.core.errors import ConfigError
from selftaught.core.program import Program
from selftaught.core.scale import Scale
from selftaught.core.seeds import Stream
from selftaught.core.statistics import Estimate, close
from selftaught.engine.keys import make_key
from selftaught.journal.codec import Event
from selftaught.journal.events import TaskVersion
from selftaught.journal.ignition_events import IgnitionChild
from selftaught.journal.study_events import Baseline, Paired


def check_prompt(what: str, description: str, program: Program, prompt_kb: int) -> None:
    """What an improver asks of the model holds the description and the program.

    Raises: ConfigError if no prompt can.
    """
    size = len(description.encode()) + len(program.source.encode())
    if size > prompt_kb << 10:
        raise ConfigError(
            f"{what}: its description and the program to improve have {size:,} bytes, and a prompt "
            f"may have {prompt_kb << 10:,}: give a shorter description, or --prompt-kb "
            f"{(2 * size >> 10) + 1}"
        )


def key_problem(root: str, event: Event, *path: str | int) -> Iterator[str]:
    """Keys of what no guest asks for follow from the run's seed and what the event says."""
    expected = make_key(root, *path)
    if event.key != expected:
        yield f"the key of this {event.kind} is {event.key}, but what it says makes {expected}"


def estimate_problem(what: str, said: Estimate, found: Estimate) -> Iterator[str]:
    """Means and intervals are computed anew, so they may differ in their last digits."""
    interval, again = said.ci95, found.ci95
    same = said.n == found.n and close(said.mean, found.mean)
    if same and interval is not None and again is not None:
        same = len(interval) == 2 and all(map(close, interval, again))
    elif same:
        same = interval is None and again is None
    if not same:
        yield f"{what} come to {found.as_json()}, and it says {said.as_json()}"


def paired_problems(before: RecordedRun, body: Paired, stream: Stream, name: str) -> Iterator[str]:
    """How the values of pairs are not what the evaluations before them come to."""
    past = before.past()
    told = {task.name: task for task in before.head.tasks}
    for place, (task, pairs) in enumerate(body.values.items()):
        scale = scale_of(body, task, told[task])
        for one, pair in enumerate(pairs):
            repeat = f"{stream}-{name}-{one * len(body.values) + place}"
            for improver, value in zip((body.improver, body.parent), pair, strict=True):
                found = worth_of(past, improver, told[task], scale, stream, repeat)
                if not close(found, value):
                    where = f"improver {improver} in {repeat} of {task}"
                    yield f"{where} comes to {found}, and it says {value}"


def worth_of(
    past: Past, improver: str, task: TaskVersion, scale: Scale, stream: Stream, repeat: str
) -> float:
    """What an improver run of the meta-utility comes to, by the evaluations so far; normalised."""
    program = past.best("inner", improver, task, repeat, task.worth(scale.worst))
    scored = past.values.get((program or "", task.name, stream, repeat))
    return 0.0 if scored is None else scale.share(scored)


def scale_of(body: Baseline | Paired | IgnitionChild, task: str, told: TaskVersion) -> Scale:
    ends, seed = body.bounds[task], body.seed_values.get(task)
    return Scale.between(ends, seed, minimize=told.minimize)
