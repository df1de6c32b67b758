import numpy as np


def algorithm(
    train_samples: np.ndarray, train_parity: np.ndarray, test_samples: np.ndarray
) -> np.ndarray:
    """Predicted parity of each test sample: a guess."""
    return np.random.randint(0, 2, size=len(test_samples))
