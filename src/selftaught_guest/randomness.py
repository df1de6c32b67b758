"""Every source of randomness in a guest, made to follow from one seed."""

from __future__ import annotations

import os
import random
from typing import Any

import numpy as np

_entropy = random.Random(0)
_seed_generator = random.Random.seed


def _urandom(size: int) -> bytes:
    return _entropy.randbytes(size)


def _seed_or_draw(generator: random.Random, a: Any = None, version: int = 2) -> None:
    """`Random.seed`, which without a seed asks the kernel from C, around `os.urandom`."""
    seed = int.from_bytes(_urandom(32), "little") if a is None else a
    _seed_generator(generator, seed, version)


def install() -> None:
    """Let `os.urandom`, and with it `secrets`, `uuid` and unseeded generators, follow the seed."""
    replacements: dict[str, Any] = {"urandom": _urandom}
    if hasattr(os, "getrandom"):
        replacements["getrandom"] = lambda size, flags=0: _urandom(size)
    for name, function in replacements.items():
        setattr(os, name, function)
    # The module keeps a reference of its own, which SystemRandom (and numpy's seeding) calls.
    random._urandom = _urandom  # type: ignore[attr-defined]
    random.Random.seed = _seed_or_draw  # type: ignore[method-assign,assignment]
    random.seed = random._inst.seed


def reseed(seed: int) -> None:
    """Seed `random`, numpy's global state and the entropy of unseeded generators.

    Args:
        seed: 64 bits, not negative.
    """
    random.seed(seed)
    np.random.seed(seed & 0xFFFF_FFFF)
    _entropy.seed(seed ^ 0x5DEECE66D)
