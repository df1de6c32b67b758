"""docs/recursion.md: what it says is what its figure and the README say, and its commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "recursion.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def claims() -> list[tuple[float, float, float]]:
    """Mean and interval at the same limits and at equal samples, as the page's table has them."""
    means = re.search(r"^mean over runs +(\S+) +(\S+)$", PAGE, re.MULTILINE)
    found = re.search(r"^95 % CI, Student's t over runs +\[(.+?)\] +\[(.+?)\]$", PAGE, re.MULTILINE)
    assert means is not None
    assert found is not None
    return [
        (float(mean), *map(float, interval.split(", ")))  # type: ignore[misc]
        for mean, interval in zip(means.groups(), found.groups(), strict=True)
    ]


def written(mean: float, low: float, high: float) -> str:
    return f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]"


def near(said: str, claim: tuple[float, float, float]) -> bool:
    """Whether these are the same numbers, which were rounded to three decimals from more."""
    numbers = [float(one) for one in re.findall(r"[+-]\d\.\d+", said)]
    return all(abs(a - b) < 0.0006 for a, b in zip(numbers, claim, strict=True))


def test_the_figure_shows_the_claims_of_the_table_and_a_line_for_each_run() -> None:
    root = ElementTree.parse(ROOT / "docs" / "recursion.svg").getroot()
    titles = [text.text or "" for text in root.findall("{*}text") if "[" in (text.text or "")]
    assert len(titles) == 2
    assert all(near(title, claim) for title, claim in zip(titles, claims(), strict=True))
    runs = len(re.findall(r"^ *\d+  [+-]0\.\d+ \[", PAGE, re.MULTILINE))
    assert len(root.findall("{*}circle")) == 2 * runs == 40


def test_the_readme_makes_the_claims_of_the_page() -> None:
    assert "(docs/recursion.md)" in README
    for claim in claims():
        said = re.findall(r"[+-]\d\.\d{3} \[[+-]\d\.\d{3}, [+-]\d\.\d{3}\]", README)
        assert any(near(one, claim) for one in said), written(*claim)


def test_the_benchmarks_that_the_page_names_take_the_options_that_it_gives_them() -> None:
    commands = re.findall(r"python (benchmarks/\w+\.py)([^`\n#]*)", PAGE)
    assert {script for script, _ in commands} == {
        "benchmarks/recursion.py",
        "benchmarks/coverage.py",
        "benchmarks/policies.py",
    }
    for script, given in commands:
        command = [sys.executable, str(ROOT / script), "--help"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert all(option in told for option in re.findall(r"--[\w-]+", given))
