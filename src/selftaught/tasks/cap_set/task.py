"""Cap sets: many vectors over three elements, no three of them on a line.

Source: Romera-Paredes et al. 2023, Mathematical discoveries from program search with large language
models (FunSearch), Nature 625, for 8 dimensions.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import selftaught as st
from selftaught.tasks.checks import IntArray, bad_output, require_array, require_length

DIMENSIONS = 8
# Six dimensions hold no cap set of more than 112 vectors (Potechin 2008, Maximal caps in AG(6, 3)),
# and eight dimensions fall into nine of six.
MOST_VECTORS = 9 * 112


def utility(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
    """Number of vectors in a cap set of 8 dimensions over the integers modulo 3.

    `algorithm(n) -> vectors` is called once, with n = 8, and may use 5 CPU seconds. vectors:
    (m, 8) numbers 0, 1 or 2, a row a vector, all different; 1 <= m <= 1008, for no cap set is
    larger. No three of them may be on a line: three different vectors are if they add up to 0
    modulo 3 in each entry. There is one instance only: search, val and test measure the same.
    """
    vectors = require_vectors(program(DIMENSIONS, cpu_s=5.0))
    require_cap_set(vectors)
    return float(len(vectors))


def require_vectors(value: object) -> IntArray:
    """The value as (m, DIMENSIONS) entries 0, 1 or 2, for an m in 1 .. MOST_VECTORS."""
    number = require_length(value, MOST_VECTORS, name="vectors")
    vectors = require_array(value, (number, DIMENSIONS), name="vectors")
    if not np.isin(vectors, (0, 1, 2)).all():
        bad_output("vectors has entries other than 0, 1, 2")
    return vectors.astype(np.int64)


def require_cap_set(vectors: IntArray) -> None:
    """Fail the candidate if two of its vectors are the same, or three are on a line."""
    place = 3 ** np.arange(vectors.shape[1])
    row_of = np.full(3 ** vectors.shape[1], -1)
    for row, code in enumerate(vectors @ place):
        if row_of[code] >= 0:
            bad_output(f"vectors {row_of[code]} and {row} are the same")
        row_of[code] = row
    for first in range(len(vectors)):
        seconds = np.arange(first + 1, len(vectors))
        # The one vector that is on a line with two others, and differs from both if they differ.
        thirds = row_of[(-(vectors[first] + vectors[seconds]) % 3) @ place]
        on_line = np.flatnonzero(thirds >= 0)
        if len(on_line):
            second, third = seconds[on_line[0]], thirds[on_line[0]]
            bad_output(f"vectors {first}, {second} and {third} are on a line")


task = st.Task(
    name="cap_set",
    seed=Path("seed.py"),
    utility=utility,
    range=(0.0, float(MOST_VECTORS)),
    best_known=512.0,
    source="Cap sets in eight dimensions: Romera-Paredes et al. 2023 (FunSearch)",
    seed_score=(256.0, 256.0),
    references=[
        st.Reference(
            value=496.0,
            what="best known before FunSearch",
            source="Romera-Paredes et al. 2023, Nature 625: cap sets",
        ),
        st.Reference(
            value=512.0,
            what="FunSearch",
            source="Romera-Paredes et al. 2023, Nature 625: cap sets",
        ),
    ],
)
