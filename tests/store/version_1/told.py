import selftaught as st


def utility(program, rng):
    return min(1.0, program(int(rng.integers(5))) / 20)


seed = "def algorithm(x):\n    return x\n"
task = st.Task("told", seed, utility, (0.0, 1.0), description="The more, the better.")
