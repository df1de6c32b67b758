import numpy as np


def algorithm(variables: int, clauses: np.ndarray) -> np.ndarray:
    """Values by a random walk: flip any variable of any clause that does not hold."""
    values = np.random.randint(0, 2, size=variables)
    for _ in range(50):
        holds = (clauses > 0) == (values[np.abs(clauses) - 1] == 1)
        broken = clauses[~holds.any(axis=1)]
        if len(broken) == 0:
            break
        literal = broken[np.random.randint(len(broken)), np.random.randint(3)]
        values[abs(literal) - 1] ^= 1
    return values
