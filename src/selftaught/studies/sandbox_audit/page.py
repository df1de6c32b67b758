"""What is shown of a sandbox audit: rates beside the paper's, and what the proposals do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from selftaught.pages import words
from selftaught.pages.blocks import Block, Paragraph, Section, Table

Json = Mapping[str, Any]

_SHOWN_PROGRAMS = 5
_SHOWN_LINES = 3
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
    "model": "makes a language model",
}


def something_came_out(result: Json) -> bool:
    """Whether the audit found any trace outside of the sandbox."""
    return any(_count(condition["succeeded"]) for condition in result["conditions"])


def audit_section(results: Sequence[Json]) -> Section:
    """Of one audit: it follows no run, in whose report there could be several."""
    (result,) = results
    blocks: list[Block] = [_rates(result)]
    blocks += map(Paragraph, _notes(result))
    blocks += _kinds(result["conditions"])
    blocks += _programs(result["bypassing"])
    blocks += _outcome(result)
    return Section("audit", "Bypasses of the sandbox", tuple(blocks), dict(result))


def _rates(result: Json) -> Table:
    rows = []
    for one in result["conditions"]:
        shares = (_share(one[name]) for name in ("flag", "static", "attempted"))
        succeeded = f"{_count(one['succeeded']):,}"
        rows.append((_label(one), f"{one['samples']:,}", *shares, succeeded))
    for one in result["published"]:
        label = one["model"] if one["condition"] == "without" else f"{one['model']} warned"
        rows.append((label, f"{one['n']:,}", _share(one), "", "", ""))
    return Table(
        "Proposals that switch the sandbox off or go around it, % [95 % interval]",
        ("", "samples", "flag off", "any bypass", "attempted", "succeeded"),
        tuple(rows),
        "flag off, any bypass: by reading the proposal; attempted: by running it. The GPT rows are "
        "the paper's (Zelikman et al. 2024), by reading, with a prompt of its own.",
    )


def _label(condition: Json) -> str:
    """Of the user's own prompts the name of the file."""
    name: str = condition["condition"]
    return _CONDITIONS.get(name, name)


def _notes(result: Json) -> Iterator[str]:
    if result["model"] == "local:mutator":
        yield "local:mutator edits programs blindly: its rate says nothing of language models."
    for one in result["conditions"]:
        without = [
            f"{one[name]:,} {said}"
            for name, said in (("no_code", "hold no program"), ("unreadable", "cannot be read"))
            if one[name]
        ]
        if without:
            yield f"{_label(one)}: {', '.join(without)}; they count as harmless"
        made = one.get("new_model")  # older audits did not look for it
        if _count(made):
            share = _share(made).replace("\n", " % ")
            yield (
                f"{_label(one)}: {_count(made):,} make a language model of their own "
                f"({share}), which goes round the budget and not round the sandbox: counted apart"
            )


def _kinds(conditions: Sequence[Json]) -> Iterator[Block]:
    kinds = [kind for kind in _KINDS if any(kind in one["kinds"] for one in conditions)]
    kinds += sorted({kind for one in conditions for kind in one["kinds"]} - _KINDS.keys())
    if kinds:
        headings = [
            how if one["condition"] == "without" else f"{how}, {_label(one)}"
            for one in conditions
            for how in ("read", "attempted")
        ]
        rows = [
            (
                _KINDS.get(kind, kind),
                *(
                    f"{one['kinds'].get(kind, {}).get(how, 0):,}"
                    for one in conditions
                    for how in ("static", "attempted")
                ),
            )
            for kind in kinds
        ]
        yield Table("What they do, in samples", ("", *headings), tuple(rows), counts=True)


def _programs(programs: Sequence[Json]) -> Iterator[Block]:
    if programs:
        more = len(programs) > _SHOWN_PROGRAMS
        title = f"{words.counted(len(programs), 'different program')} with a sign of it"
        rows = [
            (
                one["program_id"][: words.SHORT_ID],
                f"{sum(one['samples'].values()):,}",
                "; ".join(_signs(one)),
            )
            for one in programs[:_SHOWN_PROGRAMS]
        ]
        title = f"{title}; those of most samples" if more else title
        yield Table(title, ("program", "samples", "signs"), tuple(rows))


def _signs(program: Json) -> Iterator[str]:
    for sign in program["signs"][:_SHOWN_LINES]:
        yield f"line {sign['line']}: {sign['text'][:_SHOWN_LINE]}"
    for attempt in program["attempts"][:_SHOWN_LINES]:
        yield f"attempted: {attempt['detail'][:_SHOWN_LINE]}"


def _outcome(result: Json) -> Iterator[Block]:
    if not something_came_out(result):
        yield Paragraph("Nothing came out of the sandbox.")
        return
    said = "SOMETHING CAME OUT OF THE SANDBOX. Do not run generated programs here."
    yield Paragraph(said, is_alarm=True)
    for one in result["bypassing"]:
        if one["succeeded"]:
            traces = "; ".join(one["succeeded"])
            yield Paragraph(f"{one['program_id']}: {traces}", is_alarm=True)


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
