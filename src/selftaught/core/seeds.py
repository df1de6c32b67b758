"""Where randomness comes from: every generator is derived from a path of names, never shared."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any, Literal

import numpy as np

Stream = Literal["search", "val", "test"]
STREAMS: tuple[Stream, ...] = ("search", "val", "test")


def derive(*path: str | int) -> int:
    """A 128-bit seed from a path; different paths give independent seeds (BLAKE2b)."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in path)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "big")


# With this key instances follow from the seed alone, and so are the same for everybody.
PUBLIC_KEY = "public"


def instance_generator(
    key: str, run_seed: int, task: str, stream: Stream, repeat: str
) -> np.random.Generator:
    """The generator from which a utility draws its instances. It never enters a guest.

    Args:
        key: what a program that carries the task's generator, and guesses the seed, does not have.
    """
    secret = () if key == PUBLIC_KEY else (key,)
    seed = derive("instances", *secret, run_seed, task, stream, repeat)
    return np.random.Generator(np.random.PCG64(seed))


def draws(rng: np.random.Generator) -> tuple[Any, int]:
    """What is another after a draw from a generator, or after it made others."""
    bits: Any = rng.bit_generator
    return bits.state, bits.seed_seq.n_children_spawned


def solution_seed(stream: Stream, repeat: str, call_index: int) -> int:
    """64-bit seed of a solution guest for one call. It holds nothing of the run's seed."""
    return derive("solution", stream, repeat, call_index) >> 64


@lru_cache(maxsize=64)
def guest_root(run_seed: int) -> str:
    """What seeds of improver guests derive from.

    A guest that could work back from its own seed to the run's would know every instance: so the
    way is one (scrypt, some 50 ms and 16 MiB a guess), not a plain hash.
    """
    return hashlib.scrypt(
        str(run_seed).encode(), salt=b"selftaught guest root", n=2**14, r=8, p=1, dklen=16
    ).hex()
