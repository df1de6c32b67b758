"""`doctor --attack`: the suite of hostile programs, and its table."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from selftaught.app.parts import sandboxes
from selftaught.attacks.catalogue import Attack, Verdict
from selftaught.attacks.suite import CONTROL, Row, run_suite
from selftaught.cli.terminal import stderr
from selftaught.pages.blocks import Block, Paragraph, Table


def run_attacks(tiers: Sequence[str], *, controls: bool) -> dict[str, Any]:
    """Run the suite in the tiers given; the `attacks` of `doctor --json`."""
    chosen = [sandbox for sandbox in sandboxes() if sandbox.tier in tiers]
    places = [*tiers, *([CONTROL] if controls else [])]
    start_s = time.monotonic()
    console = stderr()
    progress = Progress(
        TextColumn("hostile programs"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[place]} {task.fields[name]}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with progress:
        bar = progress.add_task("", total=None, place="", name="")

        def tell(attack: Attack, place: str, verdict: Verdict, rows: int) -> None:
            progress.update(bar, total=rows * len(places), place=place, name=attack.name)
            progress.advance(bar)

        rows = run_suite(chosen, controls=controls, told=tell)
    return {
        "places": places,
        "all_blocked": all(row.verdicts[tier].blocked for row in rows for tier in tiers),
        "controls_through": sum(row.verdicts[CONTROL].through is not None for row in rows)
        if controls
        else None,
        "wall_s": round(time.monotonic() - start_s, 1),
        "programs": [_row_json(row) for row in rows],
    }


def attacks_blocks(attacks: dict[str, Any]) -> Iterator[Block]:
    """Program by place, and what it comes to."""
    places, programs = attacks["places"], attacks["programs"]
    rows = []
    family = None
    for program in programs:
        if program["family"] != family:
            family = program["family"]
            rows.append((f"[{family}]", *[""] * len(places), ""))
        said = (program["verdicts"][place]["word"] for place in places)
        rows.append((f"  {program['name']}", *said, program["tries"]))
    yield Table("Hostile programs", ("program", *places, "what it tries"), tuple(rows))
    for program in programs:
        for place in places:
            verdict = program["verdicts"][place]
            if _is_wrong(place, verdict):
                what = f"{program['name']} in {place}: {verdict['word']}"
                yield Paragraph(f"{what} ({verdict['through'] or verdict['detail']})")
    yield Paragraph(_summary(attacks))


def _summary(attacks: dict[str, Any]) -> str:
    count, took = len(attacks["programs"]), f"{attacks['wall_s']:.0f} s"
    tiers = [place for place in attacks["places"] if place != CONTROL]
    where = " and ".join(tiers)
    if attacks["all_blocked"]:
        said = f"{count} programs, all attempted and all blocked in {where} ({took})."
    else:
        said = f"NOT ALL of {count} programs were attempted and blocked in {where} ({took})."
    if attacks["controls_through"] is not None:
        said += f" Where little holds them, {attacks['controls_through']} of {count} got through."
    return said


def _is_wrong(place: str, verdict: dict[str, Any]) -> bool:
    expected = "got through" if place == CONTROL else "blocked"
    return bool(verdict["word"] != expected)


def _row_json(row: Row) -> dict[str, Any]:
    attack = row.attack
    return {
        "name": attack.name,
        "family": attack.family,
        "role": attack.role,
        "tries": attack.tries,
        "verdicts": {
            place: {"word": verdict.word, "blocked": verdict.blocked, **asdict(verdict)}
            for place, verdict in row.verdicts.items()
        },
    }
