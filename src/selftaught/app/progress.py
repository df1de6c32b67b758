"""Progress on stderr: bars on a terminal, elsewhere a line an important event."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console

from selftaught.app.tally import COMPARISON, Tally, title
from selftaught.core.progress import Listener, Progress
from selftaught.pages import words
from selftaught.pages.text import printable
from selftaught.studies.improve.finalists import MEASURING

_HEARTBEAT_S = 10.0
_SHORTEST_S = 0.05  # else it is told as 0.0 s


@contextmanager
def shown(
    tally: Tally, console: Console, *, transient: bool, everything: bool = True
) -> Iterator[Listener]:
    """A listener that counts into the tally and shows it while the body runs.

    Args:
        transient: on a terminal, clear the bars at the end: the result is shown instead.
        everything: where there are no bars, tell of events too, and not only what is waited for.
    """
    if console.is_terminal and not console.is_dumb_terminal:
        from selftaught.app.live import live

        with live(console, tally, transient=transient):
            yield tally.add
    else:
        with told_in_lines(tally, everything=everything) as listener:
            yield listener


def waited_for(tally: Tally) -> str:
    """What a run does that has told nothing for a while, how long, and how far it is."""
    if tally.run_id is None:
        return "starting the sandbox, checking the tasks"
    if tally.waiting:
        asked = words.counted(tally.waiting, "request")
        doing = f"waiting for the model{_for(tally.waiting_since_s)}, {asked}"
    else:
        doing = f"running programs{_for(tally.heard_s, ', nothing new')}"
    calls = words.counted(tally.model_calls, "model call")
    calls += f" ({tally.tokens})" if tally.tokens_out else ""
    runs = words.counted(tally.running, "improver run")
    return f"{doing}; so far {calls}, {tally.scored:,} candidates scored, {runs} under way"


def _for(since_s: float, what: str = "") -> str:
    """Of what has lasted long enough for it to be told."""
    lasted_s = time.monotonic() - since_s
    return f"{what} for {words.duration(lasted_s)}" if lasted_s >= _SHORTEST_S else ""


def line(progress: Progress, tally: Tally) -> str | None:
    """What a pipe is told of an event, after it was counted; None for the many small ones."""
    facts = progress.facts
    match progress.kind:
        case "run_started":
            if not facts.get("resumed"):
                return f"run {tally.run_id} started: {title(facts)}"
            spent = words.counted(tally.model_calls, "model call")
            cut = facts["cut_requests"]
            told = (
                f"; {words.counted(cut, 'request')} under way when it was cut, counted at their "
                "most"
            )
            said = f"run {tally.run_id} goes on: {title(facts)}; {spent} so far"
            return f"{said}{told if cut else ''}"
        case "iteration":
            return _iteration_line(facts, facts["t"], tally.head["config"]["iterations"])
        case "phase" if facts["name"] == COMPARISON:
            baseline = facts.get("baseline")
            other = f"the baseline {baseline}" if baseline else "the seed improver"
            return f"comparing the final improver to {other} on test"
        case "phase" if facts["name"] == MEASURING:
            why = f"{facts['detail']}: " if "detail" in facts else ""
            return f"{why}measuring the seed and the best programs on val and test"
        case "phase":
            return str(facts["detail"])
        case "best":
            value = words.number(facts["value"])
            if len(tally.best) == 1 and not tally.model_calls:
                return f"the seed on search {value}"
            spent = words.counted(tally.model_calls, "model call")
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


@contextmanager
def told_in_lines(
    tally: Tally, *, everything: bool = True, heartbeat_s: float = _HEARTBEAT_S
) -> Iterator[Listener]:
    """A listener that prints to stderr, after a silence what is waited for."""
    told_s = time.monotonic()
    ended = threading.Event()

    def say(text: str) -> None:
        nonlocal told_s
        told_s = time.monotonic()
        tell(f"{tally.elapsed_s:7.1f} s  {printable(text)}")

    def listen(progress: Progress) -> None:
        tally.add(progress)
        text = line(progress, tally) if everything else None
        if text is not None:
            say(text)

    def beat() -> None:
        while not ended.wait(max(0.01, told_s + heartbeat_s - time.monotonic())):
            if time.monotonic() - told_s >= heartbeat_s:
                say(waited_for(tally))

    beating = threading.Thread(target=beat, name="selftaught-heartbeat", daemon=True)
    beating.start()
    try:
        yield listen
    finally:
        ended.set()
        beating.join()


def tell(text: str) -> None:
    with contextlib.suppress(OSError):  # nobody reads it: that must not end the run
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
