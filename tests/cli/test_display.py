"""Progress on a terminal, and text that cannot steer one."""

from __future__ import annotations

import io
import json
import os
import pty
import re
from pathlib import Path
from typing import Any

import pytest
from installed import started
from rich.console import Console

from selftaught.app.live import display
from selftaught.app.tally import Tally
from selftaught.core.progress import Progress
from selftaught.pages import words
from selftaught.pages.blocks import Listing, Page, Section, Table
from selftaught.pages.terminal import as_text, rich_table
from selftaught.pages.text import printable
from selftaught.studies.stop.page import comparison_table, iterations_table

RUN = {
    "run_id": "20261123-0455-3f9a",
    "command": "run",
    "config": {"iterations": 4, "budget": {"lm_calls": 100, "samples": None}},
    "tasks": [{"name": "flow_shop"}, {"name": "descent"}],
    "model": "local:mutator",
    "tier": "sealed",
    "spent": {"lm_calls": 0, "samples": 0, "tokens": 0, "usd": 0.0},
    "at_once": 2,
}


def estimate(mean: float, half: float | None = 0.01) -> dict[str, Any]:
    return {"mean": mean, "ci95": None if half is None else [mean - half, mean + half], "n": 6}


def iteration(t: int, mean: float, reason: str = "") -> dict[str, Any]:
    proposal = {
        "improver_id": None,
        "accepted": False,
        "val_difference": None,
        "reason": reason,
    }
    return {
        "t": t,
        "improver_id": "e99e0f40bfa0890b",
        "val": estimate(mean),
        "test": estimate(mean),
        "proposal": proposal if reason else None,
    }


def drawn(renderable: Any, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, height=30, markup=False)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def picture(*events: Progress, width: int = 80) -> str:
    tally = Tally()
    for event in events:
        tally.add(event)
    console = Console(file=io.StringIO(), width=width, height=30)
    return drawn(display(tally, console), width)


def test_before_the_run_starts_the_display_says_what_is_done() -> None:
    assert picture().startswith("starting the sandbox, checking the tasks")


def test_the_display_counts_what_happens() -> None:
    began = Progress("improver_run_started", {"role": "inner"})
    ended = Progress("improver_run_ended", {"role": "inner", "failed": True})
    scored = [Progress("candidate_scored", {"outcome": kind}) for kind in ("scored", "timeout")]
    answered = Progress(
        "model_answered", {"lm_calls": 1, "samples": 6, "tokens_out": 9000, "usd": 0.25}
    )
    failed = Progress("model_failed", {"lm_calls": 0, "samples": 0, "usd": 0.0})
    noted = Progress("notice", {"detail": "it does not take temperature"})
    steps = [Progress("iteration", iteration(0, 0.5)), Progress("iteration", iteration(1, 0.75))]
    drawn = picture(
        Progress("run_started", RUN), began, began, ended, *scored, failed, answered, noted, *steps
    )
    for line in (
        r"20261123-0455-3f9a  run flow_shop, descent; model local:mutator; sandbox",
        r"step +━+╺?━* +t = 2 of 4, 0\.\d s",
        r"improver runs +1 done, 1 of them failed, 1 running",
        r"candidates +2 scored, 1 of them failed",
        r"model calls +(━\S* +)?1 of 100",
        r"samples +6",
        r"output +9,000 tokens, [\d,]+ a second",
        r"money +0\.2500 USD",
        r"faults +1 request failed",
        r"note +it does not take temperature",
        r"best +0\.7500 on val; began with 0\.5000",
    ):
        assert re.search(line, drawn), line


def test_the_display_of_a_resumed_run_goes_on_from_what_was_spent() -> None:
    spent = {"lm_calls": 40, "samples": 90, "tokens": 7, "usd": 1.5}
    answered = Progress(
        "model_answered", {"lm_calls": 1, "samples": 6, "tokens_out": 9000, "usd": 0.25}
    )
    drawn = picture(Progress("run_started", RUN | {"spent": spent}), answered)
    for line in (r"model calls .* 41 of 100", r"samples +96", r"money +1\.7500 USD"):
        assert re.search(line, drawn), line


def test_an_improver_run_that_was_cut_runs_no_more_and_is_not_done() -> None:
    began = Progress("improver_run_started", {"role": "inner"})
    cut = Progress("improver_run_cut", {"role": "inner"})
    drawn = picture(Progress("run_started", RUN), began, began, cut)
    assert re.search(r"improver runs +0 done, 1 running", drawn)


def test_at_the_end_the_display_says_how_it_ended() -> None:
    events = [Progress("phase", {"name": "comparison"}), Progress("run_ended", {"state": "done"})]
    drawn = picture(Progress("run_started", RUN), *events)
    assert re.search(r"step +━{24} +done, ", drawn)


def test_many_iterations_leave_room_for_the_bars() -> None:
    steps = [Progress("iteration", iteration(t, 0.5)) for t in range(40)]
    drawn = picture(Progress("run_started", RUN), *steps)
    assert len(drawn.splitlines()) <= 30
    assert re.search(r"^39 ", drawn, re.MULTILINE)
    assert "best" in drawn


def test_an_improve_run_shows_its_best_on_search() -> None:
    bests = [Progress("best", {"value": value, "task": "flow_shop"}) for value in (0.5, 0.625)]
    run = RUN | {"command": "improve", "config": {"budget": {"lm_calls": 100}}}
    drawn = picture(Progress("run_started", run), *bests)
    assert re.search(r"step +searching", drawn)
    assert "0.6250 on search; began with 0.5000" in drawn


@pytest.mark.parametrize("width", [40, 50, 60, 80])
@pytest.mark.parametrize("command", ["run", "improve"])
def test_no_count_of_the_display_is_cut_or_parted_from_its_limit(width: int, command: str) -> None:
    budget = {"lm_calls": 3000, "samples": 72_000, "usd": 1234.5}
    spent = {"lm_calls": 2345, "samples": 43_210, "usd": 987.6543}
    config = {"budget": budget} | ({"iterations": 4} if command == "run" else {})
    run = RUN | {"command": command, "config": config, "spent": spent}
    shown = picture(
        Progress("run_started", run),
        Progress("best", {"value": -11670.4, "task": "flow_shop"}),
        *([Progress("iteration", iteration(0, 0.5))] if command == "run" else []),
        width=width,
    )
    assert max(map(len, shown.splitlines())) <= width
    for said in ("2,345 of 3,000", "43,210 of 72,000", "987.6543 of 1234.5 USD"):
        assert said in shown  # in one line, with a bar beside it where there is room
    assert ("-11,670" in shown.split()) == (command == "improve")


@pytest.mark.parametrize("width", [30, 50, 80, 120])
def test_a_long_reason_wraps_and_no_number_is_cut(width: int) -> None:
    reason = "the improver run failed: raised: ZeroDivisionError: division by zero in line 3"
    table = iterations_table([iteration(1, 0.5, reason)])
    lines = drawn(rich_table(table, width), width).splitlines()
    assert max(map(len, lines)) <= width
    together = " ".join(" ".join(lines).split())
    assert "[0.4900, 0.5100]" in together
    assert "…" not in together
    assert all(word in together for word in reason.split())


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.01, 0.02, "the interval lies above 0: higher"),
        (-0.02, -0.01, "the interval lies below 0: lower"),
        (-0.01, 0.02, "the interval holds 0: no difference shown"),
        (0.0, 0.0, "the interval holds 0: no difference shown"),
    ],
)
def test_a_difference_is_read_in_plain_words(low: float, high: float, said: str) -> None:
    difference = {"mean": 0.0, "ci95": [low, high], "n": 9}
    assert words.reading(difference) == words.reading(difference, 4) == said
    enough = said.replace("higher", "better").replace("lower", "worse")
    assert words.reading(difference, 5) == enough


def test_a_difference_without_an_interval_shows_nothing() -> None:
    assert "no difference shown" in words.reading(estimate(0.5, None))


def test_a_comparison_that_the_budget_cut_short_says_so() -> None:
    measured = {"seed": estimate(0.5), "final": estimate(0.6), "vs_seed": estimate(0.1)}
    table = comparison_table(measured | {"seed_restarted": None, "vs_seed_restarted": None})
    assert "not measured: the" in drawn(rich_table(table, 80))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.5, "0.5000"),
        (-0.0265, "-0.0265"),
        (1234.5678, "1,235"),
        (-11670.0, "-11,670"),
        (0.0, "0.0000"),
        (None, "-"),
    ],
)
def test_numbers_are_short(value: float | None, written: str) -> None:
    assert words.number(value) == written


@pytest.mark.parametrize(
    ("mean", "half", "written"),
    [
        (0.77842, 0.0315, "0.7784 [0.7469, 0.8099]"),
        (-11670.4, 35.0, "-11,670 [-11,705, -11,635]"),
        (11670.4, 0.5, "11,670.40 [11,669.90, 11,670.90]"),
        (0.00012, 0.00003, "0.000120 [0.000090, 0.000150]"),
        (1.5, 0.00012, "1.50000 [1.49988, 1.50012]"),
        (123.4, 12.0, "123 [111, 135]"),
        (2e18, 1e17, "2e+18 [1.9e+18, 2.1e+18]"),
        (11670.4, 0.0, "11,670 [11,670, 11,670]"),
    ],
)
def test_an_interval_says_how_many_digits_count(mean: float, half: float, written: str) -> None:
    measured = {"mean": mean, "ci95": [mean - half, mean + half], "n": 20}
    assert words.mean_and_interval(measured) == written


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.1, 0.3, "higher by 0.2000 [+0.1000, +0.3000]"),
        (-0.3, -0.1, "lower by 0.2000 [-0.3000, -0.1000]"),
        (-0.1, 0.3, "tied: +0.1000 [-0.1000, +0.3000]"),
        (0.0, 0.0, "tied: +0.0000 [+0.0000, +0.0000]"),
    ],
)
def test_a_verdict_is_higher_lower_or_tied(low: float, high: float, said: str) -> None:
    assert words.verdict({"mean": (low + high) / 2, "ci95": [low, high], "n": 20}) == said


@pytest.mark.parametrize(
    ("seconds", "written"), [(2.94, "2.9 s"), (65, "1 min 05 s"), (7384, "2 h 03 min")]
)
def test_durations_are_short(seconds: float, written: str) -> None:
    assert words.duration(seconds) == written


HOSTILE = "x = '\x1b]0;title\x07\x1b[2J\x9b1A\u202e\u2066' \r\x00#\tok\n"


def test_a_programs_text_cannot_steer_the_terminal() -> None:
    blocks = (
        Listing("a program", HOSTILE),
        Listing(HOSTILE, f"+{HOSTILE}", is_diff=True),
        Table(HOSTILE, ("", "t"), ((HOSTILE, HOSTILE),), HOSTILE),
    )
    page = Page(HOSTILE, (HOSTILE,), (Section("s", HOSTILE, blocks),))
    shown = as_text(page) + printable(HOSTILE)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert r"\x1b]0;title\x07" in shown
    assert "[2J" in shown


def read_all(terminal: int) -> str:
    text = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # the other side has closed it
            return text.decode()
        if not part:
            return text.decode()
        text += part


IMPROVE = ("improve", "flow_shop", "--lm-calls", "1", "--samples-per-call", "1")


def on_a_terminal(here: Path, *arguments: str, **changes: str) -> tuple[str, str]:
    """(stdout, stderr) of a command whose stderr is a terminal."""
    ours, theirs = pty.openpty()
    process = started(*arguments, cwd=here, terminal=theirs, **changes)
    stderr = read_all(ours)
    os.close(ours)
    stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return stdout, stderr


def test_on_a_terminal_the_bars_are_live_and_stdout_is_still_one_object(here: Path) -> None:
    stdout, stderr = on_a_terminal(here, *IMPROVE, "--json")
    assert json.loads(stdout)["usage"]["lm_calls"] == 1
    assert "\x1b[?25l" in stderr
    assert "\x1b[?25h" in stderr
    assert "candidates" in stderr
    assert "best on search" not in stderr


@pytest.mark.slow
def test_no_color_leaves_out_the_colours(here: Path) -> None:
    _, stderr = on_a_terminal(here, *IMPROVE, NO_COLOR="1")
    assert "candidates" in stderr
    assert not re.search("\x1b\\[[0-9;]*3[0-9;]*m", stderr)


@pytest.mark.slow
def test_a_terminal_that_can_do_nothing_gets_lines(here: Path) -> None:
    _, stderr = on_a_terminal(here, *IMPROVE, TERM="dumb")
    assert "\x1b" not in stderr
    assert "best on search" in stderr
