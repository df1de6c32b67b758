"""The programs of a study: which improver came from which, and the best one, with what changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from selftaught.analysis import words
from selftaught.analysis.report.document import Block, Listing, Paragraph, Section, Sheet, Table
from selftaught.analysis.report.study import Study
from selftaught.analysis.run_view import ProposalView, RunView
from selftaught.app.report.cells import ESTIMATE, estimate_cells

BEST_FILE = "best.py"


def program_sections(study: Study) -> Iterator[Section]:
    """Lineage, and the best program."""
    yield from _proposals(study)
    yield from _best(study)


def _proposals(study: Study) -> Iterator[Section]:
    """Lineage: which improver came from which, what changed, and what became of it."""
    views = [view for view in study.views if view.proposals]
    if not views:
        return
    blocks: list[Block] = []
    for view in views:
        blocks.append(_proposal_table(view))
        blocks += [_proposal_diff(view, proposal) for proposal in view.proposals]
    columns = ("run_id", "t", "parent_id", "improver_id", "accepted", *ESTIMATE, "reason")
    rows = [
        {
            **{name: one[name] for name in ("t", "parent_id", "improver_id", "accepted", "reason")},
            **estimate_cells(one["val_difference"]),
            "run_id": view.head.run_id,
        }
        for view in views
        for one in (proposal.as_json() for proposal in view.proposals)
    ]
    data = {view.head.run_id: [one.as_json() for one in view.proposals] for view in views}
    title = "Lineage: what was proposed, and what became of it"
    yield Section("lineage", title, tuple(blocks), data, (Sheet("lineage", columns, rows),))


def _proposal_table(view: RunView) -> Table:
    rows = []
    for one in view.proposals:
        difference = None if one.val_difference is None else one.val_difference.as_json()
        rows.append(
            (
                str(one.t),
                one.parent_id[: words.SHORT_ID],
                "no program" if one.improver is None else one.improver.program_id[: words.SHORT_ID],
                "-"
                if difference is None
                else f"{words.signed(difference['mean'])}\n{words.interval(difference, sign=True)}",
                words.decision(one.as_json() | {"val_difference": None}),
            )
        )
    title = f"Run {view.head.run_id}: proposals; the difference is to the parent, paired, on val"
    return Table(title, ("t", "parent", "proposal", "difference", "what became of it"), tuple(rows))


def _proposal_diff(view: RunView, one: ProposalView) -> Block:
    what = f"run {view.head.run_id}, t = {one.t}"
    if one.improver is None:
        return Paragraph(f"At {what} no program was proposed.")
    if one.improver.diff == "":
        return Paragraph(f"At {what} the parent itself was proposed.")
    if one.improver.diff is None:
        source = one.improver.source or ""
        return Listing(f"The program proposed at {what}", source, is_open=False)
    return Listing(f"What changed at {what}", one.improver.diff, is_diff=True, is_open=False)


def _best(study: Study) -> Iterator[Section]:
    view = study.best_view
    best = view.best
    if best is None or best.source is None:
        return
    noun = "improver" if view.head.command == "run" else "program"
    blocks: list[Block] = []
    if study.is_series:
        said = (
            f"It stands at the end of run {view.head.run_id}, whose improver is worth most on val "
            f"of all runs: {words.number(view.best_value)}."
        )
        blocks.append(Paragraph(said))
    if best.diff == "":
        blocks.append(Paragraph(f"It is the {noun} to begin with: nothing better was found."))
    elif best.diff is not None:
        blocks.append(Listing("What changed from the seed", best.diff, is_diff=True))
    blocks.append(Listing(f"The best {noun}: {best.program_id}", best.source, is_open=False))
    data = {"run_id": view.head.run_id, "val": view.best_value, **asdict(best)}
    yield Section("best", f"The best {noun}", tuple(blocks), data)
