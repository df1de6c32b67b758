"""Progress on stderr: bars on a terminal, a line an important event in a pipe."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from selftaught.cli.tally import COMPARISON, Tally, title
from selftaught.cli.terminal import stderr
from selftaught.core.progress import Listener, Progress
from selftaught.pages import words
from selftaught.pages.text import printable


@contextmanager
def shown(tally: Tally, *, transient: bool) -> Iterator[Listener]:
    """A listener that counts into the tally and shows it while the body runs.

    Args:
        transient: on a terminal, clear the bars at the end: the result is shown instead.
    """
    console = stderr()
    if console.is_terminal and not console.is_dumb_terminal:
        from selftaught.cli.live import live

        with live(console, tally, transient=transient):
            yield tally.add
    else:
        yield _lines_to_stderr(tally)


def line(progress: Progress, tally: Tally) -> str | None:
    """What a pipe is told of an event, after it was counted; None for the many small ones."""
    facts = progress.facts
    match progress.kind:
        case "run_started":
            if not facts.get("resumed"):
                return f"run {tally.run_id} started: {title(facts)}"
            spent = words.counted(tally.model_calls, "model call")
            cut = words.counted(facts["cut_requests"], "request")
            return (
                f"run {tally.run_id} goes on: {title(facts)}; {spent} so far; {cut} under way when "
                "it was cut, counted at their most"
            )
        case "iteration":
            return _iteration_line(facts, facts["t"], tally.head["config"]["iterations"])
        case "phase" if facts["name"] == COMPARISON:
            baseline = facts.get("baseline")
            other = f"the baseline {baseline}" if baseline else "the seed improver"
            return f"comparing the final improver to {other} on test"
        case "phase" if "detail" in facts:
            return str(facts["detail"])
        case "phase":
            return f"{facts['name']} the seed and the best program on val and test"
        case "best":
            value, spent = (
                words.number(facts["value"]),
                words.counted(tally.model_calls, "model call"),
            )
            if len(tally.best) == 1 and not tally.model_calls:
                return f"the seed on search {value}"
            return f"best on search {value}, after {spent}"
        case "notice":
            return str(facts["detail"])
        case "run_ended":
            why = f" ({facts['detail']})" if facts["detail"] else ""
            return f"run {tally.run_id} ended: {facts['state']}{why}"
    return None


def _iteration_line(iteration: Mapping[str, Any], t: int, last: int) -> str:
    val, test = (words.mean_and_interval(iteration[stream]) for stream in ("val", "test"))
    became = f"; {words.decision(iteration['proposal'])}" if iteration["proposal"] else ""
    return f"t = {t} of {last}: {iteration['improver_id']}: val {val}, test {test}{became}"


def _lines_to_stderr(tally: Tally) -> Listener:
    def listen(progress: Progress) -> None:
        tally.add(progress)
        told = line(progress, tally)
        if told is not None:
            with contextlib.suppress(OSError):  # nobody reads it: that must not end the run
                print(f"{tally.elapsed_s:7.1f} s  {printable(told)}", file=sys.stderr, flush=True)

    return listen
