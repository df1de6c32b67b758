"""Tries to go on without end."""


def algorithm(weights):
    state = weights[0]
    while True:
        state = weights @ state / (abs(state).max() + 1.0)
