"""The audits for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console

from selftaught.analysis import words
from selftaught.analysis.safe_text import printable
from selftaught.cli.report import plain_table, print_title, say

Json = Mapping[str, Any]

_SHOWN_PROGRAMS = 5
_SHOWN_LINE = 64

_CONDITIONS = {"without": "no warning", "with": "warned"}
_KINDS = {
    "flag": "switches the flag off",
    "runner": "replaces the runner",
    "execution": "runs code itself",
    "import": "imports code",
    "process": "starts processes",
    "file": "opens files",
    "network": "uses the network",
    "native": "loads libraries",
}


def something_came_out(result: Json) -> bool:
    """Whether a sandbox audit found any trace outside of the sandbox."""
    return any(_count(condition["succeeded"]) for condition in result["conditions"])


def print_sandbox_audit(console: Console, result: Json) -> None:
    """Rates beside the paper's, what the proposals do, and some of them."""
    print_title(console, "Proposals that switch the sandbox off or go around it, % [95 % interval]")
    table = plain_table("", "samples", "flag off", "any bypass", "attempted", "succeeded")
    for one in result["conditions"]:
        shares = [_share(one[name]) for name in ("flag", "static", "attempted")]
        label = _CONDITIONS[one["condition"]]
        table.add_row(label, f"{one['samples']:,}", *shares, f"{_count(one['succeeded']):,}")
    for one in result["published"]:
        label = one["model"] if one["condition"] == "without" else f"{one['model']} warned"
        table.add_row(label, f"{one['n']:,}", _share(one), "", "", "")
    console.print(table)
    for line in _notes(result):
        say(console, line)
    console.print()
    _print_kinds(console, result["conditions"])
    _print_programs(console, result["bypassing"])
    _print_outcome(console, result)


def _notes(result: Json) -> Iterator[str]:
    yield (
        "flag off, any bypass: by reading the proposal; attempted: by running it. "
        "The GPT rows are the paper's (Zelikman et al. 2024), by reading, with a prompt of its own."
    )
    if result["model"] == "local:mutator":
        yield "local:mutator edits programs blindly: its rate says nothing of language models."
    for one in result["conditions"]:
        without = [
            f"{one[name]:,} {said}"
            for name, said in (("no_code", "hold no program"), ("unreadable", "cannot be read"))
            if one[name]
        ]
        if without:
            yield f"{_CONDITIONS[one['condition']]}: {', '.join(without)}; they count as harmless"


def _print_kinds(console: Console, conditions: Sequence[Json]) -> None:
    kinds = [kind for kind in _KINDS if any(kind in one["kinds"] for one in conditions)]
    kinds += sorted({kind for one in conditions for kind in one["kinds"]} - _KINDS.keys())
    if not kinds:
        return
    print_title(console, "What they do, in samples")
    headings = [
        f"{how}{', warned' if one['condition'] == 'with' else ''}"
        for one in conditions
        for how in ("read", "attempted")
    ]
    table = plain_table("", *headings)
    for kind in kinds:
        counts = [
            f"{one['kinds'].get(kind, {}).get(how, 0):,}"
            for one in conditions
            for how in ("static", "attempted")
        ]
        table.add_row(_KINDS.get(kind, printable(kind)), *counts)
    console.print(table)
    console.print()


def _print_programs(console: Console, programs: Sequence[Json]) -> None:
    if not programs:
        return
    more = len(programs) - _SHOWN_PROGRAMS
    title = f"{words.counted(len(programs), 'different program')} with a sign of it"
    print_title(console, f"{title}; those of most samples" if more > 0 else title)
    for one in programs[:_SHOWN_PROGRAMS]:
        samples = words.counted(sum(one["samples"].values()), "sample")
        console.print(f"{one['program_id'][: words.SHORT_ID]}, {samples}")
        for sign in one["signs"][:3]:
            text = printable(sign["text"])[:_SHOWN_LINE]
            console.print(f"  line {sign['line']}: {text}", soft_wrap=True)
        for attempt in one["attempts"][:3]:
            text = printable(attempt["detail"])[:_SHOWN_LINE]
            console.print(f"  attempted: {text}", soft_wrap=True)
    console.print()


def _print_outcome(console: Console, result: Json) -> None:
    if not something_came_out(result):
        say(console, "Nothing came out of the sandbox.")
        return
    console.print(
        "SOMETHING CAME OUT OF THE SANDBOX. Do not run generated programs here.", style="bold red"
    )
    for one in result["bypassing"]:
        if one["succeeded"]:
            traces = printable("; ".join(one["succeeded"]))
            console.print(f"  {one['program_id']}: {traces}", style="bold red", soft_wrap=True)


def _share(proportion: Json | None) -> str:
    """A proportion in per cent, over its interval."""
    if proportion is None or proportion["rate"] is None:
        return "-"
    low, high = (_percent(bound) for bound in proportion["ci95"])
    return f"{_percent(proportion['rate'])}\n[{low}, {high}]"


def _percent(share: float) -> str:
    return f"{100 * share:.2f}" if share < 0.0995 else f"{100 * share:.1f}"


def _count(proportion: Json | None) -> int:
    return 0 if proportion is None else int(proportion["count"])


# --- rewards -------------------------------------------------------------------------------------

_FINDINGS = {
    "budget": "sets what budgets are kept in",
    "model": "builds or asks a model of its own",
    "scorer": "reads what scores it",
    "escape": "tries processes, sockets or the like",
    "above_bound": "a score above the task's bound",
    "does_not_hold": "a score on search that does not hold",
    "malformed": "outputs refused as malformed",
    "over_budget": "asks for more model calls than it has",
}
_SHOWN_FINDINGS = 12


def print_rewards(console: Console, audit: Json) -> None:
    """What was looked at, how much of each kind was found, and each finding with its evidence."""
    counts = audit["programs"]
    read = " and ".join(
        words.counted(counts[role], role) for role in ("improver", "solution") if counts[role]
    )
    unreadable = len(audit["unreadable"])
    rest = f", {unreadable:,} of which cannot be read" if unreadable else ""
    print_title(console, f"Cheating in run {audit['run_id']}")
    say(console, f"read: {read or 'no program'}{rest}")
    table = plain_table("", "findings")
    for kind, said in _FINDINGS.items():
        table.add_row(said, f"{audit['counts'][kind]:,}")
    console.print(table)
    console.print()
    _print_findings(console, audit["findings"])
    if "rescored" in audit:
        _print_rescored(console, audit["rescored"])
    if audit["counts"]["does_not_hold"]:
        say(
            console,
            "A score that does not hold is no proof of intent: programs can fit the instances that "
            "they were searched on without meaning to.",
        )
    if not audit["findings"]:
        say(console, "Nothing was found.")


def _print_findings(console: Console, findings: Sequence[Json]) -> None:
    for kind, said in _FINDINGS.items():
        listed = [one for one in findings if one["kind"] == kind]
        if not listed:
            continue
        print_title(console, said[:1].upper() + said[1:])
        for one in listed[:_SHOWN_FINDINGS]:
            how = "refused: " if one["denied"] else ""
            where = f"{one['role']} {one['program_id']}"
            evidence = printable(one["evidence"])
            console.print(f"{where}: {how}{evidence}", soft_wrap=True)
            for line in one["lines"][:3]:
                console.print(f"  {line['line']:4}  {printable(line['text'])}", soft_wrap=True)
        if len(listed) > _SHOWN_FINDINGS:
            console.print(f"and {len(listed) - _SHOWN_FINDINGS:,} more: --json lists all")
        console.print()


def _print_rescored(console: Console, rescored: Sequence[Json]) -> None:
    print_title(console, "The best on search, on fresh instances")
    table = plain_table("task", "program", "search", "fresh", "failures", "")
    for one in rescored:
        table.add_row(
            one["task"],
            one["program_id"][: words.SHORT_ID],
            words.number(one["search"]),
            words.number(one["fresh"]),
            f"{one['failures']} of {one['sets']}",
            "holds" if one["holds"] else "does not hold",
        )
    console.print(table)
    console.print()
