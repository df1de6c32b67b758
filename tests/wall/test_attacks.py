"""The suite of hostile programs: each first where little holds it, then in each tier.

The first is the positive control: a program that gets through nowhere would prove nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from selftaught.attacks.catalogue import Attack, load_attacks, read_family
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


def test_there_are_107_in_15_families() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) == 107
    assert len({attack.family for attack in ATTACKS}) == 15


def made(text: str) -> Attack:
    (attack,) = read_family("files", f"from attack import attempted, settings\n{text}")
    return attack


def test_one_that_dies_before_its_step_does_not_count_as_blocked(running: RunningArena) -> None:
    dies = made('def dies(question):\n    """Dies."""\n    attempted(1 / 0)\n')
    verdict = running.attack(dies)
    assert (verdict.word, verdict.blocked) == ("not attempted", False)
    assert not run_control(dies).attempted


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def does(question):\n    return 1\n", "must say what it tries"),
        ('def does(question):\n    """Does.\n\n    More.\n    """\n', "in one line"),
        ('def does(answer):\n    """Does."""\n', "no attack is given"),
    ],
)
def test_a_function_that_does_not_say_what_it_is_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        made(text)


def test_a_setting_that_there_is_not_is_refused() -> None:
    with pytest.raises(TypeError, match="'colour'"):
        made('@settings(colour="red")\ndef does(question):\n    """Does."""\n')


@pytest.mark.parametrize(
    "text",
    [
        'def wins(question):\n    """Wins."""\n    attempted()\n    return True\n',
        'def wins():\n    """Wins."""\n    attempted()\n    return lambda question: True\n',
        "def wins(initial_solution, utility, language_model):\n"
        '    """Wins."""\n    attempted()\n    return "THROUGH"\n',
    ],
    ids=["candidate", "while loaded", "improver"],
)
def test_what_gets_through_the_sandbox_would_be_seen(text: str, running: RunningArena) -> None:
    assert running.attack(made(text)).word == "got through"


@pytest.mark.parametrize(
    "text",
    [
        'def fair(question):\n    """Fair."""\n    attempted()\n    return 0\n',
        "def fair(initial_solution, utility, language_model):\n"
        '    """Fair."""\n    attempted()\n    utility(initial_solution)\n'
        "    return language_model.prompt('', 'as is allowed')[0]\n",
    ],
    ids=["candidate", "improver"],
)
def test_a_harmless_program_gets_through_nowhere(running: RunningArena, text: str) -> None:
    """Not in the weak hosts either: those that do get through there owe it to what they try."""
    harmless = made(text)
    for verdict in (run_control(harmless), running.attack(harmless)):
        assert (verdict.attempted, verdict.through) == (True, None), verdict
