import selftaught as st

MOST = 10.0


def utility(program, rng):
    """A number that is near the one that was drawn, at most MOST."""
    return min(MOST, float(program(int(rng.integers(5))))) / MOST


task = st.Task("halves", "def algorithm(x):\n    return x\n", utility, (0.0, 1.0))
