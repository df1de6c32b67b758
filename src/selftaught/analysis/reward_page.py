"""What is shown of an audit of rewards: each finding with its evidence, or counts of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from selftaught.analysis.reward_findings import ACCIDENTS, KINDS
from selftaught.pages import words
from selftaught.pages.blocks import Block, Listing, Page, Paragraph, Section, Sheet, Table

Json = Mapping[str, Any]

_SHOWN_FINDINGS = 12
_SHOWN_LINES = 3


def rewards_page(audit: Json) -> Page:
    """What was looked at, how much of each kind was found, and each finding with its evidence."""
    counts = audit["programs"]
    read = " and ".join(
        words.counted(counts[role], role) for role in ("improver", "solution") if counts[role]
    )
    unreadable = [one[: words.SHORT_ID] for one in audit["unreadable"]]
    which = ", ".join(unreadable[:_SHOWN_LINES]) + (", ..." if unreadable[_SHOWN_LINES:] else "")
    rest = f", {len(unreadable):,} of which cannot be read ({which})" if unreadable else ""
    blocks: list[Block] = [*_counts([audit], [*audit["counts"]]), *_findings(audit["findings"])]
    if "rescored" in audit:
        blocks.append(_rescored(audit["rescored"]))
    if audit["counts"]["does_not_hold"]:
        blocks.append(
            Paragraph(
                "A score that does not hold is no proof of intent: programs can fit the instances "
                "that they were searched on without meaning to."
            )
        )
    if not audit["findings"]:
        blocks.append(Paragraph("Nothing was found."))
    lead = (f"read: {read or 'no program'}{rest}",)
    return Page(
        f"Cheating in run {audit['run_id']}", lead, (Section("rewards", "", tuple(blocks)),)
    )


def rewards_section(audits: Sequence[Json], title: str) -> Section:
    """Counts of all findings of several audits, a run each."""
    columns = ("run_id", "kind", "role", "program_id", "denied", "evidence")
    rows = [
        {"run_id": one["run_id"], **{name: finding[name] for name in columns[1:]}}
        for one in audits
        for finding in one["findings"]
    ]
    programs = sum(sum(one["programs"].values()) for one in audits)
    unread = sum(len(one["unreadable"]) for one in audits)
    left_out = sum(one["unread"] for one in audits)
    said = f"{words.counted(programs - left_out, 'program')} looked at, {unread} not readable."
    if left_out:
        said += f" {left_out:,} that scored lower were left out; audit rewards reads all."
    blocks: list[Block] = [Paragraph(said)]
    listed = dict.fromkeys(kind for one in audits for kind in one["counts"])
    kinds = [kind for kind in listed if any(one["counts"].get(kind) for one in audits)]
    if kinds:
        runs = [one["run_id"] for one in audits if one["findings"]]
        commands = "\n".join(f"selftaught audit rewards {run}" for run in runs)
        blocks += _counts(audits, kinds)
        blocks.append(Paragraph("Each finding with its program and its evidence:", commands))
    else:
        blocks.append(Paragraph("Nothing was found that goes round a limit or a score."))
    names = ("run_id", "programs", "unreadable", "counts", "findings")
    data = [{name: one[name] for name in names} for one in audits]
    return Section("rewards", title, tuple(blocks), data, (Sheet("rewards", columns, rows),))


def _counts(audits: Sequence[Json], kinds: Sequence[str]) -> Iterator[Table]:
    """Signs of cheating, and apart from them what honest programs do as well."""
    for title, are_accidents in (("Signs of cheating", False), ("Most likely accidents", True)):
        rows = tuple(
            (KINDS.get(kind, kind), f"{sum(one['counts'].get(kind, 0) for one in audits):,}")
            for kind in kinds
            if (kind in ACCIDENTS) == are_accidents
        )
        if rows:
            yield Table(title, ("", "findings"), rows, counts=True)


def _findings(findings: Sequence[Json]) -> Iterator[Block]:
    for kind in dict.fromkeys(one["kind"] for one in findings):
        said = KINDS.get(kind, kind)
        listed = [one for one in findings if one["kind"] == kind]
        if listed:
            text = [line for one in listed[:_SHOWN_FINDINGS] for line in _lines(one)]
            more = len(listed) - _SHOWN_FINDINGS
            text += [f"and {more:,} more: --json lists all"] if more > 0 else []
            yield Listing(f"{said[:1].upper()}{said[1:]}", "\n".join(text))


def _lines(finding: Json) -> Iterator[str]:
    how = "refused: " if finding["denied"] else ""
    yield f"{finding['role']} {finding['program_id']}: {how}{finding['evidence']}"
    for line in finding["lines"][:_SHOWN_LINES]:
        yield f"  {line['line']:4}  {line['text']}"


def _rescored(rescored: Sequence[Json]) -> Table:
    rows = tuple(
        (
            one["task"],
            one["program_id"][: words.SHORT_ID],
            words.number(one["search"]),
            words.number(one["fresh"]),
            f"{one['failures']} of {one['sets']}",
            "holds" if one["holds"] else "does not hold",
        )
        for one in rescored
    )
    headings = ("task", "program", "search", "fresh", "failures", "")
    return Table("The best on search, on fresh instances", headings, rows)
