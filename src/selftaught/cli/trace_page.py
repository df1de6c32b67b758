"""A run's tree for people: improver runs, prompts, replies and scores, to be paged through."""

from __future__ import annotations

from collections.abc import Iterator

from selftaught.analysis.trace import CallTrace, ImproverRunTrace, ReplyTrace, RunTrace
from selftaught.pages import words
from selftaught.pages.blocks import Listing, Page, Section


def trace_page(trace: RunTrace) -> Page:
    """Everything that was asked and answered, in the order in which improver runs began."""
    head = trace.head
    count = words.counted(len(trace.runs), "improver run")
    title = f"Trace of run {head.run_id}: {head.command}, {count}"
    shown: set[str] = set()
    listings = (_run(run, shown) for run in trace.runs)
    return Page(title, (), (Section("trace", "", tuple(listings)),))


def _run(run: ImproverRunTrace, shown: set[str]) -> Listing:
    where = "meta-utility" if run.task is None else f"{run.task} {run.stream} {run.repeat}"
    title = f"{run.number}. {run.role}: improver {run.improver[: words.SHORT_ID]} on {where}"
    lines = [line for call in run.calls for line in _call(call, shown)]
    return Listing(title, "\n".join([*lines, _ending(run)]))


def _ending(run: ImproverRunTrace) -> str:
    if run.program is None:
        return f"ended: {run.outcome}{f': {run.detail}' if run.detail else ''}"
    value = "not scored" if run.value is None else words.number(run.value)
    uses = words.counted(run.utility_uses, "use")
    return f"returned {run.program[: words.SHORT_ID]} ({value}) after {uses} of the utility"


def _call(call: CallTrace, shown: set[str]) -> Iterator[str]:
    cost = "" if not call.cost_usd else f", {call.cost_usd:.4f} USD"
    tokens = f"{call.tokens_in:,} tokens in, {call.tokens_out:,} out{cost}"
    asked = f"{words.counted(call.n, 'sample')} at temperature {call.temperature:g}"
    yield f"model call {call.key[: words.SHORT_ID]}: {asked}; {tokens}"
    for failure in call.failures:
        yield f"  a request failed: {failure}"
    if call.state == "open":
        yield "  open: no answer is known"
    for name, text in (("system", call.system), ("prompt", call.user)):
        if text in shown:
            yield f"  {name}: as above"
        elif text:
            shown.add(text)
            yield f"  {name}:"
            yield _quoted(text)
    for reply in call.replies:
        yield f"  reply {reply.place}: {_became(reply)}"
        yield _quoted(reply.text)
        if reply.printed:
            yield f"  printed by program {(reply.program_id or '')[: words.SHORT_ID]}:"
            yield _quoted(reply.printed.rstrip("\n"))


def _became(reply: ReplyTrace) -> str:
    program = "" if reply.program_id is None else f"program {reply.program_id[: words.SHORT_ID]}, "
    if reply.value is not None:
        return program + words.number(reply.value)
    why = reply.detail.partition("\n")[0]
    return f"{program}{reply.outcome}{f': {why}' if why else ''}"


def _quoted(text: str) -> str:
    return "    | " + text.replace("\n", "\n    | ")
