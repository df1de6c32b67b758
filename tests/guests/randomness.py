"""Asks every source of randomness there is."""

import os
import random
import secrets
import uuid

import numpy as np


def algorithm(which):
    return SOURCES[which]()


def reseeded():
    random.seed()
    return random.random()


SOURCES = {
    "random": lambda: [random.random(), random.randrange(10**9)],
    "random.Random()": lambda: random.Random().random(),
    "random.seed()": reseeded,
    "random.SystemRandom": lambda: random.SystemRandom().random(),
    "numpy global": lambda: np.random.rand(3),
    "numpy.random.seed()": lambda: (np.random.seed(), np.random.rand())[1],
    "default_rng()": lambda: np.random.default_rng().random(3),
    "RandomState()": lambda: np.random.RandomState().rand(3),
    "SeedSequence()": lambda: np.random.SeedSequence().entropy,
    "os.urandom": lambda: os.urandom(16),
    "os.getrandom": lambda: os.getrandom(16),
    "secrets": lambda: [secrets.token_hex(), secrets.randbits(64), secrets.choice(range(10**9))],
    "uuid4": lambda: str(uuid.uuid4()),
    "hash of texts": lambda: [hash("a text"), hash(b"bytes"), list({"a", "b", "c", "d", "e"})],
}
