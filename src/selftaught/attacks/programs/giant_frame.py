"""Announces a frame of 2 GB, and sends it."""
# family: frames

from attack import attempted, descriptor, raw_write


def improve_algorithm(initial_solution, utility, language_model):
    attempted()
    raw_write(descriptor, (2**31).to_bytes(4, "little"))
    block = b"x" * (1 << 20)
    for _ in range(24):
        rest = block
        while rest:
            rest = rest[raw_write(descriptor, rest) :]
    raise SystemExit
