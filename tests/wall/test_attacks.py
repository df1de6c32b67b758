"""The suite of hostile programs: each first where little holds it, then in each tier.

The first is the positive control: a program that gets through nowhere would prove nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selftaught.attacks import catalogue
from selftaught.attacks.catalogue import FAMILIES, Attack, load_attacks
from selftaught.attacks.contained import Arena, arena
from selftaught.attacks.control import run_control
from selftaught.attacks.stage import planted
from selftaught.core.ports import Sandbox

ATTACKS = load_attacks()


class RunningArena:
    """An arena with the event loop that it runs in."""

    def __init__(self, runner: asyncio.Runner, place: Arena) -> None:
        self._runner = runner
        self._place = place

    def attack(self, attack: Attack) -> Any:
        return self._runner.run(asyncio.wait_for(self._place.attack(attack), 60))


@pytest.fixture(scope="module")
def running(sandbox: Sandbox) -> Iterator[RunningArena]:
    with planted(), asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        place = runner.run(stack.enter_async_context(arena(sandbox)))
        yield RunningArena(runner, place)
        runner.run(stack.aclose())


def needs_its_machine(attack: Attack) -> None:
    if not attack.runs_here:
        pytest.skip(f"{attack.name} is written for {attack.machine}")


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_gets_through_where_little_holds_it(attack: Attack) -> None:
    needs_its_machine(attack)
    verdict = run_control(attack)
    assert (verdict.attempted, verdict.word) == (True, "got through"), verdict


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_is_attempted_and_blocked(attack: Attack, running: RunningArena) -> None:
    needs_its_machine(attack)
    verdict = running.attack(attack)
    assert (verdict.word, verdict.attempted) == ("blocked", True), verdict


def test_there_are_sixty_at_least_and_every_family_has_some() -> None:
    assert len(ATTACKS) >= 60
    assert {attack.family for attack in ATTACKS} == set(FAMILIES)


def made(tmp_path: Path, text: str) -> Attack:
    file = tmp_path / "mine.py"
    file.write_text(text, encoding="utf-8")
    return catalogue._read(file)


def test_one_that_dies_before_its_step_does_not_count_as_blocked(
    tmp_path: Path, running: RunningArena
) -> None:
    dies = made(tmp_path, '"""Dies."""\n# family: files\ndef algorithm(question):\n    1 / 0\n')
    verdict = running.attack(dies)
    assert (verdict.word, verdict.blocked) == ("not attempted", False)
    assert not run_control(dies).attempted


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def algorithm(question):\n    return 1\n", "first line"),
        ('"""Does."""\ndef algorithm(question):\n    return 1\n', "family"),
        ('"""Does."""\n# family: files\n# colour: red\n', "'colour'"),
    ],
)
def test_a_file_that_does_not_say_what_it_is_is_refused(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        made(tmp_path, text)


def test_what_gets_through_the_sandbox_would_be_seen(tmp_path: Path, running: RunningArena) -> None:
    head = '"""Wins."""\n# family: files\nfrom attack import attempted\n'
    wins = made(tmp_path, f"{head}def algorithm(question):\n    attempted()\n    return True\n")
    assert running.attack(wins).word == "got through"
    improver = "def improve_algorithm(*args):\n    attempted()\n    return 'THROUGH'\n"
    assert running.attack(made(tmp_path, head + improver)).word == "got through"


@pytest.mark.parametrize(
    "deed",
    [
        "def algorithm(question):\n    attempted()\n    return 0\n",
        "def improve_algorithm(solution, utility, language_model):\n"
        "    attempted()\n    utility(solution)\n"
        "    return language_model.prompt('', 'as is allowed')[0]\n",
    ],
    ids=["candidate", "improver"],
)
def test_a_harmless_program_gets_through_nowhere(
    tmp_path: Path, running: RunningArena, deed: str
) -> None:
    """Not in the weak hosts either: those that do get through there owe it to what they try."""
    head = '"""Harms nobody."""\n# family: files\nfrom attack import attempted\n'
    harmless = made(tmp_path, head + deed)
    for verdict in (run_control(harmless), running.attack(harmless)):
        assert (verdict.attempted, verdict.through) == (True, None), verdict
