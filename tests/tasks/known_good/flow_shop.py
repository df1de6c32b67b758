"""Insertion in the order of total times (Nawaz, Enscore and Ham 1983), then insertion again."""

import numpy as np


def makespan(times: list[list[float]], order: list[int]) -> float:
    free_at = [0.0] * len(times[0])
    for job in order:
        done = 0.0
        for machine, time in enumerate(times[job]):
            done = max(done, free_at[machine]) + time
            free_at[machine] = done
    return free_at[-1]


def inserted(times: list[list[float]], order: list[int], job: int) -> list[int]:
    places = ([*order[:place], job, *order[place:]] for place in range(len(order) + 1))
    return min(places, key=lambda candidate: makespan(times, candidate))


def algorithm(times: np.ndarray) -> list[int]:
    listed = times.tolist()
    order: list[int] = []
    for job in np.argsort(-times.sum(axis=1)).tolist():
        order = inserted(listed, order, job)
    for job in list(order):
        order = inserted(listed, [other for other in order if other != job], job)
    return order
