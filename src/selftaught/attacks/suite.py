"""The whole suite: every attack in every tier that works, and in the weak hosts if wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import TypeAlias

from selftaught.attacks.catalogue import Attack, Verdict, load_attacks
from selftaught.attacks.contained import arena
from selftaught.attacks.control import run_control
from selftaught.attacks.stage import planted
from selftaught.core.ports import Sandbox

CONTROL = "control"

# Attack, place, verdict, and how many attacks there are.
Told: TypeAlias = Callable[[Attack, str, Verdict, int], None]


@dataclass(frozen=True, slots=True)
class Row:
    """One attack, and its verdict in each place: a tier, or `control`."""

    attack: Attack
    verdicts: dict[str, Verdict]


def run_suite(
    sandboxes: Sequence[Sandbox],
    *,
    controls: bool = False,
    told: Told = lambda attack, place, verdict, rows: None,
) -> list[Row]:
    """Run all attacks that are for this machine; blocking, under a minute.

    Args:
        told: called with each verdict as it comes, from a thread a tier.
    """
    here = [attack for attack in load_attacks() if attack.runs_here]
    rows = [Row(attack, {}) for attack in sorted(here, key=lambda attack: attack.family)]

    stopped = Event()
    with planted(), ThreadPoolExecutor(max(1, len(sandboxes))) as threads:
        work = [
            threads.submit(asyncio.run, _attack_tier(sandbox, rows, told, stopped))
            for sandbox in sandboxes
        ]
        try:
            for one in work:
                one.result()
        finally:
            stopped.set()  # whoever is interrupted waits for one attack, not for all
    if controls:
        for row in rows:
            row.verdicts[CONTROL] = run_control(row.attack)
            told(row.attack, CONTROL, row.verdicts[CONTROL], len(rows))
    return rows


async def _attack_tier(sandbox: Sandbox, rows: Sequence[Row], told: Told, stopped: Event) -> None:
    async with arena(sandbox) as place:
        for row in rows:
            if stopped.is_set():
                return
            verdict = await place.attack(row.attack)
            row.verdicts[sandbox.tier] = verdict
            told(row.attack, sandbox.tier, verdict, len(rows))
