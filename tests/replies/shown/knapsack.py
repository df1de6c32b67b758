"""Choose items for a knapsack."""

LIMIT = 1000


# EVOLVE-BLOCK-START
def score(item):
    value, weight = item
    return value


def algorithm(items, capacity):
    chosen = []
    room = capacity
    ranked = sorted(range(len(items)), key=lambda i: score(items[i]), reverse=True)
    for i in ranked:
        value, weight = items[i]
        if weight <= room:
            chosen.append(i)
            room -= weight
    return sorted(chosen)


# EVOLVE-BLOCK-END


def worth(items, chosen):
    return sum(items[i][0] for i in chosen)
