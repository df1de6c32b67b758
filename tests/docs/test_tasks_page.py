"""docs/tasks.md shows the tasks as they are."""

from __future__ import annotations

from pathlib import Path

from selftaught.app.discovery import load_task, task_names
from selftaught.core.task import Task

PAGE = Path(__file__).parents[2] / "docs" / "tasks.md"


def row(task: Task) -> str:
    low, high = task.range
    best = f"≤ {high:g}" if task.best_known is None else f"{task.best_known:.7g}"
    assert task.seed_score is not None
    least, most = task.seed_score
    cells = (f"`{task.name}`", f"{low:.3g} to {high:.6g}", best, f"{least:g} to {most:g}")
    return f"| {' | '.join(cells)} | {task.source} |"


def test_the_table_is_that_of_the_installed_tasks() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    shown = [line for line in lines if line.startswith("| `") and "`--" not in line]
    assert shown == [row(load_task(name)) for name in task_names()]
