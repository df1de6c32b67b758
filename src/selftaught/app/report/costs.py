"""What a study took, and what became of everything in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from selftaught.analysis import words
from selftaught.analysis.report.document import Block, Paragraph, Section, Sheet, Table
from selftaught.analysis.report.study import Study


def spending_section(study: Study) -> Section:
    spent = study.spending
    columns = ("role", "lm_calls", "requests", "samples", "tokens_in", "tokens_out", "usd")
    rows = [
        {"role": role, **asdict(usage)}
        for role, usage in [*spent.roles.items(), ("in all", spent.total)]
    ]
    shown = Table(
        "By the role of the improver run that asked",
        ("role", "calls", "requests", "samples", "tokens in", "tokens out", "USD"),
        tuple(
            (
                row["role"],
                *(f"{row[name]:,}" for name in columns[1:-1]),
                words.money(row["usd"]).removesuffix(" USD"),
            )
            for row in rows
        ),
        note=" ".join(_unknown(spent.unpriced_answers, spent.open_requests)),
        counts=True,
    )
    data = spent.as_json() | {"wall_s": study.wall_s}
    return Section("spending", "Spending", (shown,), data, (Sheet("spending", columns, rows),))


def _unknown(unpriced: int, cut_off: int) -> Iterator[str]:
    if unpriced:
        yield f"{words.counted(unpriced, 'answer')} of unknown price, counted as 0 USD."
    if cut_off:
        yield f"{words.counted(cut_off, 'request')} under way or cut off, not in these sums."


def outcomes_section(study: Study) -> Section:
    counts = study.counts
    rows: list[dict[str, Any]] = [
        {"what": what, "outcome": outcome, "count": count}
        for what, tally in (
            ("improver runs", counts.invocations),
            ("candidates", counts.evaluations),
            ("requests to the model", counts.requests),
            ("responses", counts.responses),
        )
        for outcome, count in sorted(tally.items(), key=lambda item: (-item[1], item[0]))
    ]
    rows += [
        {"what": "runs", "outcome": outcome, "count": count}
        for outcome, count in (("resumed", counts.resumed), ("diverged", counts.diverged))
        if count
    ]
    cells = tuple((row["what"], row["outcome"], f"{row['count']:,}") for row in rows)
    blocks: list[Block] = [Table("", ("what", "outcome", "count"), cells, counts=True)]
    notices = list(dict.fromkeys(notice for view in study.views for notice in view.notices))
    blocks += [Paragraph(f"About the model: {notice}") for notice in notices]
    data = asdict(counts) | {"notices": notices}
    sheet = Sheet("outcomes", ("what", "outcome", "count"), rows)
    return Section("outcomes", "Counts by outcome", tuple(blocks), data, (sheet,))
