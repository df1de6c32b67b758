import random

from helpers import extract_code

EPSILON = 0.3


class PromptStats:
    def __init__(self, instruction):
        self.instruction = instruction
        self.count = 0
        self.mean = 0.0

    def add(self, x):
        self.count += 1
        self.mean += (x - self.mean) / self.count


def improve_algorithm(initial_solution, utility, language_model):
    seen = {}

    def evaluate(program):
        if program in seen:
            return seen[program]
        seen[program] = utility(program)
        return seen[program]

    base = evaluate(initial_solution)
    stats = [
        PromptStats("Please optimise the program below."),
        PromptStats("The program below has a hidden inefficiency. Find it and fix it."),
        PromptStats("Write a program for the same job from scratch, with another method."),
        PromptStats("Combine the method of the program below with a local search."),
    ]

    for call_number in range(language_model.budget):
        chosen = []
        for i in range(language_model.max_responses_per_call):
            if call_number == 0:
                chosen.append(stats[i % len(stats)])
            elif random.random() < EPSILON:
                chosen.append(random.choice(stats))
            else:
                chosen.append(max(stats, key=lambda s: s.mean))

        messages = []
        for s in chosen:
            messages.append(
                s.instruction
                + "\n\n```python\n"
                + initial_solution
                + "\n```\n\nThe utility:\n\n```python\n"
                + utility.str
                + "\n```\n\nAnswer with code only (one block, complete program)."
            )
        answers = language_model.batch_prompt("You are an expert coder.", messages)

        for s, program in zip(chosen, extract_code(answers), strict=False):
            if program is None:
                s.add(-1.0)
            else:
                s.add(evaluate(program) - base)

    return max(seen, key=lambda program: seen[program])
