"""What is shown of a lineage: which improver came from which, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator

from selftaught.analysis.run_view import ProposalView, RunView
from selftaught.pages import words
from selftaught.pages.blocks import Block, Listing, Paragraph, Table


def proposal_table(view: RunView, *, of_many: bool) -> Table:
    rows = []
    for one in view.proposals:
        difference = None if one.val_difference is None else one.val_difference.as_json()
        rows.append(
            (
                one.place,
                " and ".join(parent[: words.SHORT_ID] for parent in one.parents),
                "no program" if one.improver is None else one.improver.program_id[: words.SHORT_ID],
                "-" if difference is None else words.difference(difference),
                words.decision(one.as_json() | {"val_difference": None}),
            )
        )
    of = f"Run {view.head.run_id}: p" if of_many else "P"
    title = f"{of}roposals, with their difference to the parent on val"
    headings = ("t", "parent", "proposal", "paired difference", "what became of it")
    return Table(title, headings, tuple(rows))


def tree(view: RunView) -> Iterator[Block]:
    """Who came from whom, where the archive is more than a line."""
    adopted = [one for one in view.proposals if one.accepted and one.improver is not None]
    if len({one.parent_id for one in adopted}) == len(adopted):
        return
    children: dict[str, list[tuple[str, str]]] = {}
    for one in reversed(adopted):  # the first is taken first
        assert one.improver is not None
        by = "".join(f", by {parent[: words.SHORT_ID]}" for parent in one.parents[1:])
        child = one.improver.program_id, f"t = {one.place}{by}"
        children.setdefault(one.parent_id, []).append(child)
    lines: list[str] = []
    drawn: set[str] = set()
    left = [(0, view.proposals[0].parent_id, "t = 0")]
    while left:
        depth, improver, said = left.pop()
        own = [] if improver in drawn else children.get(improver, [])
        again = " (see above)" if improver in drawn and improver in children else ""
        lines.append(f"{'  ' * depth}{improver[: words.SHORT_ID]}  {said}{again}")
        left += [(depth + 1, *child) for child in own]
        drawn.add(improver)
    yield Listing("What was adopted, below what it was made from", "\n".join(lines))


def proposal_diff(view: RunView, one: ProposalView, *, of_many: bool) -> Block:
    where = f" in run {view.head.run_id}" if of_many else ""
    title = f"Proposal at t = {one.place}{where}: {words.decision(one.as_json())}"
    if one.improver is None:
        return Paragraph(f"{title}; no program")
    if one.improver.diff == "":
        return Paragraph(f"{title}; nothing changed")
    if one.improver.diff is None:
        return Listing(title, one.improver.source or "", is_open=False)
    return Listing(title, one.improver.diff, is_diff=True, is_open=False)
