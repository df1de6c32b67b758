"""Everything random in a guest follows from its seed, whatever ran before it and beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sandbox_support import HONEST, Box, guest_source
from selftaught.core.outcome import Failed
from selftaught.core.seeds import solution_seed

SOURCE = guest_source("randomness")
SEEDED = [
    "random",
    "random.Random()",
    "random.seed()",
    "random.SystemRandom",
    "numpy global",
    "numpy.random.seed()",
    "default_rng()",
    "RandomState()",
    "SeedSequence()",
    "os.urandom",
    "os.getrandom",
    "secrets",
    "uuid4",
]
FIXED = ["hash of texts"]


def drawn(box: Box, which: str, seed: int) -> Any:
    outcome = box.run(SOURCE, which, seed=seed)
    assert not isinstance(outcome, Failed), outcome
    return outcome.tolist() if isinstance(outcome, np.ndarray) else outcome


@pytest.mark.parametrize("which", [*SEEDED, *FIXED])
def test_equal_seeds_give_equal_draws_in_fresh_guests(which: str, box: Box) -> None:
    first = drawn(box, which, 7)
    box.run(HONEST, 1)
    box.guest("fails_raises")
    assert drawn(box, which, 7) == first


@pytest.mark.parametrize("which", SEEDED)
def test_different_seeds_give_different_draws(which: str, box: Box) -> None:
    assert drawn(box, which, 7) != drawn(box, which, 8)


def test_draws_while_loading_follow_from_the_seed_of_the_job(box: Box) -> None:
    source = "import random\nX = random.random()\ndef algorithm():\n    return X\n"
    assert box.run(source, seed=3) == box.run(source, seed=3) != box.run(source, seed=4)


def test_a_call_is_reseeded_so_that_earlier_calls_do_not_matter(box: Box) -> None:
    source = "import random\ndef algorithm(n):\n    return [random.random() for _ in range(n)][0]\n"
    session = box.open(source)
    first = session.call((1,), cpu_s=1.0, seed=5)
    session.call((1000,), cpu_s=1.0, seed=6)
    assert session.call((1,), cpu_s=1.0, seed=5) == first
    session.close()


@pytest.mark.parametrize("which", FIXED)
def test_order_does_not_depend_on_what_else_the_zygote_has_forked(which: str, box: Box) -> None:
    alone = drawn(box, which, 7)
    beside = [box.open(HONEST) for _ in range(10)]
    for session in beside:
        session.load()
    assert drawn(box, which, 7) == alone
    for session in beside:
        session.close()


@pytest.mark.parametrize("which", FIXED)
def test_order_is_the_same_in_another_zygote(which: str, box: Box) -> None:
    zygote = box.sandbox.start()
    try:
        zygote.ready()
        other = Box(box.tier, box.sandbox, zygote)
        assert drawn(other, which, 7) == drawn(box, which, 7)
    finally:
        zygote.close()


def test_the_largest_seeds_are_seeds(box: Box) -> None:
    assert drawn(box, "random", 2**64 - 1) != drawn(box, "random", 0)


def test_streams_repeats_and_calls_have_seeds_of_their_own() -> None:
    seeds = [
        solution_seed(stream, repeat, call)
        for stream in ("search", "val", "test")
        for repeat in ("0", "1")
        for call in (-1, 0, 1)
    ]
    assert len(set(seeds)) == 3 * 2 * 3
    assert solution_seed("search", "0", 0) == seeds[1]
