"""WalkSAT with a fixed number of flips, from the sign that most of a variable's literals have.

Source: Selman, Kautz and Cohen 1994, Noise strategies for improving local search.
"""

import random

import numpy as np


def algorithm(variables: int, clauses: np.ndarray) -> list[int]:
    rows: list[list[int]] = clauses.tolist()
    having: dict[int, list[int]] = {k: [] for k in range(-variables, variables + 1)}
    for number, row in enumerate(rows):
        for literal in row:
            having[literal].append(number)
    true = {k: len(having[k]) > len(having[-k]) for k in range(1, variables + 1)}
    holding = [sum(true[abs(k)] == (k > 0) for k in row) for row in rows]
    broken = {number for number, count in enumerate(holding) if count == 0}

    def breaks(variable: int) -> int:
        now = variable if true[variable] else -variable
        return sum(holding[number] == 1 for number in having[now])

    for _ in range(2500):
        if not broken:
            break
        row = rows[random.choice(tuple(broken))]
        cost = {abs(k): breaks(abs(k)) for k in row}
        variable = min(cost, key=lambda k: cost[k])
        if cost[variable] and random.random() < 0.5:
            variable = abs(random.choice(row))
        now = variable if true[variable] else -variable
        true[variable] = not true[variable]
        for number in having[now]:
            holding[number] -= 1
            if holding[number] == 0:
                broken.add(number)
        for number in having[-now]:
            holding[number] += 1
            broken.discard(number)
    return [int(true[k]) for k in range(1, variables + 1)]
