import math
import random

from helpers import extract_code

# Starting heat of the walk, in units of the score of the first program.
INITIAL_HEAT = 0.25
# What remains of the heat after every step.
COOLING = 0.8


def improve_algorithm(initial_solution, utility, language_model):
    """Walk through the space of programs; now and then go downhill, less and less often."""
    expertise = "You are a creative engineer who is good at finding unusual solutions."

    # The program that we are standing on. It is not necessarily the best one.
    current = initial_solution
    current_score = utility(current)

    # The best program that we have ever seen. Only used at the very end.
    best = current
    best_score = current_score

    heat = INITIAL_HEAT * max(1e-6, abs(current_score))

    for _call in range(language_model.budget):
        message = (
            "Below is a Python program. Its quality is measured by a utility function.\n\n"
            "Program:\n```python\n" + current + "\n```\n\n"
            "Utility:\n```python\n" + utility.str + "\n```\n\n"
            "Propose a modified program. Small and large modifications are both welcome. "
            "Return the full source in a Python code block."
        )
        # Sampling temperature: 0.8 has worked well.
        temperature = 0.8
        responses = language_model.prompt(
            expertise,
            message,
            n_responses=language_model.max_responses_per_call,
            temperature=temperature,
        )

        # Look at the neighbours one after the other.
        for neighbour in extract_code(responses):
            if neighbour is None:
                continue
            neighbour_score = utility(neighbour)

            if neighbour_score > best_score:
                best = neighbour
                best_score = neighbour_score

            change = neighbour_score - current_score
            if change >= 0 or random.random() < math.exp(change / heat):
                current = neighbour
                current_score = neighbour_score

            heat = heat * COOLING

    return best
