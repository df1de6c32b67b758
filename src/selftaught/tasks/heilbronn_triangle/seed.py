import random
from itertools import combinations

Point = tuple[float, float]


def algorithm(n: int) -> list[Point]:
    """Points (x, y): random ones; then one at a time is moved a little, and stays where it came if
    the smallest triangle grew."""
    rng = random.Random(0)
    points = [folded(rng.random(), rng.random()) for _ in range(n)]
    for trial in range(200):
        k = trial % n
        x, y = points[k]
        moved = list(points)
        moved[k] = folded(abs(rng.gauss(x, 0.05)), abs(rng.gauss(y, 0.05)))
        if smallest(moved) > smallest(points):
            points = moved
    return points


def folded(x: float, y: float) -> Point:
    """The point, or its mirror image if it lies beyond the long side of the triangle."""
    x, y = min(x, 1.0), min(y, 1.0)
    return (x, y) if x + y < 1.0 else (1.0 - x, 1.0 - y)


def smallest(points: list[Point]) -> float:
    """Twice the area of the smallest triangle that three of the points span."""
    return min(
        abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay))
        for (ax, ay), (bx, by), (cx, cy) in combinations(points, 3)
    )
