"""The outputs that the pages show are those of today's commands; `make docs` writes them."""

from __future__ import annotations

import pytest

import docs_outputs

BLOCKS = [*docs_outputs.blocks()]


def test_pages_show_outputs_and_say_why_some_are_made_by_hand() -> None:
    assert {block.is_left_out for block in BLOCKS} == {True, False}


@pytest.mark.parametrize("block", [one for one in BLOCKS if not one.is_left_out], ids=repr)
def test_an_output_on_a_page_is_what_the_command_prints(block: docs_outputs.Block) -> None:
    now = docs_outputs.made(block.body)
    assert docs_outputs.same(now, block.body), f"if meant, make docs; it is now:\n{now}"
