import math
import random

Circle = tuple[float, float, float]


def algorithm(n: int) -> list[Circle]:
    """Circles (x, y, r): equal ones on a square grid; then each in turn tries a place near its own,
    and goes there if it can be larger. The steps get shorter from sweep to sweep."""
    rng = random.Random(0)
    side = math.ceil(math.sqrt(n))
    circles = [((k % side + 0.5) / side, (k // side + 0.5) / side, 0.49 / side) for k in range(n)]
    for sweep in range(20):
        step = 0.05 * 0.9**sweep
        for k in range(n):
            x, y, _ = circles[k]
            others = circles[:k] + circles[k + 1 :]
            here = largest(x, y, others)
            there = largest(x + rng.gauss(0.0, step), y + rng.gauss(0.0, step), others)
            circles[k] = max(here, there, key=lambda circle: circle[2])
    return circles


def largest(x: float, y: float, others: list[Circle]) -> Circle:
    """The largest circle around a point that fits in between the others and the sides."""
    room = min(x, y, 1.0 - x, 1.0 - y)
    for other_x, other_y, radius in others:
        room = min(room, math.hypot(x - other_x, y - other_y) - radius)
    return x, y, max(0.0, room - 1e-12)
