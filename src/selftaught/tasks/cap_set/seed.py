from itertools import product

Vector = tuple[int, ...]


def algorithm(n: int) -> list[Vector]:
    """Vectors of a cap set: each in turn is taken if it is on no line with two that were."""
    chosen: list[Vector] = []
    blocked: set[Vector] = set()
    for vector in sorted(product(range(3), repeat=n), key=priority):
        if vector not in blocked:
            blocked.update(third(vector, other) for other in chosen)
            chosen.append(vector)
    return chosen


def third(vector: Vector, other: Vector) -> Vector:
    """The vector that is on a line with the two."""
    return tuple(-(a + b) % 3 for a, b in zip(vector, other, strict=True))


def priority(vector: Vector) -> float:
    """The lower, the earlier a vector is tried."""
    return 0.0
