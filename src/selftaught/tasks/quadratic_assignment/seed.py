import numpy as np


def algorithm(flow: np.ndarray, distance: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    """Assignment by simulated annealing: swaps of two places, accepted by their change of cost."""
    facilities = np.arange(len(flow))

    def cost(assignment: np.ndarray) -> float:
        transported = (flow * distance[assignment[:, None], assignment]).sum()
        return float(transported - 0.5 * penalty[facilities, assignment].sum())

    current = facilities.copy()
    current_cost = cost(current)
    best, best_cost = current, current_cost
    temperature = 1.0
    for _ in range(200):
        one, other = np.random.randint(0, len(flow), size=2)
        changed = current.copy()
        changed[[one, other]] = changed[[other, one]]
        change = cost(changed) - current_cost
        if change < 0 or np.random.random() < np.exp(-change / temperature):
            current, current_cost = changed, current_cost + change
            if current_cost < best_cost:
                best, best_cost = current, current_cost
        temperature *= 0.98
    return best
