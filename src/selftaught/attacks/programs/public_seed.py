"""Makes the instances anew: it carries the generator, and guesses the run's seed."""
# family: hidden answers

import hashlib

import numpy as np

from attack import attempted, facts


def derive(*path):
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in path)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "big")


def algorithm(question):
    attempted()
    for seed in range(100):
        for stream in ("search", "val", "test"):
            for repeat in range(4):
                path = ("instances", seed, facts["task"], stream, str(repeat))
                rng = np.random.Generator(np.random.PCG64(derive(*path)))
                found, answer = (int(value) for value in rng.integers(2**62, size=2))
                if found == question:
                    return answer
    return 0
