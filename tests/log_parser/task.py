"""A parser of logs, improved: four files, scored by F1 on lines of one's own."""

from pathlib import Path

import selftaught as st


def f1(found, truth):
    """F1 of the fields that were found, each with its value, among those of the line."""
    if not isinstance(found, dict):
        return 0.0
    right = sum(found.get(name) == value for name, value in truth.items())
    return 2 * right / (len(found) + len(truth))


task = st.Task(
    name="log_parser",
    seed=Path("program"),
    utility=st.examples("lines.jsonl", input="line", answer="fields", score=f1),
    range=(0.0, 1.0),
)
