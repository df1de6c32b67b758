"""Best fit, but rather a new bin than one in which a gap is left that few items fit into."""


def algorithm(item, bins):
    left_over = bins - item
    scores = 1.0 - left_over / 100.0
    scores[(left_over > 4) & (left_over < 24)] -= 2.0
    scores[-1] = -0.5
    return scores
