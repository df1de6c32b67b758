"""Many candidates, one in fifty hostile: all honest results right, nothing left behind."""

from __future__ import annotations

import gc
import random
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from sandbox_support import Box, guest_source, open_descriptors, resident_bytes
from selftaught.core.outcome import Failed
from selftaught.core.ports import Sandbox

GROWTH_BYTES = 5 << 20
HOSTILE = (
    "crash_exit",
    "crash_null_pointer",
    "fails_raises",
    "loop_python",
    "memory_bomb_numpy",
    "output_huge_result",
    "patches_the_runtime",
    "threads_that_go_on",
    "thread_bomb",
    "writes_to_its_socket_on_load",
)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("candidates", [100, pytest.param(5_000, marks=pytest.mark.slow)])
def test_many_candidates_leave_nothing_behind(candidates: int, sandbox: Sandbox) -> None:
    # In a process of its own, whose memory no other test's zygotes and servers share.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        wrong, more_descriptors, more_bytes = alone.submit(soaked, sandbox, candidates).result()
    assert wrong == 0
    assert more_descriptors == 0
    assert more_bytes < GROWTH_BYTES


def soaked(sandbox: Sandbox, candidates: int) -> tuple[int, int, int]:
    """Wrong results of so many candidates; descriptors and bytes that came to stay with them."""
    zygote = sandbox.start()
    box = Box(sandbox.tier, sandbox, zygote)
    rng = random.Random(1)
    wrong = 0
    try:
        zygote.ready()
        for number in range(candidates + 250):
            if number == 250:  # allocators and caches have found their sizes, for each program
                gc.collect()
                descriptors, resident = open_descriptors(), resident_bytes()
            every = 25 if number < 250 else 50
            if number % every == every - 1:
                hostile = HOSTILE[number // every % len(HOSTILE)]
                outcome = box.run(guest_source(hostile), cpu_s=0.02)
                assert isinstance(outcome, (Failed, int))
            else:
                factor, x = rng.randrange(1 << 20), rng.randrange(1 << 20)
                wrong += box.run(f"def algorithm(x):\n    return x * {factor}\n", x) != factor * x
            box.opened.clear()
        gc.collect()
        return wrong, open_descriptors() - descriptors, resident_bytes() - resident
    finally:
        zygote.close()
