"""Strings at a given grid distance from a target.

Source: Zelikman et al. 2024, Self-Taught Optimizer (arXiv 2310.02304), one of the tasks to which
its improvers are transferred (tasks/str_grid_dist of its reference implementation). Otherwise than
there, an output that is no string of the right letters and length fails the program, and does not
count 0 for its target alone; and the limit of time is one of CPU seconds.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np

import selftaught as st
from selftaught.tasks.checks import bad_output

LETTERS = "AB"
LONGEST = 30
INSTANCES = 50


def utility(program: st.SandboxedProgram, rng: np.random.Generator) -> st.Measure:
    """How near strings come to a given grid distance from a target: mean over 50 targets.

    `algorithm(target, distance) -> string`. target: str of 1 to 30 letters, each "A" or "B".
    distance: int, and some string has it. string: str of the same letters and of the same length,
    whose `grid_distance` to the target should be `distance`: 1.0 if it is, below 0.5 if not.
    Limit: 0.1 CPU seconds a call.
    """
    scores = []
    for target, distance in [grid_problem(rng) for _ in range(INSTANCES)]:
        string = require_string(program(target, distance, cpu_s=0.1), len(target))
        scores.append(closeness(grid_distance(string, target), distance, len(target)))
    return st.Measure(value=math.fsum(scores) / len(scores), per_instance=scores)


def grid_problem(rng: np.random.Generator) -> tuple[str, int]:
    """A target, and its distance to another random string, which is not told."""
    length = int(rng.integers(1, LONGEST + 1))
    target, hidden = ("".join(rng.choice(list(LETTERS), length)) for _ in range(2))
    return target, grid_distance(hidden, target)


def grid_distance(first: str, second: str) -> int:
    """Places at which the strings differ, and changes of letter within each of the two."""
    mismatches = sum(a != b for a, b in zip(first, second, strict=True))
    return mismatches + letter_changes(first) + letter_changes(second)


def letter_changes(string: str) -> int:
    """Pairs of neighbouring letters that differ."""
    return sum(a != b for a, b in itertools.pairwise(string))


def closeness(distance: int, wanted: int, length: int) -> float:
    """1.0 for the distance that is wanted, else 0.5 less what it misses by: never below 1 / 6,
    because two strings' distances to a target differ by less than twice the length."""
    return 1.0 if distance == wanted else 0.5 - abs(distance - wanted) / (6 * length)


def require_string(value: object, length: int) -> str:
    """The value, if it is a str of that length and of LETTERS only."""
    if not isinstance(value, str):
        bad_output(f"the output must be a str, not a value of type {type(value).__name__}")
    if len(value) != length:
        bad_output(f"the output must have {length} letters, as the target has, not {len(value)}")
    if not set(value) <= set(LETTERS):
        bad_output(f"the output has letters other than {' and '.join(LETTERS)}")
    return value


TABLE_1 = "Zelikman et al. 2024 (arXiv 2310.02304), Table 1"

task = st.Task(
    name="string_grid_distance",
    seed=Path("seed.py"),
    utility=utility,
    shown=("LETTERS",),
    range=(0.0, 1.0),
    best_known=1.0,
    source="String grid distance: Zelikman et al. 2024 (STOP)",
    seed_score=(0.35, 0.56),
    references=(
        st.Reference(0.439, "seed program", TABLE_1),
        st.Reference(0.443, "seed improver, GPT-4", TABLE_1),
        st.Reference(0.567, "improved improver, GPT-4", TABLE_1),
    ),
)
