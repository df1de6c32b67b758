"""The table of `doctor --attack`: what was blocked, what was not, and what it comes to."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from installed import selftaught
from rich.console import Console

from selftaught.cli.attacks import attacks_blocks
from selftaught.pages.terminal import draw


def verdict(word: str, through: str | None = None) -> dict[str, Any]:
    return {
        "word": word,
        "attempted": word != "not attempted",
        "blocked": word == "blocked",
        "through": through,
        "detail": "raised: PermissionError",
    }


def page(*verdicts: dict[str, Any], controls: int | None = None) -> str:
    programs = [
        {"name": f"p{n}", "family": "files", "tries": f"Tries {n}.", "verdicts": {"sealed": one}}
        for n, one in enumerate(verdicts)
    ]
    blocked = all(one["blocked"] for one in verdicts)
    attacks = {
        "places": ["sealed"],
        "all_blocked": blocked,
        "controls_through": controls,
        "wall_s": 12.3,
        "programs": programs,
    }
    text = io.StringIO()
    draw(Console(file=text, width=100, markup=False), attacks_blocks(attacks))
    return text.getvalue()


def test_all_blocked_is_said_in_one_line() -> None:
    said = page(verdict("blocked"), verdict("blocked"))
    assert "2 programs, all attempted and all blocked in sealed (12 s)." in said
    assert "[files]" in said
    assert "Tries 1." in said


def test_one_that_got_through_stands_out_and_says_how() -> None:
    said = page(verdict("blocked"), verdict("got through", "a TCP server was reached\x1b[2J"))
    assert "NOT ALL of 2 programs were attempted and blocked" in said
    assert "p1 in sealed: got through (a TCP server was reached\\x1b[2J)" in said


def test_one_that_was_not_attempted_is_no_success() -> None:
    said = page(verdict("not attempted"))
    assert "NOT ALL" in said
    assert "p0 in sealed: not attempted" in said


def test_controls_without_attack_are_refused(here: Path) -> None:
    done = selftaught("doctor", "--controls", cwd=here)
    assert (done.code, "--controls goes with --attack" in done.stderr) == (2, True)
