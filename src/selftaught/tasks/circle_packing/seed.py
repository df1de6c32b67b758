import math
import random


def algorithm(n: int) -> list[tuple[float, float, float]]:
    """Circles (x, y, r): equal ones on a square grid; then each in turn tries places near its own,
    and goes where it can be largest."""
    rng = random.Random(0)
    side = math.ceil(math.sqrt(n))
    circles = [((k % side + 0.5) / side, (k // side + 0.5) / side, 0.49 / side) for k in range(n)]
    for _ in range(20):
        for k in range(n):
            x, y, _ = circles[k]
            others = circles[:k] + circles[k + 1 :]
            near = x + rng.gauss(0.0, 0.03), y + rng.gauss(0.0, 0.03)
            places = [(x, y), near]
            circles[k] = max((fitted(place, others) for place in places), key=lambda c: c[2])
    return circles


def fitted(place, others):
    """The largest circle around the place that fits in between the others and the sides."""
    x, y = place
    room = min(x, y, 1.0 - x, 1.0 - y)
    for other_x, other_y, radius in others:
        room = min(room, math.hypot(x - other_x, y - other_y) - radius)
    return x, y, max(0.0, room - 1e-9)
