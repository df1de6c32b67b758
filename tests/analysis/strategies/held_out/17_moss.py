import random

from helpers import extract_code

CONFIG = {
    "temperature": 0.75,
    "arms": [
        "You are an expert in dynamic programming.",
        "You are an expert in heuristics.",
        "You are an expert in linear algebra.",
        "You are an expert in graph theory.",
    ],
    "generations": 3,
}


def improve_algorithm(initial_solution, utility, language_model):
    parents = [initial_solution]
    population = []
    for _generation in range(min(CONFIG["generations"], language_model.budget)):
        # Thompson sampling with a flat prior.
        expertise = random.choice(CONFIG["arms"])
        offspring = extract_code(
            language_model.prompt(
                expertise,
                "Mutate the program below so that it becomes fitter.\n\n"
                "```python\n" + parents[0] + "\n```\n\n"
                "Its fitness function is:\n\n```python\n" + utility.str + "\n```\n\n"
                "Return the whole program in a code block.",
                n_responses=language_model.max_responses_per_call,
                temperature=CONFIG["temperature"],
            )
        )
        population.extend(child for child in offspring if child)

    random.shuffle(population)
    fitness = utility.map(population)
    ranked = sorted(zip(fitness, population, strict=True), key=lambda pair: pair[0])
    return ranked[-1][1] if ranked else initial_solution
