"""`local:mutator` edits a marked program between its marks, and leaves the rest as it stands."""

from __future__ import annotations

from selftaught.core.evolve_block import frame_of
from selftaught.models.guest_programs.mutator import sample
from selftaught_guest.extract import code_blocks

MARKED = """\
# a comment that stays
LIMIT = 7


class Search:
    # EVOLVE-BLOCK-START
    def step(self, x):
        return x + 1.5
    # EVOLVE-BLOCK-END


# EVOLVE-BLOCK-START
def run(x):
    return Search().step(x) * 2.5
# EVOLVE-BLOCK-END


def algorithm(x): return run( x )
"""


def test_the_rest_is_the_seed_s_to_the_letter() -> None:
    replies = sample("", f"```python\n{MARKED}\n```", 12, 0.7, list(range(12)))
    programs = [code_blocks(one)[0] for one in replies]
    frame = frame_of(MARKED)
    assert frame is not None
    assert [frame.restored(one) for one in programs] == programs
    assert len(set(programs) - {MARKED.rstrip("\n")}) > 6
    for one in programs:
        compile(one, "marked", "exec")


def test_a_block_that_is_no_statement_by_itself_is_left_alone() -> None:
    odd = "def f(x):\n    if x:\n        x = 1\n# EVOLVE-BLOCK-START\n    else:\n        x = 2\n"
    odd += "# EVOLVE-BLOCK-END\n    return x\n"
    (reply,) = sample("", f"```python\n{odd}\n```", 1, 0.7, [1])
    assert code_blocks(reply) == []
