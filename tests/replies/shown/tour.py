import math


def distance(a, b):
    return math.hypot(a[0] - b[0], a[1] - b[1])


def length(cities, order):
    total = 0.0
    for i in range(len(order)):
        total += distance(cities[order[i]], cities[order[i - 1]])
    return total


def algorithm(cities):
    """Visit the nearest city that is left, from city 0."""
    if not cities:
        return []
    order = [0]
    left = set(range(1, len(cities)))
    while left:
        here = cities[order[-1]]
        best = None
        for city in left:
            if best is None or distance(here, cities[city]) < distance(here, cities[best]):
                best = city
        order.append(best)
        left.remove(best)
    return order
