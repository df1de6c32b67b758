"""Seeds that mark what may change: the rest is put back before anything is scored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftaught.core.errors import ConfigError
from selftaught.core.evolve_block import Frame, frame_of

SEED = """import math

# EVOLVE-BLOCK-START
def step(x):
    return x + 1
# EVOLVE-BLOCK-END


def algorithm(x):
    return step(x) * math.pi
"""


def frame(seed: str = SEED) -> Frame:
    found = frame_of(seed)
    assert found is not None
    return found


def test_a_seed_without_marks_has_no_frame() -> None:
    assert frame_of("def algorithm(x):\n    return x\n") is None


def test_what_stands_outside_of_the_marks_is_put_back() -> None:
    changed = SEED.replace("x + 1", "x + 2").replace("math.pi", "1e9").replace("import math", "")
    assert frame().restored(changed) == SEED.replace("x + 1", "x + 2")


def test_a_program_that_kept_the_rest_and_lost_the_marks_is_known_by_the_rest() -> None:
    lines = [line for line in SEED.split("\n") if "EVOLVE" not in line]
    bare = "\n".join(lines).replace("x + 1", "x + 2")
    assert frame().restored(bare) == SEED.replace("x + 1", "x + 2")


@pytest.mark.parametrize(
    "lost",
    [
        "def step(x):\n    return 1\n",
        SEED.replace("# EVOLVE-BLOCK-END\n", ""),
        SEED.replace("START", "END"),
        SEED + SEED,
    ],
)
def test_blocks_that_cannot_be_told_are_none(lost: str) -> None:
    assert frame().restored(lost) is None


def test_several_blocks_keep_their_places() -> None:
    two = SEED + SEED.replace("step", "jump")
    changed = two.replace("x + 1", "x + 3").replace("import math", "import os")
    assert frame(two).restored(changed) == two.replace("x + 1", "x + 3")


def test_marks_without_their_other_side_are_a_mistake_of_the_seed() -> None:
    with pytest.raises(ConfigError, match="do not alternate"):
        frame_of(SEED.replace("# EVOLVE-BLOCK-END\n", ""))


@given(st.text(alphabet="abx =\n#()", max_size=200))
def test_whatever_stands_in_the_block_the_rest_is_the_seed_s(block: str) -> None:
    inside = SEED.replace("def step(x):\n    return x + 1\n", f"{block}\n")
    restored = frame().restored(inside)
    assert restored is not None
    assert restored.startswith("import math\n\n# EVOLVE-BLOCK-START\n")
    assert restored.endswith(SEED.partition("# EVOLVE-BLOCK-END")[2])
    assert frame().restored(restored) == restored
