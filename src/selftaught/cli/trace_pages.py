"""A run's tree for people: improver runs, prompts, replies and scores, to be paged through."""

from __future__ import annotations

from rich.console import Console

from selftaught.analysis import words
from selftaught.analysis.safe_text import printable
from selftaught.analysis.trace import CallTrace, ImproverRunTrace, ReplyTrace, RunTrace
from selftaught.cli.report import print_title, say

_INDENT = "  "


def print_trace(console: Console, trace: RunTrace) -> None:
    """Everything that was asked and answered, in the order in which improver runs began."""
    head = trace.head
    count = words.counted(len(trace.runs), "improver run")
    print_title(console, f"Trace of run {head.run_id}: {head.command}, {count}")
    shown: set[str] = set()
    for number, run in enumerate(trace.runs, 1):
        console.print()
        _print_run(console, number, run, shown)


def _print_run(console: Console, number: int, run: ImproverRunTrace, shown: set[str]) -> None:
    where = "meta-utility" if run.task is None else f"{run.task} {run.stream} {run.repeat}"
    improver = run.improver[: words.SHORT_ID]
    print_title(console, f"{number}. {run.role}: improver {improver} on {printable(where)}")
    for call in run.calls:
        _print_call(console, call, shown)
    say(console, f"{_INDENT}{_ending(run)}")


def _ending(run: ImproverRunTrace) -> str:
    if run.program is None:
        detail = f": {printable(run.detail)}" if run.detail else ""
        return f"ended: {run.outcome}{detail}"
    value = "not scored" if run.value is None else words.number(run.value)
    uses = words.counted(run.utility_uses, "use")
    return f"returned {run.program[: words.SHORT_ID]} ({value}) after {uses} of the utility"


def _print_call(console: Console, call: CallTrace, shown: set[str]) -> None:
    cost = "" if not call.cost_usd else f", {call.cost_usd:.4f} USD"
    tokens = f"{call.tokens_in:,} tokens in, {call.tokens_out:,} out{cost}"
    asked = f"{words.counted(call.n, 'sample')} at temperature {call.temperature:g}"
    say(console, f"{_INDENT}model call {call.key[: words.SHORT_ID]}: {asked}; {tokens}")
    for failure in call.failures:
        say(console, f"{_INDENT * 2}a request failed: {printable(failure)}")
    if call.state == "open":
        say(console, f"{_INDENT * 2}open: no answer is known")
    for name, text in (("system", call.system), ("prompt", call.user)):
        if text in shown:
            say(console, f"{_INDENT * 2}{name}: as above")
        elif text:
            shown.add(text)
            say(console, f"{_INDENT * 2}{name}:")
            _print_text(console, text)
    for place, reply in enumerate(call.replies, 1):
        say(console, f"{_INDENT * 2}reply {place}: {_became(reply)}")
        _print_text(console, reply.text)


def _became(reply: ReplyTrace) -> str:
    program = "" if reply.program_id is None else f"program {reply.program_id[: words.SHORT_ID]}, "
    return program + (reply.outcome if reply.value is None else words.number(reply.value))


def _print_text(console: Console, text: str) -> None:
    for line in printable(text).splitlines():
        console.print(f"{_INDENT * 3}| {line}", soft_wrap=True)
