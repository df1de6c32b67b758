def algorithm(target: str, distance: int) -> str:
    """A string near the distance: the target itself, which differs from itself nowhere."""
    return target
