"""What became of all replies, programs and improver runs."""

from __future__ import annotations

from itertools import permutations

from journal_support import event
from selftaught.analysis.recorded_run import outcomes


def test_an_examples_line_does_not_depend_on_which_program_was_scored_first() -> None:
    failed = {"kind": "raised", "value": None}
    said = ("ValueError: b\nof b", "ValueError: a", "ValueError: b\nof another", "KeyError")
    found = [
        outcomes(
            event("evaluation", {**failed, "detail": detail}, key=str(place))
            for place, detail in enumerate(order)
        )
        for order in permutations(said)
    ]

    assert all(one == found[0] for one in found)
    assert [one["example"] for one in found[0]] == ["ValueError: b"]
