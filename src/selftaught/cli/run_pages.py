"""One run from its journal, in pages for people."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console

from selftaught.analysis import words
from selftaught.analysis.run_head import KILLED, RUNNING
from selftaught.analysis.run_view import ProposalView, RunView
from selftaught.analysis.safe_text import printable
from selftaught.cli.audit_pages import print_sandbox_audit
from selftaught.cli.programs import source_text
from selftaught.cli.report import (
    iteration_table,
    plain_table,
    print_comparison,
    print_diff,
    print_measured,
    print_title,
    say,
)
from selftaught.cli.transfer_pages import print_transferred
from selftaught.journal.codec import as_json


def print_view(console: Console, view: RunView) -> None:
    """Head, iterations, comparison, proposals, the best program, spending and counts."""
    _print_head(console, view)
    if view.iterations:
        print_title(console, "Meta-utility of the improver that stands after each step")
        console.print(iteration_table(view.iterations, width=console.width))
        console.print()
    _print_result(console, view)
    for proposal in view.proposals:
        _print_proposal(console, proposal)
    _print_best(console, view)
    _print_spending(console, view)
    _print_counts(console, view)


def _print_head(console: Console, view: RunView) -> None:
    head = view.head
    why = f" ({printable(head.detail)})" if head.detail else ""
    if head.state in (RUNNING, KILLED) and view.phase:
        why += f": {printable(view.phase)}"
    took = "" if head.wall_s is None else f", {words.duration(head.wall_s)}"
    lines = (
        f"{head.command} {', '.join(head.task_names)}: {head.state}{why}",
        f"started {head.started}{took}; selftaught {head.version}",
        f"model {printable(head.model)}, seed {head.seed}, sandbox {head.tier}",
    )
    place = "" if head.series is None else f", {words.place(as_json(head.series))}"
    print_title(console, f"Run {head.run_id}{place}")
    for line in lines:
        say(console, line)
    console.print()


def _print_result(console: Console, view: RunView) -> None:
    result = view.result or {}
    if "comparison" in result:
        print_comparison(console, result["comparison"])
    if "best" in result and "seed" in result:
        print_measured(console, result)
    if view.head.command == "transfer" and result:
        print_transferred(console, result)
    if view.head.command == "audit" and result:
        print_sandbox_audit(console, result)
        console.print()


def _print_proposal(console: Console, proposal: ProposalView) -> None:
    became = words.decision(proposal.as_json())
    print_title(console, f"Proposal at t = {proposal.t}: {printable(became)}")
    if proposal.improver is None:
        console.print("no program\n")
    elif proposal.improver.diff == "":
        console.print("the same program\n")
    else:
        print_diff(console, proposal.improver.diff, proposal.improver.source)


def _print_best(console: Console, view: RunView) -> None:
    best = view.best
    if best is None or best.source is None:
        return
    noun = "improver" if view.head.command == "run" else "program"
    same = ", the one to begin with" if best.diff == "" else ""
    print_title(console, f"Best {noun}: {best.program_id}{same}")
    console.print(source_text(best.source), soft_wrap=True)
    if not view.proposals and best.diff:
        print_title(console, "What changed from the seed")
        print_diff(console, best.diff, None)


def _print_spending(console: Console, view: RunView) -> None:
    print_title(console, "Spending, by the role of the improver that asked")
    table = plain_table("role", "calls", "requests", "samples", "tokens in", "tokens out", "USD")
    for role, usage in [*view.spending.roles.items(), ("in all", view.spending.total)]:
        counts = (usage.lm_calls, usage.requests, usage.samples, usage.tokens_in, usage.tokens_out)
        table.add_row(
            role, *(f"{count:,}" for count in counts), words.money(usage.usd).removesuffix(" USD")
        )
    for column in table.columns[1:]:
        column.justify = "right"
    console.print(table)
    if view.spending.unpriced_answers:
        answers = words.counted(view.spending.unpriced_answers, "answer")
        console.print(f"{answers} of unknown price, counted as 0 USD")
    if view.spending.open_requests:
        requests = words.counted(view.spending.open_requests, "request")
        console.print(f"{requests} under way or cut off, not in these sums")
    console.print()


def _print_counts(console: Console, view: RunView) -> None:
    print_title(console, "Counts by outcome")
    table = plain_table("", "")
    for name, counts in (
        ("improver runs", view.counts.invocations),
        ("candidates", view.counts.evaluations),
        ("requests to the model", view.counts.requests),
        ("responses", view.counts.responses),
    ):
        if counts or name != "responses":  # not every model says why its responses ended
            table.add_row(name, _tally(counts))
    if view.counts.resumed:
        table.add_row("resumed", words.counted(view.counts.resumed, "time"))
    if view.counts.diverged:
        diverged = words.counted(view.counts.diverged, "improver run")
        table.add_row("diverged", f"{diverged} did something else when started again")
    table.columns[-1].no_wrap = False
    console.print(table)
    for notice in view.notices:
        say(console, printable(notice))


def _tally(counts: Mapping[str, int]) -> str:
    largest_first = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{outcome} {count:,}" for outcome, count in largest_first) or "none"
