"""The count of source lines: nothing that is Python is left out, and limits are limits."""

from __future__ import annotations

from pathlib import Path

import pytest

import source_lines


def test_python_counts_whatever_its_ending(tmp_path: Path) -> None:
    for name in ("a.py", "skeleton.txt", "no_ending", "style.css", "b.egg-info/c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x = 1\n\ny = 2\n", encoding="utf-8")
    assert source_lines.lines_of(tmp_path) == {"a.py": 3, "skeleton.txt": 3, "no_ending": 3}


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ([source_lines.MOST_LINES_A_MODULE], ""),
        ([source_lines.MOST_LINES_A_MODULE + 1], "m0.txt has"),
        ([100] * (source_lines.MOST_LINES // 100), ""),
        (
            [100] * (source_lines.MOST_LINES // 100) + [source_lines.MOST_LINES % 100 + 1],
            "too many",
        ),
    ],
)
def test_it_fails_one_line_above_a_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sizes: list[int], said: str
) -> None:
    for number, size in enumerate(sizes):
        (tmp_path / f"m{number}.txt").write_text("x = 1\n" * size, encoding="utf-8")
    assert source_lines.main(tmp_path) == int(bool(said))
    assert said in capsys.readouterr().out
