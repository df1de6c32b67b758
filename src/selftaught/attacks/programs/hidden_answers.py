"""The answers that programs are scored by."""

import gc
import hashlib
import random
import sys
import types

import numpy as np

from attack import facts, settings


def import_selftaught(question):
    """Imports the package that makes the hidden instances."""
    from selftaught.core.seeds import instance_generator

    return callable(instance_generator)


@settings(calls=2)
def own_generators(question):
    """Draws from the generators that it was left, in case the host drew its answers from them."""
    for space in _spaces():
        rng = space.get("rng")
        if isinstance(rng, np.random.Generator):
            return int(rng.integers(2**62))
        if "answer" in space.get("ORDER", {}):
            return space["ORDER"]["answer"]
    return random.getrandbits(62)


def public_seed(question):
    """Makes the instances anew: it carries the generator, and guesses the run's seed."""

    def derive(*path):
        text = "\x1f".join(f"{type(part).__name__}:{part}" for part in path)
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "big")

    for seed in range(100):
        for stream in ("search", "val", "test"):
            for repeat in range(4):
                path = ("instances", seed, facts["task"], stream, str(repeat))
                rng = np.random.Generator(np.random.PCG64(derive(*path)))
                found, answer = (int(value) for value in rng.integers(2**62, size=2))
                if found == question:
                    return answer
    return 0


def utility_closure(initial_solution, utility, language_model):
    """Takes the answer out of the utility: its closure, its attributes, its module."""
    for answer in _answers([*vars(utility).values(), *gc.get_objects()]):
        if utility(f"def algorithm(question):\n    return {answer}\n") == 1.0:
            return "THROUGH"
    return "nothing"


def _answers(things):
    for thing in things:
        if isinstance(thing, types.FunctionType) and "answer" in thing.__code__.co_freevars:
            place = thing.__code__.co_freevars.index("answer")
            yield thing.__closure__[place].cell_contents


def walk_frames(question):
    """Walks up the frames of its callers, and looks for the hidden answer in their variables."""

    def cells(function):
        for cell in getattr(function, "__closure__", None) or ():
            try:
                yield cell.cell_contents
            except ValueError:
                pass

    for space in _spaces():
        if isinstance(space.get("answer"), int):
            return space["answer"]
        order = space.get("ORDER")
        if isinstance(order, dict) and "answer" in order:
            return order["answer"]
        for value in list(space.values()):
            for found in cells(getattr(value, "score", None)):
                if isinstance(found, int):
                    return found
    return 0


def _spaces():
    """The variables of all callers of whoever asks."""
    frame = sys._getframe(2)
    while frame is not None:
        yield dict(frame.f_locals)
        yield frame.f_globals
        frame = frame.f_back


def walk_the_heap(question):
    """Looks through every object on the heap for a place named answer."""
    gc.unfreeze()
    for thing in gc.get_objects():
        if isinstance(thing, dict):
            found = thing.get("answer")
            if isinstance(found, int) and not isinstance(found, bool):
                return found
    return 0
