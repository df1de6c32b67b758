import numpy as np


def algorithm(
    x: np.ndarray, gradient: np.ndarray, velocity: np.ndarray, step: int
) -> tuple[np.ndarray, np.ndarray]:
    """One step of gradient descent with momentum: the new points and the new velocities."""
    length = np.linalg.norm(gradient, axis=-1, keepdims=True)
    gradient = gradient / (1.0 + 1.0 * length)
    rate = 0.7 / (1.0 + 0.2 * step)
    momentum = 0.1 + 0.01 * step
    velocity = momentum * velocity - rate * gradient
    return x + velocity - 0.01 * gradient, velocity
